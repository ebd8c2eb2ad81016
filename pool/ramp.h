// A rate that climbs, for a provider that refuses a sharp rise although its limits would allow it
// (Anthropic's "acceleration" limits, https://docs.anthropic.com/en/api/rate-limits): from a quarter of a
// limit to the whole of it in a given time. One thread.
#pragma once

#include "pool/time.h"
#include "pool/token_bucket.h"

namespace batchrun {

class Ramp {
 public:
  // `units_per_second`: of the limit. `climb`: how long it takes; who has sent nothing for as long starts
  // over. `last_sent`: by an earlier run, that is thought to have climbed. REQUIRES: all are > 0.
  Ramp(double units_per_second, Duration climb, TimePoint last_sent = TimePoint::min());

  // Earliest time at which anything may be sent. May lie in the past: then now.
  TimePoint ready_at(TimePoint now) const;

  // REQUIRES: ready_at(now) <= now.
  void take(double units, TimePoint now);

  void set_limit(double units_per_second) { units_per_second_ = units_per_second; }

 private:
  bool cold(TimePoint now) const { return last_sent_ == TimePoint::min() || now - last_sent_ >= climb_; }
  double share(TimePoint now) const;  // of the limit

  double units_per_second_;
  Duration climb_;
  TimePoint climbs_since_;
  TimePoint last_sent_;
  TokenBucket flow_;
};

}  // namespace batchrun
