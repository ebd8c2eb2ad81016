#include "pool/ramp.h"

#include <algorithm>

namespace batchrun {
namespace {

constexpr double at_first = 0.25;  // of the limit

}  // namespace

Ramp::Ramp(double units_per_second, Duration climb, TimePoint last_sent)
    : units_per_second_(units_per_second),
      climb_(climb),
      climbs_since_(last_sent == TimePoint::min() ? last_sent : last_sent - climb),
      last_sent_(last_sent),
      flow_(units_per_second * at_first) {}

double Ramp::share(TimePoint now) const {
  return std::min(1.0, at_first + (1 - at_first) * seconds(now - climbs_since_) / seconds(climb_));
}

TimePoint Ramp::ready_at(TimePoint now) const {
  if (cold(now) || share(now) >= 1) return TimePoint::min();
  return flow_.ready_at(1);
}

void Ramp::take(double units, TimePoint now) {
  if (cold(now)) {
    climbs_since_ = now;
    flow_ = TokenBucket(units_per_second_ * at_first);
  }
  last_sent_ = now;
  const double part = share(now);
  if (part >= 1) return;
  flow_.set_rate(units_per_second_ * part);
  flow_.take(units, now);
}

}  // namespace batchrun
