#include "pool/key_pool.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "pool/invariant.h"

namespace batchrun {
namespace {

constexpr double newest_service = 1.0 / 32;  // of a group's mean
constexpr double service_at_first_s = 2;
constexpr double least_health = 0.05;  // a sick key still gets a row now and then, to show it is well

double weight_of(int priority) {
  return priority >= 1 ? priority : 1.0 / (1 - priority);
}

bool names_a_day(const Fault& fault) {
  return fault.dimension && is_per_day(*fault.dimension);
}

std::string out_because(const PoolKey& key, const QuotaGroup& group, bool day_spent, TimePoint now) {
  if (key.breaker.retired()) return "refused twice with 401";
  if (group.retired()) return group.retired_because();
  if (group.day_gone_until() > now) return "the day's quota is used up, says the provider";
  if (key.breaker.closed()) return day_spent ? "the day's quota is used up" : "";
  if (key.breaker.suspected() && key.provider->suspected()) {
    return "401 as for all keys of the provider, which is asked again";
  }
  if (key.breaker.suspected()) return "answered 401, to be confirmed";
  return fmt::format("{} failures in a row, last {}", key.breaker.failures(),
                     key.last_fault ? name(*key.last_fault) : "unknown");
}

KeyState state_of(const PoolKey& key, const QuotaGroup& group, bool day_spent, TimePoint now) {
  if (key.breaker.retired() || group.retired() || !key.breaker.closed()) return KeyState::unavailable;
  if (group.day_gone_until() > now) return KeyState::unavailable;
  if (day_spent || group.closed_until() > now) return KeyState::rate_limited;
  return key.health.degraded(now) ? KeyState::degraded : KeyState::healthy;
}

}  // namespace

std::string_view name(KeyState state) {
  switch (state) {
    case KeyState::healthy:
      return "healthy";
    case KeyState::degraded:
      return "degraded";
    case KeyState::rate_limited:
      return "rate-limited";
    case KeyState::unavailable:
      return "unavailable";
  }
  broken_invariant("a key state without a name");
}

std::string_view name(GroupMerge::Reason reason) {
  switch (reason) {
    case GroupMerge::Reason::organisation:
      return "organisation";
    case GroupMerge::Reason::remaining:
      return "remaining";
    case GroupMerge::Reason::earlier_run:
      return "earlier_run";
  }
  broken_invariant("a reason to merge without a name");
}

KeyPool::KeyPool(const PoolSpec& spec, const PoolSettings& settings) : epoch_(settings.epoch) {
  groups_.reserve(spec.groups.size());
  for (const GroupSpec& group : spec.groups) groups_.emplace_back(group, settings);
  service_s_.assign(groups_.size(), service_at_first_s);
  sends_of_.resize(groups_.size());
  for (std::uint32_t group = 0; group < groups_.size(); ++group) merged_into_.push_back({group});
  for (std::uint32_t group = 0; group < groups_.size(); ++group) {
    set_apart_.push_back(spec.groups[group].set_apart);
    const std::optional<FoundSame>& same = spec.groups[group].history.same_as;
    if (same) known_merges_.push_back({same->group, {group}, same->on});
  }
  std::uint32_t providers = 0;
  for (const KeySpec& key : spec.keys) providers = std::max(providers, key.provider + 1);
  providers_.assign(providers, ProviderHealth(settings));
  keys_.reserve(spec.keys.size());
  for (const KeySpec& key : spec.keys) {
    require(key.group.value < groups_.size(), "a key of a group that does not exist");
    keys_.push_back({.max_concurrent = key.max_concurrent,
                     .breaker = Breaker(settings),
                     .health = KeyHealth(settings.degraded_recovery),
                     .provider = &providers_[key.provider],
                     .provider_number = key.provider,
                     .group = key.group,
                     .tier = key.tier,
                     .weight = weight_of(key.priority),
                     .alias = key.alias,
                     .last_fault = {}});
    keys_.back().provider->add(keys_.back().breaker, key.group);
  }
  work_out_most_concurrent();
}

bool KeyPool::alive(KeyId id) const {
  const PoolKey& key = keys_[id.value];
  return !key.breaker.retired() && !groups_[key.group.value].retired();
}

void KeyPool::take(KeyId id, const Cost& cost, RowId row, TimePoint now) {
  PoolKey& key = keys_[id.value];
  note_circuit(key);
  key.provider->sent(key.breaker, row);
  ++key.in_flight;
  ++key.sends;
  key.used_at = ++sends_;
  ++sends_of_[key.group.value];
  // A key that could not be used for a while does not get all at once what it missed.
  turn_ = std::max(key.turn, turn_);
  key.turn = turn_ + 1 / (key.weight * std::max(key.health.score(now) / 100, least_health));
  groups_[key.group.value].take(cost, now);
}

// A group allows what its keys do together, without limit if one of them has none, and no more than it has
// itself.
void KeyPool::work_out_most_concurrent() {
  std::vector<std::uint32_t> of_keys(groups_.size());
  std::vector<bool> unlimited(groups_.size());
  for (const PoolKey& key : keys_) {
    of_keys[key.group.value] += key.max_concurrent;
    if (key.max_concurrent == 0) unlimited[key.group.value] = true;
  }
  most_concurrent_.resize(groups_.size());
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const std::uint32_t of_group = groups_[g].max_concurrent();
    most_concurrent_[g] = unlimited[g]    ? of_group
                          : of_group == 0 ? of_keys[g]
                                          : std::min(of_group, of_keys[g]);
  }
}

