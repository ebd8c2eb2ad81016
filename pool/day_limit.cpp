#include "pool/day_limit.h"

#include <algorithm>
#include <cmath>

namespace batchrun {
namespace {

constexpr Duration slot = std::chrono::minutes(5);

}  // namespace

DayLimit::DayLimit(Dimension dimension, double units, const Calendar& calendar)
    : dimension_(dimension), limit_(units), calendar_(calendar) {
  set_limit(units);
  if (calendar.rule == DayRule::rolling) last_day_.emplace(std::chrono::hours(24), slot);
}

void DayLimit::set_limit(double units) {
  limit_ = units < 1 ? units : std::floor(units);  // sums of whole numbers stay exact against a whole one
}

// A new day has begun, perhaps.
void DayLimit::turn(TimePoint now) {
  if (last_day_ || now < turns_) return;
  const ProviderDay day = provider_day(calendar_.rule, calendar_.wall(now));
  begins_ = calendar_.pool(day.begins);
  turns_ = calendar_.pool(day.turns);
  used_ = 0;
}

double DayLimit::room(TimePoint now) {
  turn(now);
  return limit_ - (last_day_ ? last_day_->sum(now) : used_);
}

TimePoint DayLimit::ready_at(double units, TimePoint now) {
  if (units > limit_) return never;
  const TimePoint when = back_at(units, now);
  if (when > now) spent_until_ = when;
  return when;
}

TimePoint DayLimit::back_at(double units, TimePoint now) {
  if (last_day_) return last_day_->ready_at(limit_ - units, now);
  return room(now) >= units ? now : turns_;
}

void DayLimit::count(double units, TimePoint at, TimePoint now) {
  turn(now);
  if (last_day_) {
    last_day_->add(units, at, now);
  } else if (at >= begins_) {
    used_ += units;
  }
}

void DayLimit::absorb(DayLimit& other, TimePoint now) {
  set_limit(std::min(limit_, other.limit_));
  spent_until_ = std::max(spent_until_, other.spent_until_);
  turn(now);
  other.turn(now);
  used_ += other.used_;
  if (last_day_ && other.last_day_) last_day_->absorb(*other.last_day_, now);
}

double DayLimit::used_at(TimePoint now) const {
  if (last_day_) return last_day_->sum(now);
  return now < turns_ ? used_ : 0;
}

}  // namespace batchrun
