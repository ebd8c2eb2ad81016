// Units flow in at a steady rate up to the brim, what is sent flows out. A cost larger than the level takes
// the bucket into debt instead of waiting for a level it could never reach. One thread.
//
// Kept as the time at which the bucket will be full again (the "theoretical arrival time" of GCRA, ITU-T
// I.371), in whole nanoseconds: ready_at() is then exact, and asking again at that time always succeeds.
#pragma once

#include <algorithm>

#include "pool/time.h"

namespace batchrun {

class TokenBucket {
 public:
  // Holds what flows in during `brim`, but at least one unit; when it is first used it holds as much as flows
  // in during `at_first`, at least one unit, and at most the brim. REQUIRES: units_per_second > 0.
  explicit TokenBucket(double units_per_second, Duration brim = std::chrono::seconds(1),
                       Duration at_first = std::chrono::seconds(1));

  // Earliest time at which `cost` may be taken: when the level is at least one unit, or `cost` if that is
  // less. May lie in the past: then now. A cost of zero is ready at any time.
  TimePoint ready_at(double cost) const {
    if (cost <= 0) return long_ago;
    return full_at_ - brim_ + (cost < 1 ? time_for(cost) : one_unit_);
  }

  // Earliest time at which the level is `units`, or the brim if that is less. May lie in the past.
  TimePoint holds_at(double units) const;

  // The most whole units with holds_at(units) <= now: infinite when the bucket is full, negative in debt.
  double held(TimePoint now) const;

  // Takes `cost` out, into debt if need be. REQUIRES: ready_at(cost) <= now.
  void take(double cost, TimePoint now);

  // Corrects what was taken earlier: positive takes more, negative gives back. Never lifts the level over the
  // brim.
  void adjust(double units, TimePoint now);

  // From now on; what was taken stays taken, measured in time. REQUIRES: units_per_second > 0.
  void set_rate(double units_per_second);

  // What is missing comes back in that share of the time: what was taken at a rate that turns out to have
  // been too low was, in units, less than it is in time.
  void shorten(double share, TimePoint now);

  // How much flows in from empty to full. The level stays, but is never over the brim.
  void set_brim(Duration brim, TimePoint now);

  // Lowers the level to what flows in during `most`, if it is over that.
  void cap_level(Duration most, TimePoint now);

  // Units there are; negative in debt.
  double level(TimePoint now) const;

 private:
  // Far in the past, with room to subtract from.
  static constexpr TimePoint long_ago{Duration::min() / 4};
  // Three years: a cost beyond is as good as never paid off, and must not overflow.
  static constexpr double longest_ns = 1e17;

  Duration time_for(double units) const {
    const double ns = std::clamp(units * interval_ns_, -longest_ns, longest_ns);
    return Duration(static_cast<Duration::rep>(ns < 0 ? ns - 0.5 : ns + 0.5));
  }
  void start(TimePoint now);

  Duration wanted_brim_;
  Duration at_first_;
  bool started_ = false;
  double interval_ns_;  // time in which one unit flows in
  Duration one_unit_;   // the same, rounded
  Duration brim_;       // time in which an empty bucket fills
  TimePoint full_at_;   // not after now if it is full
};

}  // namespace batchrun
