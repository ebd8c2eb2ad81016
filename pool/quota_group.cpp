#include "pool/quota_group.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "pool/invariant.h"
#include "pool/retry.h"

namespace batchrun {
namespace {

constexpr Duration minute = std::chrono::seconds(60);
// Time in which no row of the look-ahead fitted is caught up: at this much times the even rate, and not more
// than this much of it. Without, rows of 50 to 4,000 tokens left 1.8 % of a limit of 60,000 unused, with
// it 1.2 %.
constexpr double catch_up = 1.1;
constexpr Duration lost_time_kept = std::chrono::seconds(6);
constexpr double error_weight = 1.0 / 64;  // of the newest error in the mean
constexpr double negligible_error = 0.001;
// With two, 0.7 % of requests were answered 429 where single estimates are 10 % off; with three 0.1 %.
constexpr double deviations = 3;
constexpr Duration mirror_slot = std::chrono::milliseconds(100);
constexpr Duration longest_obeyed = std::chrono::minutes(15);

constexpr std::array all_dimensions{Dimension::requests_per_minute,     Dimension::tokens_per_minute,
                                    Dimension::input_tokens_per_minute, Dimension::output_tokens_per_minute,
                                    Dimension::requests_per_day,        Dimension::tokens_per_day};

double& part(Room& room, Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_minute:
    case Dimension::requests_per_day:
      return room.requests;
    case Dimension::tokens_per_minute:
    case Dimension::tokens_per_day:
      return room.tokens;
    case Dimension::input_tokens_per_minute:
      return room.input_tokens;
    case Dimension::output_tokens_per_minute:
      return room.output_tokens;
  }
  broken_invariant("a dimension without a room");
}

void narrow(Room& room, Dimension dimension, double units) {
  double& most = part(room, dimension);
  most = std::min(most, units);
}

// Sums of whole numbers are exact; compared with a whole limit they stay so.
double whole(double limit) {
  return limit < 1 ? limit : std::floor(limit);
}

bool of_minute(Dimension dimension) {
  return dimension != Dimension::requests_per_day && dimension != Dimension::tokens_per_day;
}

}  // namespace

double amount(const Cost& cost, Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_minute:
    case Dimension::requests_per_day:
      return cost.requests;
    case Dimension::tokens_per_minute:
    case Dimension::tokens_per_day:
      return cost.tokens();
    case Dimension::input_tokens_per_minute:
      return cost.input_tokens;
    case Dimension::output_tokens_per_minute:
      return cost.output_tokens;
  }
  broken_invariant("a dimension without an amount");
}

QuotaGroup::MinuteLimit::MinuteLimit(Dimension which, double units, Duration window)
    : dimension(which),
      limit(whole(units)),
      window_s(seconds(window + mirror_slot)),
      pace(units / window_s * catch_up),
      flow(units / window_s, lost_time_kept),
      mirror(window, mirror_slot) {}

void QuotaGroup::MinuteLimit::lower(double units) {
  limit = whole(units);
  pace.set_rate(units / window_s * catch_up);
  flow.set_rate(units / window_s);
}

void QuotaGroup::MinuteLimit::learn(double relative_error) {
  const double short_by = std::max(relative_error, 0.0);
  error_square += (short_by * short_by - error_square) * error_weight;
  const double root = std::sqrt(error_square);
  error = root < negligible_error ? 0 : root;
}

double QuotaGroup::MinuteLimit::needed(double units) const {
  if (error == 0) return units;
  const double doubt = deviations * error * (units + std::sqrt(squares));
  return std::min(std::ceil(units + doubt), limit);
}

double QuotaGroup::MinuteLimit::fitting(double free) const {
  if (error == 0 || free >= limit) return free;
  double units = std::floor((free - deviations * error * std::sqrt(squares)) / (1 + deviations * error));
  while (units > 0 && needed(units) > free) --units;
  while (needed(units + 1) <= free) ++units;  // exact, or a wait for the time it fits would never end
  return units;
}

QuotaGroup::QuotaGroup(const GroupSpec& spec, const PoolSettings& settings)
    : name_(spec.name), charging_(spec.charging), settings_(&settings), max_concurrent_(spec.max_concurrent) {
  for (const Dimension dimension : all_dimensions) {
    const std::optional<double>& limit = spec.limits[static_cast<std::size_t>(dimension)];
    if (!limit) continue;
    if (!(*limit > 0)) {
      throw std::invalid_argument(
          fmt::format("{}: the limit of {} must be more than 0", name_, batchrun::name(dimension)));
    }
    if (of_minute(dimension)) {
      minutes_.emplace_back(dimension, *limit, minute + settings.jitter);
    } else {
      days_.push_back({dimension, whole(*limit)});
    }
  }
  note_most();
}

