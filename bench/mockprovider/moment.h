// Time in the simulated provider: nanoseconds since its start, always an argument. Only event_loop reads a
// clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace batchrun::mock {

using Moment = std::chrono::nanoseconds;

// One instant on both clocks: `since_start` paces and limits, `unix_s` is what replies call "created" and
// "Date".
struct Now {
  Moment since_start{};
  std::int64_t unix_s = 0;
};

constexpr double in_seconds(Moment m) {
  return std::chrono::duration<double>(m).count();
}

// `s` seconds; negative and NaN become zero, more than 30 years becomes 30 years.
constexpr Moment from_seconds(double s) {
  constexpr double longest = 1e9;
  if (!(s > 0)) return Moment::zero();
  return Moment(static_cast<Moment::rep>((s < longest ? s : longest) * 1e9));
}

}  // namespace batchrun::mock
