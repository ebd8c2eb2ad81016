// The limits of one organisation (or of one model of it): admits a request in all of them or in none. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bench/mockprovider/limiter.h"

namespace batchrun::mock {

enum class Dimension {
  requests_per_minute,
  tokens_per_minute,
  requests_per_day,
  tokens_per_day,
  concurrency
};
inline constexpr std::size_t windowed_dimensions = 4;  // all but concurrency

// As error messages write it: "RPM", "TPM", "RPD", "TPD".
std::string_view short_name(Dimension dimension);

// Units per window; absent = not limited.
struct Limits {
  std::optional<double> rpm{}, tpm{}, rpd{}, tpd{};
  std::uint32_t concurrency = 0;  // requests being answered at once; 0 = not limited
};

// How limits are enforced, the same for all organisations of a scenario.
struct LimiterSettings {
  LimiterKind kind = LimiterKind::fixed_window;
  Moment bucket = std::chrono::seconds(60);  // token_bucket: capacity as time at full rate
  // Above zero: the request rate is also checked over slices this long ("60 RPM may be enforced as 1 per
  // second", OpenAI rate-limit guide; Azure 1 s or 10 s). Requests only: one large prompt may exceed a
  // slice's tokens.
  Moment request_slice{};
};

struct Refusal {
  Dimension dimension = Dimension::requests_per_minute;
  double limit = 0, used = 0, requested = 0;
  Moment wait{};           // until it would fit if nothing else came
  bool too_large = false;  // it can never fit
};

class Quota {
 public:
  Quota(const Limits& limits, const LimiterSettings& settings);

  // Takes one request and `tokens` and one place of the concurrency; or takes nothing and says which limit
  // refused it: one it can never fit first, then the one with the longest wait.
  std::optional<Refusal> admit(double tokens, Moment now);
  // Gives the place of an admitted request back.
  void release();
  // Charges tokens beyond what admit took, whether they fit or not.
  void take_tokens(double tokens, Moment now);
  // Counts a request that was refused or failed before it was admitted, as far as there is room for it.
  void count_failed_call(Moment now);

  // Nothing when the dimension is not limited.
  Limiter* limiter(Dimension dimension);
  std::optional<double> limit(Dimension dimension) const;
  std::uint32_t open() const { return open_; }

 private:
  std::optional<Refusal> refusal(Dimension dimension, Limiter& limiter, double cost, Moment now);
  std::array<std::optional<Limiter>, windowed_dimensions> limiters_;
  std::array<std::optional<double>, windowed_dimensions> limits_;
  std::optional<Limiter> request_slice_;
  std::uint32_t concurrency_;
  std::uint32_t open_ = 0;
};

}  // namespace batchrun::mock