TimePoint QuotaGroup::gate_of(MinuteLimit& limit, TimePoint now) const {
  // A row may produce no output, so output can hold back none for certain.
  if (limit.dimension == Dimension::output_tokens_per_minute) return TimePoint::min();
  return std::max(limit.paced_at(1), limit.mirror.ready_at(limit.limit - limit.needed(1), now));
}

TimePoint QuotaGroup::gate(TimePoint now) {
  if (gate_version_ != version_) {
    gate_ = closed_until_;
    for (MinuteLimit& limit : minutes_) gate_ = std::max(gate_, gate_of(limit, now));
    gate_version_ = version_;
  }
  return gate_;
}

Room QuotaGroup::room(TimePoint now) {
  Room room;
  for (MinuteLimit& limit : minutes_) {
    const bool flows = limit.paced_at(1) <= now;
    narrow(room, limit.dimension, flows ? limit.fitting(limit.limit - limit.mirror.sum(now)) : 0);
  }
  for (const DayLimit& limit : days_) narrow(room, limit.dimension, limit.limit - limit.used);
  return room;
}

TimePoint QuotaGroup::ready_at(const Cost& cost, TimePoint now) {
  if (retired() || day_spent(cost)) return never;
  TimePoint when = std::max(now, closed_until_);
  for (MinuteLimit& limit : minutes_) {
    const double units = amount(cost, limit.dimension);
    when = std::max(
        {when, limit.paced_at(units), limit.mirror.ready_at(limit.limit - limit.needed(units), now)});
  }
  return when;
}

void QuotaGroup::note_most() {
  most_ = {};
  for (const MinuteLimit& limit : minutes_) narrow(most_, limit.dimension, limit.limit);
  for (const DayLimit& limit : days_) narrow(most_, limit.dimension, limit.limit);
}

bool QuotaGroup::day_spent(const Cost& cost) const {
  return std::any_of(days_.begin(), days_.end(), [&](const DayLimit& limit) {
    return limit.used + amount(cost, limit.dimension) > limit.limit;
  });
}

// Most corrections are of the last few seconds, so the search is short.
void QuotaGroup::note_sent(const Cost& cost, TimePoint at) {
  if (!settings_->keep_history) return;
  const TimePoint second = std::chrono::floor<std::chrono::seconds>(at);
  auto slot = std::find_if(history_.sent.rbegin(), history_.sent.rend(),
                           [&](const SentSlot& sent) { return sent.at <= second; });
  if (slot == history_.sent.rend() || slot->at != second) {
    slot =
        std::make_reverse_iterator(std::next(history_.sent.insert(slot.base(), {second, {.requests = 0}})));
  }
  slot->cost.requests += cost.requests;
  slot->cost.input_tokens += cost.input_tokens;
  slot->cost.output_tokens += cost.output_tokens;
}

GroupHistory QuotaGroup::take_history() {
  return std::exchange(history_, {});
}

void QuotaGroup::take(const Cost& cost, TimePoint now) {
  ++in_flight_;
  note_sent(cost, now);
  for (const Dimension dimension : all_dimensions) {
    total_[static_cast<std::size_t>(dimension)] += amount(cost, dimension);
  }
  for (MinuteLimit& limit : minutes_) {
    const double units = amount(cost, limit.dimension);
    limit.pace.take(units, now);
    limit.flow.take(units, now);
    limit.mirror.add(units, now, now);
    limit.squares += units * units;
  }
  for (DayLimit& limit : days_) limit.used += amount(cost, limit.dimension);
  if (limited()) ++version_;
}

