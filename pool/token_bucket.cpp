#include "pool/token_bucket.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace batchrun {

TokenBucket::TokenBucket(double units_per_second, Duration brim, Duration at_first)
    : wanted_brim_(brim), at_first_(at_first), full_at_(long_ago) {
  set_rate(units_per_second);
}

void TokenBucket::set_rate(double units_per_second) {
  interval_ns_ = std::min(1e9 / units_per_second, longest_ns);
  one_unit_ = time_for(1);
  brim_ = std::max(wanted_brim_, one_unit_);
}

void TokenBucket::shorten(double share, TimePoint now) {
  if (full_at_ <= now) return;
  const double missing_ns = static_cast<double>((full_at_ - now).count()) * share;
  full_at_ = now + Duration(static_cast<Duration::rep>(missing_ns));
}

TimePoint TokenBucket::holds_at(double units) const {
  return full_at_ - brim_ + std::min(brim_, time_for(units));
}

double TokenBucket::held(TimePoint now) const {
  if (full_at_ <= now) return std::numeric_limits<double>::infinity();
  double units = std::floor(static_cast<double>((now - full_at_ + brim_).count()) / interval_ns_);
  if (units < 0) return units;
  while (units > 0 && holds_at(units) > now) --units;  // times are rounded
  while (holds_at(units + 1) <= now) ++units;
  return units;
}

void TokenBucket::set_brim(Duration brim, TimePoint now) {
  const Duration before = brim_;
  wanted_brim_ = brim;
  brim_ = std::max(wanted_brim_, one_unit_);
  if (started_) full_at_ = std::max(full_at_, now) + (brim_ - before);
}

void TokenBucket::cap_level(Duration most, TimePoint now) {
  if (started_) full_at_ = std::max(full_at_, now + brim_ - std::min(brim_, std::max(most, one_unit_)));
}

void TokenBucket::start(TimePoint now) {
  if (started_) return;
  started_ = true;
  full_at_ = now + brim_ - std::min(brim_, std::max(at_first_, one_unit_));
}

void TokenBucket::take(double cost, TimePoint now) {
  adjust(cost, now);
}

void TokenBucket::adjust(double units, TimePoint now) {
  start(now);
  full_at_ = std::max(full_at_, now) + time_for(units);
}

double TokenBucket::level(TimePoint now) const {
  const Duration missing = std::max(full_at_, now) - now;
  return static_cast<double>((brim_ - missing).count()) / interval_ns_;
}

}  // namespace batchrun
