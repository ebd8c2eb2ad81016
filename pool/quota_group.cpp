#include "pool/quota_group.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "pool/day_return.h"
#include "pool/invariant.h"
#include "pool/retry.h"

namespace batchrun {
namespace {

constexpr Duration longest_obeyed = std::chrono::minutes(15);
constexpr std::uint8_t nonsense_believed = 3;

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

bool makes_sense(const LimitReading& reading) {
  if (!std::isfinite(*reading.limit) || *reading.limit < 1) return false;
  return !reading.remaining || (*reading.remaining >= 0 && *reading.remaining <= *reading.limit);
}

TimePoint last_of(const GroupHistory& history) {
  TimePoint last = TimePoint::min();
  for (const SentSlot& slot : history.sent) last = std::max(last, slot.at);
  return last;
}

// The limit of that dimension, if there is one.
template <class Limit>
Limit* find(std::vector<Limit>& limits, Dimension dimension) {
  const auto found = std::find_if(limits.begin(), limits.end(),
                                  [&](const Limit& limit) { return limit.dimension() == dimension; });
  return found == limits.end() ? nullptr : &*found;
}

}  // namespace

QuotaGroup::QuotaGroup(const GroupSpec& spec, const PoolSettings& settings)
    : name_(spec.name),
      charging_(spec.charging),
      settings_(&settings),
      slice_(spec.slice),
      ramp_(spec.ramp),
      sent_before_(last_of(spec.history)),
      day_(spec.day),
      max_concurrent_(spec.max_concurrent) {
  for (const Dimension dimension : all_dimensions) {
    const std::optional<double>& limit = spec.limits[static_cast<std::size_t>(dimension)];
    if (!limit) continue;
    configured_[static_cast<std::size_t>(dimension)] = true;
    if (!(*limit > 0)) {
      throw std::invalid_argument(
          fmt::format("{}: the limit of {} must be more than 0", name_, batchrun::name(dimension)));
    }
    if (!is_per_day(dimension)) {
      add_minute_limit(dimension, *limit);
    } else {
      add_day_limit(dimension, *limit);
    }
  }
  restore(spec.history, spec.search_limits);
  if (spec.search_limits && minutes_.empty()) {
    minutes_.emplace_back(Dimension::requests_per_minute, LimitSearch(), server());
  }
  note_limits();
}

void QuotaGroup::add_climb(Dimension dimension, double limit) {
  if (ramp_ > Duration::zero()) climbs_.push_back({dimension, Ramp(limit / 60, ramp_, sent_before_)});
}

TimePoint QuotaGroup::climbed_at(TimePoint now) const {
  TimePoint when = TimePoint::min();
  for (const Climb& climb : climbs_) when = std::max(when, climb.ramp.ready_at(now));
  return when;
}

MinuteLimit& QuotaGroup::add_minute_limit(Dimension dimension, double limit) {
  add_climb(dimension, limit);
  return minutes_.emplace_back(dimension, limit, server());
}

DayLimit& QuotaGroup::add_day_limit(Dimension dimension, double limit) {
  return days_.emplace_back(dimension, limit, Calendar{day_, settings_->epoch});
}

// What earlier runs sent counts in the windows and days it lies in. A limit they learned holds where none is
// configured; with `search` only until it turns out to be another, or else it would be lowered now and then
// and never raised.
void QuotaGroup::restore(GroupHistory history, bool search) {
  for (const Dimension dimension : all_dimensions) {
    const auto d = static_cast<std::size_t>(dimension);
    const std::optional<double>& learned = history.learned_limits[d];
    if (!learned || !(*learned >= 1) || configured_[d]) continue;
    if (is_per_day(dimension)) {
      add_day_limit(dimension, *learned);
    } else if (search) {
      minutes_.emplace_back(dimension, LimitSearch::around(*learned), server());
    } else {
      add_minute_limit(dimension, *learned);
    }
  }
  std::sort(history.sent.begin(), history.sent.end(),
            [](const SentSlot& a, const SentSlot& b) { return a.at < b.at; });
  for (const SentSlot& sent : history.sent) {
    for (MinuteLimit& limit : minutes_) limit.count(amount(sent.cost, limit.dimension()), sent.at, sent.at);
    for (DayLimit& limit : days_) limit.count(amount(sent.cost, limit.dimension()), sent.at, sent.at);
  }
  if (history.out_until) {
    closed_until_ = day_gone_until_ = *history.out_until;
    trusted_at_once_ = 1;
  }
}

TimePoint QuotaGroup::gate(TimePoint now) {
  for (MinuteLimit& limit : minutes_) limit.pass(now);
  if (gate_version_ != version_) {
    gate_ = std::max(closed_until_, climbed_at(now));
    for (const MinuteLimit& limit : minutes_) gate_ = std::max(gate_, limit.gate(now));
    for (DayLimit& limit : days_) gate_ = std::max(gate_, limit.ready_at(1, now));
    gate_version_ = version_;
  }
  return gate_;
}

Room QuotaGroup::room(TimePoint now) {
  Room room = most_;
  for (const MinuteLimit& limit : minutes_) narrow(room, limit.dimension(), limit.room(now));
  for (DayLimit& limit : days_) narrow(room, limit.dimension(), limit.room(now));
  return room;
}

Room QuotaGroup::room_beside(const Cost& cost, TimePoint when, TimePoint now) {
  Room room = this->room(now);
  for (const MinuteLimit& limit : minutes_) {
    narrow(room, limit.dimension(), limit.spare(amount(cost, limit.dimension()), when));
  }
  for (DayLimit& limit : days_) {
    narrow(room, limit.dimension(), limit.room(now) - amount(cost, limit.dimension()));
  }
  return room;
}

TimePoint QuotaGroup::ready_at(const Cost& cost, TimePoint now) {
  TimePoint when = ready_apart_from_minutes(cost, now);
  for (const MinuteLimit& limit : minutes_) {
    when = std::max(when, limit.ready_at(amount(cost, limit.dimension()), now));
  }
  return when;
}

TimePoint QuotaGroup::wait_for(const Cost& cost, TimePoint now) {
  TimePoint when = ready_apart_from_minutes(cost, now);
  for (MinuteLimit& limit : minutes_) {
    when = std::max(when, limit.wait_for(amount(cost, limit.dimension()), now));
  }
  return when;
}

TimePoint QuotaGroup::ready_apart_from_minutes(const Cost& cost, TimePoint now) {
  if (retired()) return never;
  TimePoint when = std::max({now, closed_until_, climbed_at(now)});
  for (DayLimit& limit : days_) {
    when = std::max(when, limit.ready_at(amount(cost, limit.dimension()), now));
  }
  return when;
}

void QuotaGroup::hold(LaneId lane, const Cost& cost, TimePoint now) {
  held_by_ = lane;
  for (MinuteLimit& limit : minutes_) limit.save_for(amount(cost, limit.dimension()), now);
  ++version_;
}

void QuotaGroup::release(TimePoint now) {
  held_by_.reset();
  for (MinuteLimit& limit : minutes_) limit.save_for(0, now);
  ++version_;
}

// What goes by all limits together; to be called when one of them has changed.
void QuotaGroup::note_limits() {
  most_ = {};
  for (const MinuteLimit& limit : minutes_) narrow(most_, limit.dimension(), limit.most());
  for (const DayLimit& limit : days_) narrow(most_, limit.dimension(), limit.limit());
  const auto counts = [&](Dimension dimension) {
    return find(minutes_, dimension) != nullptr || find(days_, dimension) != nullptr;
  };
  counts_tokens_ = counts(Dimension::tokens_per_minute) || counts(Dimension::tokens_per_day);
  counts_input_ = counts(Dimension::input_tokens_per_minute);
  counts_output_ = counts(Dimension::output_tokens_per_minute);
}

void QuotaGroup::absorb(QuotaGroup& other, TimePoint now) {
  const auto take_over = [&](auto& ours, auto& theirs) {
    for (auto& limit : theirs) {
      if (auto* const same = find(ours, limit.dimension())) {
        same->absorb(limit, now);
      } else {
        ours.push_back(std::move(limit));
      }
    }
    theirs.clear();
  };
  take_over(minutes_, other.minutes_);
  take_over(days_, other.days_);
  other.climbs_.clear();
  if (max_concurrent_ == 0 || (other.max_concurrent_ != 0 && other.max_concurrent_ < max_concurrent_)) {
    max_concurrent_ = other.max_concurrent_;
  }
  in_flight_ += std::exchange(other.in_flight_, 0);
  for (std::size_t d = 0; d < dimensions; ++d) {
    total_[d] += std::exchange(other.total_[d], 0);
    configured_[d] = configured_[d] || other.configured_[d];
  }
  closed_until_ = std::max(closed_until_, other.closed_until_);
  closed_at_ = now;  // replies to what was sent before are no news of the group that is now
  day_gone_until_ = std::max(day_gone_until_, other.day_gone_until_);
  day_gone_at_ = std::max(day_gone_at_, other.day_gone_at_);
  trusted_at_once_ = std::min(trusted_at_once_, other.trusted_at_once_);
  observed_at_ = now;
  pauses_ = 0;
  for (QuotaGroup* group : {this, &other}) {
    group->note_limits();
    ++group->version_;
  }
}

std::optional<TimePoint> QuotaGroup::day_spent_until(TimePoint now) {
  TimePoint until = now;
  for (DayLimit& limit : days_) until = std::max(until, limit.ready_at(1, now));
  return until > now ? std::optional(until) : std::nullopt;
}

std::optional<QuotaGroup::Spent> QuotaGroup::last_spent_day(const Cost& cost, TimePoint now) {
  Spent last{.dimension = {}, .until = day_gone_until_};
  for (DayLimit& limit : days_) {
    const TimePoint ready = limit.ready_at(amount(cost, limit.dimension()), now);
    const TimePoint until = ready > now ? ready : std::min(limit.spent_until(), now);
    if (until > last.until) last = {limit.dimension(), until};
  }
  return last.until > TimePoint::min() ? std::optional(last) : std::nullopt;
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
  GroupHistory history = std::exchange(history_, {});
  const auto note = [&](Dimension dimension, double limit) {
    const auto d = static_cast<std::size_t>(dimension);
    if (configured_[d] || told_limits_[d] == limit) return;
    history.learned_limits[d] = told_limits_[d] = limit;
  };
  for (const MinuteLimit& limit : minutes_) {
    if (!limit.searched() || limit.found()) note(limit.dimension(), limit.limit());
  }
  for (const DayLimit& limit : days_) note(limit.dimension(), limit.limit());
  return history;
}

void QuotaGroup::take(const Cost& cost, TimePoint now) {
  ++in_flight_;
  note_sent(cost, now);
  for (const Dimension dimension : all_dimensions) {
    total_[static_cast<std::size_t>(dimension)] += amount(cost, dimension);
  }
  for (MinuteLimit& limit : minutes_) limit.take(amount(cost, limit.dimension()), now);
  for (Climb& climb : climbs_) climb.ramp.take(amount(cost, climb.dimension), now);
  for (DayLimit& limit : days_) limit.count(amount(cost, limit.dimension()), now, now);
  ++version_;
}

bool QuotaGroup::settle(const Cost& reserved, const Cost& actual, TimePoint admitted_at, TimePoint now,
                        bool refused) {
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
  Cost foreseen{.requests = 0};
  if (charging_.output == Charging::Output::produced) {
    foreseen.output_tokens = actual.output_tokens - reserved.output_tokens;
  }
  for (MinuteLimit& limit : minutes_) {
    const Dimension dimension = limit.dimension();
    freed |= limit.settle(amount(reserved, dimension), amount(actual, dimension),
                          {admitted_at, now, amount(foreseen, dimension), in_flight_ == 0, refused});
  }
  for (DayLimit& limit : days_) {
    const double units = difference(limit.dimension());
    limit.count(units, admitted_at, now);
    freed = freed || units < 0;
  }
  ++version_;
  return freed;
}

WindowSums QuotaGroup::window(TimePoint now) {
  WindowSums sums{};
  for (MinuteLimit& limit : minutes_) {
    sums[static_cast<std::size_t>(limit.dimension())] = static_cast<float>(limit.sum(now));
  }
  return sums;
}

void QuotaGroup::observe(const ServerLimits& limits, const WindowSums& window, TimePoint sent_at,
                         TimePoint now) {
  if (!limits.any || sent_at < observed_at_) return;
  observed_at_ = sent_at;
  for (const Dimension dimension : all_dimensions) {
    const auto d = static_cast<std::size_t>(dimension);
    const LimitReading& reading = limits[dimension];
    if (!reading.limit || nonsense_[d] >= nonsense_believed) continue;
    if (makes_sense(reading)) {
      nonsense_[d] = 0;
      observe(dimension, reading, is_per_day(dimension) ? 0 : window[d], now);
    } else {
      ++nonsense_[d];
    }
  }
  note_limits();
  ++version_;
}

void QuotaGroup::observe(Dimension dimension, const LimitReading& reading, double in_window, TimePoint now) {
  const double limit = *reading.limit;
  const double used = reading.remaining ? std::ceil(limit - *reading.remaining) : 0;
  if (!is_per_day(dimension)) {
    MinuteLimit* const ours = find(minutes_, dimension);
    if (ours == nullptr) return add_minute_limit(dimension, limit).count(used, now, now);
    for (Climb& climb : climbs_) {
      if (climb.dimension == dimension && limit < ours->limit()) climb.ramp.set_limit(limit / 60);
    }
    const bool may_rise = !configured_[static_cast<std::size_t>(dimension)];
    return ours->told(reading, in_window, may_rise, now);
  }
  DayLimit* const ours = find(days_, dimension);
  if (ours == nullptr) {
    add_day_limit(dimension, limit).count(used, now, now);
  } else if (limit < ours->limit()) {
    ours->set_limit(limit);
  }
}

MinuteLimit* QuotaGroup::fullest(TimePoint now) {
  const auto share = [&](MinuteLimit& limit) { return limit.sum(now) / limit.limit(); };
  const auto found = std::max_element(minutes_.begin(), minutes_.end(),
                                      [&](MinuteLimit& a, MinuteLimit& b) { return share(a) < share(b); });
  return found == minutes_.end() ? nullptr : &*found;
}

void QuotaGroup::rate_limited(std::optional<Duration> retry_after, std::optional<Dimension> dimension,
                              TimePoint admitted_at, TimePoint now, double share, bool own) {
  const bool same_event = admitted_at < closed_at_ || now < closed_until_;
  if (!same_event) {
    closed_at_ = now;
    closed_by_limit_ = own;
    ++pauses_;
    MinuteLimit* const limit = dimension ? find(minutes_, *dimension) : fullest(now);
    if (limit != nullptr && own) limit->refused(now);
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

void QuotaGroup::succeeded(TimePoint admitted_at) {
  pauses_ = 0;
  if (trusted_at_once_ != any_number && admitted_at > day_gone_at_) ++trusted_at_once_;
}

void QuotaGroup::day_gone(std::optional<Duration> retry_after, TimePoint now) {
  day_gone_until_ = std::max(day_gone_until_, day_returns_at({day_, settings_->epoch}, retry_after, now));
  day_gone_at_ = now;
  trusted_at_once_ = 1;
  closed_until_ = std::max(closed_until_, day_gone_until_);
  closed_by_limit_ = false;
  if (settings_->keep_history) history_.out_until = day_gone_until_;
  ++version_;
}

double QuotaGroup::fullest_share(TimePoint now) {
  double load = max_concurrent_ == 0 ? 0 : static_cast<double>(in_flight_) / max_concurrent_;
  for (MinuteLimit& limit : minutes_) load = std::max(load, limit.sum(now) / limit.limit());
  for (const DayLimit& limit : days_) load = std::max(load, limit.used_at(now) / limit.limit());
  return load;
}

std::array<std::optional<double>, dimensions> QuotaGroup::limits() const {
  std::array<std::optional<double>, dimensions> limits;
  for (const MinuteLimit& limit : minutes_)
    limits[static_cast<std::size_t>(limit.dimension())] = limit.limit();
  for (const DayLimit& limit : days_) limits[static_cast<std::size_t>(limit.dimension())] = limit.limit();
  return limits;
}

std::array<std::optional<double>, dimensions> QuotaGroup::granted() const {
  auto granted = limits();
  for (const MinuteLimit& limit : minutes_) {
    granted[static_cast<std::size_t>(limit.dimension())] = limit.granted();
  }
  return granted;
}

std::array<double, dimensions> QuotaGroup::used(TimePoint now) const {
  std::array<double, dimensions> used{};
  for (const MinuteLimit& limit : minutes_) {
    used[static_cast<std::size_t>(limit.dimension())] = limit.sum(now);
  }
  for (const DayLimit& limit : days_) {
    used[static_cast<std::size_t>(limit.dimension())] = limit.used_at(now);
  }
  return used;
}

}  // namespace batchrun
