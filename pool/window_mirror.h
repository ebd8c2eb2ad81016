// What we ourselves sent in the last while, exactly: a running sum over a sliding window, so that no window
// of the provider, wherever it starts, can hold more than the sum here. Costs are whole numbers, so the sum
// does not drift. One thread; time never goes back.
//
// A ring of slots. A slot leaves the sum when all of it is older than the window: the sum is never too small,
// and too large by at most what one slot holds (with slots of 100 ms and windows of 60 s that costs 0.2 % of
// a limit).
#pragma once

#include <cstdint>
#include <vector>

#include "pool/time.h"

namespace batchrun {

class WindowMirror {
 public:
  // REQUIRES: window >= slot > 0.
  explicit WindowMirror(Duration window, Duration slot = std::chrono::milliseconds(100));

  // Counts `units` at time `at`; negative takes back what was counted then. Does nothing when `at` has left
  // the window. REQUIRES: at <= now.
  void add(double units, TimePoint at, TimePoint now);

  // The sum of the window that ends now.
  double sum(TimePoint now);

  // The same for readers: leaves the ring as it is.
  double sum_at(TimePoint now) const;

  // Earliest time at which the sum is at most `ceiling` if nothing is added; `now` if it is already, `never`
  // if the ceiling is below zero.
  TimePoint ready_at(double ceiling, TimePoint now);

 private:
  void advance(TimePoint now);
  // Slots are counted from long before the pool's time zero, so that windows that began before it have
  // numbers.
  static constexpr Duration origin = std::chrono::hours(24 * 3650);
  std::int64_t slot_of(TimePoint time) const { return (time.time_since_epoch() + origin) / slot_; }
  TimePoint leaves_at(std::int64_t slot) const { return TimePoint((slot + 1) * slot_ - origin + window_); }
  double& place(std::int64_t slot) { return ring_[static_cast<std::size_t>(slot) % ring_.size()]; }
  double place(std::int64_t slot) const { return ring_[static_cast<std::size_t>(slot) % ring_.size()]; }

  const Duration window_;
  const Duration slot_;
  std::vector<double> ring_;
  std::int64_t oldest_ = 0;  // number of the first slot still in the window
  TimePoint oldest_leaves_;  // leaves_at(oldest_)
  double sum_ = 0;
};

}  // namespace batchrun
