// What we ourselves sent in the last while, exactly: a running sum over a sliding window, so that no window
// of the provider, wherever it starts, can hold more than the sum here. Costs are whole numbers, so the sum
// does not drift. One thread; time never goes back.
//
// A ring of slots. A slot leaves the sum when all of it is older than the window: the sum is never too small,
// and too large by at most what one slot holds (with slots of 100 ms and windows of 60 s that costs 0.2 % of
// a limit). Slots are summed up by blocks as well: a minute has 1,200 of 50 ms, and whoever asks when a sum
// will have fallen passes over most of them.
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

  // Counts what `other` holds as well. REQUIRES: same window and slots.
  void absorb(WindowMirror& other, TimePoint now);

  // Lets go of what has left the window: questions are answered without it too, only more slowly.
  void pass(TimePoint now) {
    if (now >= oldest_leaves_) drop(now);
  }

  // The sum of the window that ends at `now`, which may be later than now if nothing is added.
  double sum(TimePoint now) const;

  // Earliest time at which the sum is at most `ceiling` if nothing is added; `now` if it is already, `never`
  // if the ceiling is below zero.
  TimePoint ready_at(double ceiling, TimePoint now) const;

 private:
  static constexpr std::size_t block = 32;  // slots

  void drop(TimePoint now);

  // What is left of the sum without the oldest slots, for as many of them as `may` lets pass: may(slots,
  // left) is asked about more and more slots, and says no from some number on.
  struct Passed {
    std::size_t slots;
    double left;
  };
  template <class May>
  Passed without(May may) const {
    Passed passed{0, sum_};
    for (std::size_t place = oldest_place_; passed.slots < ring_.size();) {
      const bool by_block = place % block == 0 && passed.slots + block <= ring_.size();
      Passed next{passed.slots + block, by_block ? passed.left - blocks_[place / block] : 0};
      if (!by_block || !may(next.slots, next.left)) {
        next = {passed.slots + 1, passed.left - ring_[place]};
        if (!may(next.slots, next.left)) break;
      }
      place += next.slots - passed.slots;
      if (place == ring_.size()) place = 0;
      passed = next;
    }
    return passed;
  }

  const Duration window_;
  const Duration slot_;
  std::vector<double> ring_;      // whole blocks
  std::vector<double> blocks_;    // their sums
  TimePoint oldest_leaves_;       // when the first slot that is still in the window leaves it
  std::size_t oldest_place_ = 0;  // of that slot in the ring
  double sum_ = 0;
};

}  // namespace batchrun
