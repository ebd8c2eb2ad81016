// How well a key does, as one number: 100 when all goes well, less with every fault that blames the key. One
// thread.
#pragma once

#include "pool/time.h"

namespace batchrun {

class KeyHealth {
 public:
  // After `recovery` without a fault it is as if there had been none.
  explicit KeyHealth(Duration recovery) : recovery_(recovery) {}

  void good() { share_ += (1 - share_) * newest; }
  void bad(TimePoint now);

  // 0 to 100: the share of good answers, the last few counting most.
  double score(TimePoint now) const;

  // Faults are too many, and not all long ago.
  bool degraded(TimePoint now) const;

 private:
  static constexpr double newest = 1.0 / 16;  // weight of the last answer

  Duration recovery_;
  double share_ = 1;
  TimePoint last_fault_ = TimePoint::min();
};

}  // namespace batchrun
