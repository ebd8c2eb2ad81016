// The limits of one organisation (or of one model of it): admits a request in all of them or in none. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/mockprovider/limiter.h"

namespace batchrun::mock {

enum class Dimension : std::uint8_t {
  requests_per_minute,
  tokens_per_minute,
  requests_per_day,
  tokens_per_day,
  input_tokens_per_minute,
  output_tokens_per_minute,
  requests_per_hour,
  concurrency
};
inline constexpr std::size_t windowed_dimensions = 7;  // all but concurrency

// As error messages write it: "RPM", "TPM", "RPD", "TPD", "ITPM", "OTPM", "RPH".
std::string_view short_name(Dimension dimension);
// "tokens per min (TPM)".
std::string long_name(Dimension dimension);
bool counts_tokens(Dimension dimension);
bool is_daily(Dimension dimension);

// Units per window; absent = not limited.
struct Limits {
  std::optional<double> rpm{}, tpm{}, rpd{}, tpd{}, itpm{}, otpm{}, rph{};
  std::uint32_t concurrency = 0;  // requests being answered at once; 0 = not limited
};

// When a day begins for the limits of a day.
enum class DayStart : std::uint8_t {
  program,  // with the simulated provider, as any other window
  utc,
  pacific,  // midnight in California, as Gemini's (https://ai.google.dev/gemini-api/docs/rate-limits)
};

// How limits are enforced.
struct LimiterSettings {
  LimiterKind kind = LimiterKind::fixed_window;
  Moment bucket = std::chrono::seconds(60);  // token_bucket: capacity as time at full rate
  // Above zero: a minute's limits are also checked over aligned slices this long, each of which holds its
  // share ("60 RPM may be enforced as 1 per second", OpenAI rate-limit guide; Azure 1 s or 10 s).
  Moment slice{};
  double largest_tokens = 0;  // what a bucket or a slice holds at least, so that a large prompt may pass
  DayStart day = DayStart::program;  // else: limits of a day are windows that turn at that midnight
};

// What one request costs at admission.
struct Cost {
  double tokens = 0;             // against TPM and TPD
  double input = 0, output = 0;  // against ITPM and OTPM
};

struct Refusal {
  Dimension dimension = Dimension::requests_per_minute;
  double limit = 0, used = 0, requested = 0;
  Moment wait{};           // until it would fit if nothing else came
  bool too_large = false;  // it can never fit
};

class Quota {
 public:
  // `unix_at_start`: the wall clock, in seconds, when the time that all other methods tell was zero.
  Quota(const Limits& limits, const LimiterSettings& settings, std::int64_t unix_at_start = 0);

  // Takes one request and its cost and one place of the concurrency; or takes nothing and says which limit
  // refused it: one it can never fit first, then the one with the longest wait.
  std::optional<Refusal> admit(const Cost& cost, Moment now);
  // Gives the place of an admitted request back.
  void release();
  // Charges tokens that were produced, whether they fit or not.
  void take_output(double tokens, Moment now);
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
