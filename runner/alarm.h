// Something to sleep on that others can cut short.
#pragma once

#include "io/transport.h"
#include "pool/time.h"

namespace batchrun {

// One sleeper, on the same thread as the ringers. Made by Clock::make_alarm.
class Alarm {
 public:
  virtual ~Alarm() = default;
  // Returns at `until`, or at the next ring; at once if one came since the last wait.
  virtual Task<void> wait_until(TimePoint until) = 0;
  virtual void ring() = 0;
};

}  // namespace batchrun