void KeyPool::note_service(GroupId id, Duration took) {
  double& mean = service_s_[id.value];
  mean += (seconds(took) - mean) * newest_service;
}

// If this was the probe of an open circuit, another attempt may go.
PoolKey& KeyPool::came_back(KeyId id) {
  PoolKey& key = keys_[id.value];
  if (!key.breaker.closed()) changed();
  note_circuit(key);
  return key;
}

void KeyPool::succeeded(KeyId id, RowId row, TimePoint admitted_at) {
  PoolKey& key = came_back(id);
  ++key.successes;
  key.health.good();
  key.provider->succeeded(key.breaker, row, admitted_at);
}

void KeyPool::answered(KeyId id, RowId row) {
  PoolKey& key = came_back(id);
  key.provider->answered(key.breaker, row);
}

void KeyPool::abandoned(KeyId id, RowId row, TimePoint now) {
  PoolKey& key = came_back(id);
  key.provider->abandoned(key.breaker, row, now);
}

void KeyPool::refused(KeyId id, RowId row, TimePoint now) {
  PoolKey& key = came_back(id);
  key.health.bad(now);
  if (key.provider->refused(key.breaker, row, now)) died();
  note_circuit(key);
}

void KeyPool::rate_limited(KeyId id, const Fault& fault, TimePoint admitted_at, TimePoint now, double share) {
  const PoolKey& key = keys_[id.value];
  if (names_a_day(fault)) return quota_gone(key.group, fault, now);
  const bool own = fault.dimension.has_value() || !key.provider->too_many(key.group, now);
  groups_[key.group.value].rate_limited(fault.retry_after, fault.dimension, admitted_at, now, share, own);
}

void KeyPool::quota_gone(GroupId id, const Fault& fault, TimePoint now) {
  if (names_a_day(fault)) {
    groups_[id.value].day_gone(fault.retry_after, now);
  } else {
    retire(id, "quota or credit is used up");
  }
}

bool KeyPool::is_culprit(KeyId id, const FailureTrail& trail) const {
  const PoolKey& here = keys_[id.value];
  if (here.successes == 0 || !here.breaker.closed()) return false;
  return std::any_of(trail.stops.begin(), trail.stops.begin() + trail.count,
                     [&](const FailureTrail::Stop& stop) {
                       return stop.key != id && keys_[stop.key.value].breaker.streak() != stop.streak;
                     });
}

bool KeyPool::failed(KeyId id, Job& job, bool looked_at, TimePoint now) {
  PoolKey& key = came_back(id);
  FailureTrail& trail = job.trail;
  if (looked_at && !trail.culprit && is_culprit(id, trail)) {
    trail.culprit = true;
    for (std::size_t i = 0; i < trail.count; ++i) {
      keys_[trail.stops[i].key.value].breaker.forgive(trail.stops[i].streak);
    }
    changed();
    ++circuits_;
  }
  if (looked_at && trail.culprit) {
    key.provider->abandoned(key.breaker, job.row, now);
    return true;
  }
  if (looked_at) trail.note(id, key.breaker.streak());
  key.health.bad(now);
  const bool counts = key.provider->failed(key.breaker, job.row, now);
  note_circuit(key);
  return counts;
}

void KeyPool::retire(GroupId id, std::string because) {
  QuotaGroup& group = groups_[id.value];
  if (group.retired()) return;
  group.retire(std::move(because));
  died();
}

