#include "tests/sim/naive_pool.h"

#include <algorithm>

namespace batchrun::sim {
namespace {

std::array<double, dimensions> by_dimension(const Cost& cost) {
  const double tokens = cost.input_tokens + cost.output_tokens;
  return {cost.requests, tokens, cost.input_tokens, cost.output_tokens, cost.requests, tokens};
}

// What the pool promises at least: the even rate of a limit over its window, jitter and a tenth of a second
// included.
double rate(double limit, Duration jitter) {
  return limit / (60.1 + seconds(jitter));
}
double burst(double per_second) {
  return std::max(1.0, per_second);
}

}  // namespace

NaivePool::NaivePool(const PoolSpec& spec)
    : spec_(spec), groups_(spec.groups.size()), key_in_flight_(spec.keys.size()) {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (std::size_t d = 0; d < minute_dimensions; ++d) {
      groups_[g].level[d] = burst(rate(spec.groups[g].limits[d].value_or(0), spec.settings.jitter));
    }
  }
}

std::array<double, NaivePool::minute_dimensions> NaivePool::levels(std::uint32_t group, TimePoint now) const {
  std::array<double, minute_dimensions> level = groups_[group].level;
  const double passed_s = seconds(now - groups_[group].levels_at);
  for (std::size_t d = 0; d < minute_dimensions; ++d) {
    const double per_second = rate(spec_.groups[group].limits[d].value_or(0), spec_.settings.jitter);
    level[d] = std::min(burst(per_second), level[d] + passed_s * per_second);
  }
  return level;
}

void NaivePool::admitted(std::uint64_t send, GroupId id, KeyId key, const Cost& cost, TimePoint now) {
  Group& group = groups_[id.value];
  group.level = levels(id.value, now);
  group.levels_at = now;
  const auto units = by_dimension(cost);
  for (std::size_t d = 0; d < minute_dimensions; ++d) group.level[d] -= units[d];
  for (std::size_t d = 0; d < dimensions; ++d) group.of_run[d] += units[d];
  std::erase_if(group.sends, [&](const Send& old) { return old.at < now - std::chrono::seconds(120); });
  group.sends.push_back({send, now, cost});
  ++group.in_flight;
  ++key_in_flight_[key.value];
}

void NaivePool::settled(std::uint64_t number, GroupId id, KeyId key, const Cost& actual, TimePoint now) {
  Group& group = groups_[id.value];
  --group.in_flight;
  --key_in_flight_[key.value];
  const auto send = std::find_if(group.sends.begin(), group.sends.end(),
                                 [&](const Send& old) { return old.number == number; });
  if (send == group.sends.end()) return;
  group.level = levels(id.value, now);
  group.levels_at = now;
  const auto was = by_dimension(send->cost);
  const auto is = by_dimension(actual);
  for (std::size_t d = 0; d < minute_dimensions; ++d) group.level[d] -= is[d] - was[d];
  for (std::size_t d = 0; d < dimensions; ++d) group.of_run[d] += is[d] - was[d];
  send->cost = actual;
}

bool NaivePool::holds(KeyId key, const Cost& cost, TimePoint now, Duration longer) const {
  const KeySpec& key_spec = spec_.keys[key.value];
  const GroupSpec& spec = spec_.groups[key_spec.group.value];
  const Group& group = groups_[key_spec.group.value];
  if (key_spec.max_concurrent != 0 && key_in_flight_[key.value] >= key_spec.max_concurrent) return false;
  if (spec.max_concurrent != 0 && group.in_flight >= spec.max_concurrent) return false;
  std::array<double, dimensions> sum = by_dimension(cost);
  for (const Send& send : group.sends) {
    if (send.at <= now - (std::chrono::seconds(60) + spec_.settings.jitter + longer)) continue;
    const auto units = by_dimension(send.cost);
    for (std::size_t d = 0; d < minute_dimensions; ++d) sum[d] += units[d];
  }
  for (std::size_t d = minute_dimensions; d < dimensions; ++d) sum[d] += group.of_run[d];
  for (std::size_t d = 0; d < dimensions; ++d) {
    if (spec.limits[d] && sum[d] > *spec.limits[d]) return false;
  }
  return true;
}

bool NaivePool::surely_fits(KeyId key, const Cost& cost, TimePoint now) const {
  const std::uint32_t group = spec_.keys[key.value].group.value;
  const auto units = by_dimension(cost);
  const auto level = levels(group, now);
  for (std::size_t d = 0; d < minute_dimensions; ++d) {
    if (spec_.groups[group].limits[d] && units[d] > 0 && level[d] < 1.0001) return false;
  }
  return holds(key, cost, now, std::chrono::milliseconds(101));
}

}  // namespace batchrun::sim
