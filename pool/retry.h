// When a failed row is tried again, and whether we may afford it. Two things: the policy knows one row, the
// budget knows what all of them send, so that a provider that is down is not sent its load several times
// over. One thread.
#pragma once

#include <cstdint>

#include "pool/time.h"
#include "pool/window_mirror.h"

namespace batchrun {

// Full jitter ("Exponential Backoff And Jitter", AWS architecture blog): spreads those that failed together.
class RetryPolicy {
 public:
  RetryPolicy(Duration base, Duration max) : base_(base), max_(max) {}

  // Pause before attempt `failures` + 1: `share` (in [0, 1), drawn evenly by the caller) of min(max, base *
  // 2^failures).
  Duration pause(std::uint32_t failures, double share) const;

 private:
  Duration base_;
  Duration max_;
};

// In any minute, retries <= ratio * (sends of that minute) + 60 * per_second.
class RetryBudget {
 public:
  RetryBudget(double ratio, double per_second);

  // A request of any kind was sent.
  void sent(TimePoint now);

  // Earliest time at which one retry is affordable if nothing is sent until then; `now` if it is already. A
  // guess from below: ask again then.
  TimePoint ready_at(TimePoint now);

  // REQUIRES: ready_at(now) <= now.
  void spend(TimePoint now);

 private:
  double ratio_;
  double free_per_minute_;
  WindowMirror sends_;
  WindowMirror retries_;
};

}  // namespace batchrun