GroupId KeyPool::now(GroupId group) const {
  while (merged_into_[group.value] != group) group = merged_into_[group.value];
  return group;
}

// An organisation may have projects with limits of their own: who told groups apart knows best.
bool KeyPool::may_merge(GroupId a, GroupId b) const {
  const bool told_apart = set_apart_[a.value] && set_apart_[b.value];
  return a != b && !told_apart && !groups_[a.value].retired() && !groups_[b.value].retired();
}

std::vector<KeyPool::Same> KeyPool::shares_quota_with(const Permit& permit, const ServerLimits& limits) {
  const PoolKey& key = keys_[permit.key().value];
  std::vector<Same> same;
  if (limits.organisation != 0) {
    const auto first =
        shared_quota_.named(key.group, key.provider_number, permit.model(), limits.organisation);
    if (first) same.push_back({now(*first), GroupMerge::Reason::organisation});
  } else if (limits.any && !groups_[key.group.value].sliced()) {
    for (const GroupId group :
         budget_match_.told(key.group, key.provider_number, permit.model(), limits, permit.admitted_at())) {
      same.push_back({group, GroupMerge::Reason::remaining});
    }
  }
  std::erase_if(same, [&](const Same& other) { return !may_merge(other.group, key.group); });
  return same;
}

std::vector<KeyPool::Known> KeyPool::take_known_merges() {
  std::vector<Known> known = std::exchange(known_merges_, {});
  std::erase_if(known, [&](const Known& merge) { return !may_merge(merge.into, merge.from); });
  return known;
}

void KeyPool::merge(GroupId into, GroupId from, GroupMerge::Reason reason, TimePoint now,
                    std::optional<std::chrono::sys_seconds> found_on) {
  require(into != from, "a group was merged into itself");
  const auto today = std::chrono::floor<std::chrono::seconds>(epoch_ + now.time_since_epoch());
  GroupMerge merge{.keys = {}, .joined = {}, .reason = reason, .found_on = found_on.value_or(today)};
  if (!found_on) new_merges_.push_back({into, from, today});
  for (PoolKey& key : keys_) {
    if (key.group == into) merge.keys.push_back(key.alias);
    if (key.group != from) continue;
    merge.joined.push_back(key.alias);
    key.group = into;
  }
  merges_.push_back(std::move(merge));
  merged_into_[from.value] = into;
  set_apart_[into.value] = set_apart_[into.value] || set_apart_[from.value];
  groups_[into.value].absorb(groups_[from.value], now);
  work_out_most_concurrent();
  sends_of_[into.value] += sends_of_[from.value];
  budget_match_.merge(into, from);
  changed();
}

std::vector<KeyFigures> KeyPool::key_figures(TimePoint now) {
  std::vector<KeyFigures> figures;
  figures.reserve(keys_.size());
  for (const PoolKey& key : keys_) {
    QuotaGroup& group = groups_[key.group.value];
    const std::optional<TimePoint> day_spent_until = group.day_spent_until(now);
    const bool gone = key.breaker.retired() || group.retired();
    figures.push_back({.alias = key.alias,
                       .state = state_of(key, group, day_spent_until.has_value(), now),
                       .score = key.health.score(now),
                       .in_flight = key.in_flight,
                       .sends = key.sends,
                       .successes = key.successes,
                       .rate_limited = key.rate_limited,
                       .faults = key.faults,
                       .input_tokens = key.input_tokens,
                       .output_tokens = key.output_tokens,
                       .usable_at = gone ? never
                                         : std::max({now, key.ready_at(), group.closed_until(),
                                                     day_spent_until.value_or(now)}),
                       .out_because = out_because(key, group, day_spent_until.has_value(), now)});
  }
  return figures;
}

std::vector<GroupFigures> KeyPool::group_figures(TimePoint now) const {
  std::vector<GroupFigures> figures;
  figures.reserve(groups_.size());
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    if (merged_into_[g].value != g) continue;
    const QuotaGroup& group = groups_[g];
    figures.push_back(
        {.name = group.name(), .limits = group.limits(), .used = group.used(now), .total = group.total()});
  }
  return figures;
}

std::vector<GroupHistory> KeyPool::take_history() {
  std::vector<GroupHistory> histories;
  histories.reserve(groups_.size());
  for (QuotaGroup& group : groups_) histories.push_back(group.take_history());
  for (const Known& merge : std::exchange(new_merges_, {})) {
    histories[merge.from.value].same_as = {merge.into, merge.on};
  }
  return histories;
}

}  // namespace batchrun
