// Time as the pool sees it: a number somebody else reads from a clock and passes in.
// Nothing in pool/ asks what time it is, which is what lets a simulation run hours in milliseconds.
#pragma once

#include <chrono>

namespace batchrun {

using Duration = std::chrono::nanoseconds;

// A clock without now(): only runner/clock may make points on it from the real, steady clock.
struct PoolClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<PoolClock>;
  static constexpr bool is_steady = true;
};
using TimePoint = PoolClock::time_point;

// Later than anything a run can reach; used for "not until something else changes".
inline constexpr TimePoint never = TimePoint::max();

// Seconds as a double, for rates.
constexpr double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

// `s` seconds as a Duration; negative becomes zero, and anything over ten years becomes ten years.
constexpr Duration from_seconds(double s) {
  constexpr double ten_years = 315'360'000.0;
  if (!(s > 0)) return Duration::zero();
  return Duration(static_cast<Duration::rep>((s < ten_years ? s : ten_years) * 1e9));
}

}  // namespace batchrun