bool QuotaGroup::settle(const Cost& reserved, const Cost& actual, TimePoint admitted_at, TimePoint now) {
  bool freed = full();
  require(in_flight_ > 0, "more settled than admitted");
  --in_flight_;
  const auto difference = [&](Dimension dimension) {
    return amount(actual, dimension) - amount(reserved, dimension);
  };
  for (const Dimension dimension : all_dimensions) {
    total_[static_cast<std::size_t>(dimension)] += difference(dimension);
  }
  note_sent({.requests = actual.requests - reserved.requests,
             .input_tokens = actual.input_tokens - reserved.input_tokens,
             .output_tokens = actual.output_tokens - reserved.output_tokens},
            admitted_at);
  for (MinuteLimit& limit : minutes_) {
    const double units = difference(limit.dimension);
    const double was = amount(reserved, limit.dimension);
    freed = freed || limit.error > 0;
    limit.squares = in_flight_ == 0 ? 0 : limit.squares - was * was;
    limit.learn(was > 0 ? units / was : 0);
    if (units == 0 && limit.error == 0) continue;
    limit.pace.adjust(units, now);
    limit.flow.adjust(units, now);
    limit.mirror.add(units, admitted_at, now);
    ++version_;
    freed = freed || units < 0;
  }
  for (DayLimit& limit : days_) {
    const double units = difference(limit.dimension);
    limit.used += units;
    ++version_;
    freed = freed || units < 0;
  }
  // With nothing left to come back, a day that is spent is spent: somebody has to look.
  return freed || (!days_.empty() && in_flight_ == 0);
}

void QuotaGroup::observe(const ServerLimits& limits, TimePoint now) {
  if (!limits.any) return;
  for (const Dimension dimension : all_dimensions) {
    const LimitReading& reading = limits[dimension];
    if (reading.limit && std::isfinite(*reading.limit) && *reading.limit >= 1) {
      observe(dimension, *reading.limit, reading, now);
    }
  }
  note_most();
  ++version_;
}

void QuotaGroup::observe(Dimension dimension, double limit, const LimitReading& reading, TimePoint now) {
  const double used = reading.remaining ? std::clamp(std::ceil(limit - *reading.remaining), 0.0, limit) : 0;
  if (of_minute(dimension)) {
    const auto ours = std::find_if(minutes_.begin(), minutes_.end(),
                                   [&](const MinuteLimit& known) { return known.dimension == dimension; });
    if (ours == minutes_.end()) {
      minutes_.emplace_back(dimension, limit, minute + settings_->jitter).mirror.add(used, now, now);
    } else if (limit < ours->limit) {
      ours->lower(limit);
    } else {
      return;
    }
    return;
  }
  const auto ours = std::find_if(days_.begin(), days_.end(),
                                 [&](const DayLimit& known) { return known.dimension == dimension; });
  if (ours == days_.end()) {
    days_.push_back({dimension, whole(limit), used});
  } else {
    ours->limit = std::min(ours->limit, whole(limit));
  }
}

void QuotaGroup::rate_limited(std::optional<Duration> retry_after, TimePoint admitted_at, TimePoint now,
                              double share) {
  const bool same_event = admitted_at < closed_at_ || now < closed_until_;
  if (!same_event) {
    closed_at_ = now;
    ++pauses_;
  }
  if (retry_after && *retry_after > Duration::zero()) {
    closed_until_ = std::max(closed_until_, now + std::min(*retry_after, longest_obeyed));
  } else if (!same_event) {
    // Between a half and the whole: a pause near zero would be answered 429 again.
    const Duration base = settings_->rate_limit_backoff;
    const RetryPolicy policy(base, std::max(base, settings_->backoff_max));
    closed_until_ = std::max(closed_until_, now + policy.pause(pauses_ - 1, 0.5 + share / 2));
  }
  ++version_;
}

double QuotaGroup::load(TimePoint now) {
  double load = max_concurrent_ == 0 ? 0 : static_cast<double>(in_flight_) / max_concurrent_;
  for (MinuteLimit& limit : minutes_) load = std::max(load, limit.mirror.sum(now) / limit.limit);
  for (const DayLimit& limit : days_) load = std::max(load, limit.used / limit.limit);
  return load;
}

std::array<std::optional<double>, dimensions> QuotaGroup::limits() const {
  std::array<std::optional<double>, dimensions> limits;
  for (const MinuteLimit& limit : minutes_) limits[static_cast<std::size_t>(limit.dimension)] = limit.limit;
  for (const DayLimit& limit : days_) limits[static_cast<std::size_t>(limit.dimension)] = limit.limit;
  return limits;
}

std::array<double, dimensions> QuotaGroup::used(TimePoint now) const {
  std::array<double, dimensions> used{};
  for (const MinuteLimit& limit : minutes_) {
    used[static_cast<std::size_t>(limit.dimension)] = limit.mirror.sum_at(now);
  }
  for (const DayLimit& limit : days_) used[static_cast<std::size_t>(limit.dimension)] = limit.used;
  return used;
}

}  // namespace batchrun
