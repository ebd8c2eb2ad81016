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

// How limits are enforced.
struct LimiterSettings {
  LimiterKind kind = LimiterKind::fixed_window;
  Moment bucket = std::chrono::seconds(60);  // token_bucket: capacity as time at full rate
  // Above zero: a minute's limits are also checked over aligned slices this long, each of which holds its
  // share ("60 RPM may be enforced as 1 per second", OpenAI rate-limit guide; Azure 1 s or 10 s).
  Moment slice{};
  double largest_tokens = 0;  // what a bucket or a slice holds at least, so that a large prompt may pass
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
  void add_slice(Dimension dimension, const LimiterSettings& settings);
  std::optional<Refusal> refusal(Dimension dimension, Limiter& limiter, double cost, Moment now);
  void take(Dimension dimension, double cost, Moment now);
  std::array<std::optional<Limiter>, windowed_dimensions> limiters_;
  std::array<std::optional<double>, windowed_dimensions> limits_;
  std::array<std::optional<Limiter>, windowed_dimensions> slices_;  // of the limits of a minute
  std::uint32_t concurrency_;
  std::uint32_t open_ = 0;
};

}  // namespace batchrun::mock
