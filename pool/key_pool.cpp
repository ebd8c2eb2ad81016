#include "pool/key_pool.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "pool/invariant.h"

namespace batchrun {
namespace {

constexpr double newest_answer = 1.0 / 16;   // of a key's health
constexpr double newest_service = 1.0 / 32;  // of a group's mean
constexpr double service_at_first_s = 2;
constexpr double least_health = 0.05;  // a sick key still gets a row now and then, to show it is well

double weight_of(int priority) {
  return priority >= 1 ? priority : 1.0 / (1 - priority);
}

std::string out_because(const PoolKey& key, const QuotaGroup& group, bool day_spent) {
  if (key.breaker.retired()) return "refused twice with 401";
  if (group.retired()) return group.retired_because();
  if (key.breaker.closed()) return day_spent ? "the day's quota is used up" : "";
  if (key.breaker.suspected()) return "answered 401, to be confirmed";
  return fmt::format("{} failures in a row, last {}", key.breaker.failures(),
                     key.last_fault ? name(*key.last_fault) : "unknown");
}

KeyState state_of(const PoolKey& key, const QuotaGroup& group, bool day_spent, TimePoint now) {
  if (key.breaker.retired() || group.retired() || !key.breaker.closed()) return KeyState::unavailable;
  if (day_spent || group.closed_until() > now) return KeyState::rate_limited;
  return key.breaker.failures() > 0 ? KeyState::degraded : KeyState::healthy;
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

KeyPool::KeyPool(const PoolSpec& spec, const PoolSettings& settings) {
  groups_.reserve(spec.groups.size());
  for (const GroupSpec& group : spec.groups) groups_.emplace_back(group, settings);
  service_s_.assign(groups_.size(), service_at_first_s);
  sends_of_.resize(groups_.size());
  keys_.reserve(spec.keys.size());
  for (const KeySpec& key : spec.keys) {
    require(key.group.value < groups_.size(), "a key of a group that does not exist");
    keys_.push_back({.max_concurrent = key.max_concurrent,
                     .breaker = Breaker(settings),
                     .group = key.group,
                     .tier = key.tier,
                     .weight = weight_of(key.priority),
                     .alias = key.alias,
                     .last_fault = {}});
  }
}

bool KeyPool::alive(KeyId id) const {
  const PoolKey& key = keys_[id.value];
  return !key.breaker.retired() && !groups_[key.group.value].retired();
}

void KeyPool::take(KeyId id, const Cost& cost, RowId row, TimePoint now) {
  PoolKey& key = keys_[id.value];
  key.breaker.sent(row);
  ++key.in_flight;
  ++key.sends;
  key.used_at = ++sends_;
  ++sends_of_[key.group.value];
  // A key that could not be used for a while does not get all at once what it missed.
  turn_ = std::max(key.turn, turn_);
  key.turn = turn_ + 1 / (key.weight * std::max(key.health, least_health));
  groups_[key.group.value].take(cost, now);
}

std::uint32_t KeyPool::most_concurrent(GroupId id) const {
  std::uint32_t of_keys = 0;
  for (const PoolKey& key : keys_) {
    if (key.group != id) continue;
    if (key.max_concurrent == 0) return groups_[id.value].max_concurrent();
    of_keys += key.max_concurrent;
  }
  const std::uint32_t of_group = groups_[id.value].max_concurrent();
  return of_group == 0 ? of_keys : std::min(of_group, of_keys);
}

void KeyPool::note_service(GroupId id, Duration took) {
  double& mean = service_s_[id.value];
  mean += (seconds(took) - mean) * newest_service;
}

void KeyPool::note_health(KeyId id, bool good) {
  double& health = keys_[id.value].health;
  health += ((good ? 1 : 0) - health) * newest_answer;
}

void KeyPool::retire(GroupId id, std::string because) {
  QuotaGroup& group = groups_[id.value];
  if (group.retired()) return;
  group.retire(std::move(because));
  died();
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
                       .in_flight = key.in_flight,
                       .sends = key.sends,
                       .successes = key.successes,
                       .rate_limited = key.rate_limited,
                       .faults = key.faults,
                       .input_tokens = key.input_tokens,
                       .output_tokens = key.output_tokens,
                       .usable_at = gone ? never
                                         : std::max({now, key.breaker.ready_at(), group.closed_until(),
                                                     day_spent_until.value_or(now)}),
                       .out_because = out_because(key, group, day_spent_until.has_value())});
  }
  return figures;
}

std::vector<GroupFigures> KeyPool::group_figures(TimePoint now) const {
  std::vector<GroupFigures> figures;
  figures.reserve(groups_.size());
  for (const QuotaGroup& group : groups_) {
    figures.push_back(
        {.name = group.name(), .limits = group.limits(), .used = group.used(now), .total = group.total()});
  }
  return figures;
}

std::vector<GroupHistory> KeyPool::take_history() {
  std::vector<GroupHistory> histories;
  histories.reserve(groups_.size());
  for (QuotaGroup& group : groups_) histories.push_back(group.take_history());
  return histories;
}

}  // namespace batchrun
