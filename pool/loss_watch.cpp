#include "pool/loss_watch.h"

#include <algorithm>
#include <array>
#include <utility>

namespace batchrun {
namespace {

constexpr double minute_s = 60, day_s = 86'400;
constexpr double memory = 63.0 / 64.0;  // of what is reserved and charged: looks back over 64 requests

void fade_in(Cost& sum, const Cost& cost) {
  sum.input_tokens = sum.input_tokens * memory + cost.input_tokens;
  sum.output_tokens = sum.output_tokens * memory + cost.output_tokens;
}

void add(Cost& sum, const Cost& cost, double times) {
  sum.requests += times * cost.requests;
  sum.input_tokens += times * cost.input_tokens;
  sum.output_tokens += times * cost.output_tokens;
}

const MinuteLimit* minute_limit(const QuotaGroup& group, Dimension dimension) {
  for (const MinuteLimit& limit : group.minute_limits()) {
    if (limit.dimension() == dimension) return &limit;
  }
  return nullptr;
}

}  // namespace

LossWatch::LossWatch(KeyPool& pool) : pool_(pool), groups_(pool.groups()) {}

void LossWatch::taken(GroupId id, const Cost& reserved) {
  add(groups_[pool_.now(id).value].in_flight, reserved, 1);
}

void LossWatch::settled(GroupId id, const Cost& reserved, const Cost& charged,
                        std::optional<LossCause> wasted) {
  Group& group = groups_[pool_.now(id).value];
  add(group.in_flight, reserved, -1);
  if (wasted) {
    of(group.wasted_requests, *wasted) += charged.requests;
    of(group.wasted_input, *wasted) += charged.input_tokens;
    of(group.wasted_output, *wasted) += charged.output_tokens;
    for (Entry& entry : group.entries) {  // it had its time in the flow, and nothing came of it
      if (!entry.dimension) continue;
      of(entry.entitled, *wasted) += amount(reserved, *entry.dimension) - amount(charged, *entry.dimension);
    }
    return;
  }
  fade_in(group.reserved, reserved);
  fade_in(group.charged, charged);
}

void LossWatch::merged(GroupId from) {
  const GroupId into = pool_.now(from);
  Group& group = groups_[into.value];
  add(group.in_flight, groups_[from.value].in_flight, 1);
  groups_[from.value] = Group{};
  for (Entry& entry : group.entries) {
    if (entry.dimension) entry.used = pool_.group(into).total()[static_cast<std::size_t>(*entry.dimension)];
  }
}

void LossWatch::pass(const std::vector<Lane*>& lanes, const Rows& rows, TimePoint now) {
  if (now <= at_) return;
  look(lanes);
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    if (pool_.now({g}) != GroupId{g}) continue;
    const Limits granted = pool_.group({g}).granted();
    note_limits({g}, granted);
    const std::optional<LossCause> why = cause({g}, rows, now);
    for (Entry& entry : groups_[g].entries) pass({g}, entry, granted, why, now);
  }
  at_ = now;
}

void LossWatch::look(const std::vector<Lane*>& lanes) {
  for (Group& group : groups_) group.alive = group.works = group.wanted = group.paused = false;
  for (std::uint32_t k = 0; k < pool_.size(); ++k) {
    const PoolKey& key = pool_.key({k});
    if (!pool_.alive({k})) continue;
    groups_[key.group.value].alive = true;
    groups_[key.group.value].works |= key.breaker.closed();
  }
  for (Lane* lane : lanes) {
    for (std::size_t number = 0; number < lane->ways(); ++number) {
      const std::optional<GroupId> id = lane->group_alive(number);
      if (!id) continue;
      Group& group = groups_[id->value];
      (lane->queue().window() > 0 ? group.wanted : group.paused) = true;
    }
  }
}

LossWatch::Entry& LossWatch::entry(Group& group, std::optional<Dimension> dimension, double credit) {
  for (Entry& entry : group.entries) {
    if (entry.dimension == dimension) return entry;
  }
  return group.entries.emplace_back(
      Entry{.dimension = dimension, .ledger = LossLedger(credit), .at = begun_at_});
}

// Limits come to be known while the run goes on.
void LossWatch::note_limits(GroupId id, const Limits& granted) {
  for (std::size_t d = 0; d < dimensions; ++d) {
    if (!granted[d]) continue;
    const auto dimension = static_cast<Dimension>(d);
    entry(groups_[id.value], dimension, is_per_day(dimension) ? *granted[d] : 0);
  }
  if (pool_.most_concurrent(id) > 0) entry(groups_[id.value], std::nullopt, 0);
}

// What keeps the whole group from being used; nothing if it can be.
std::optional<LossCause> LossWatch::cause(GroupId id, const Rows& rows, TimePoint now) const {
  const Group& group = groups_[id.value];
  const QuotaGroup& quota = pool_.group(id);
  if (!rows.waiting) return rows.ended ? LossCause::tail : LossCause::client;
  if (!group.alive) return LossCause::outage;
  if (!group.wanted) {
    if (group.paused) return LossCause::outage;
    return rows.ended ? LossCause::tail : LossCause::client;
  }
  if (rows.held_up) return LossCause::client;
  if (quota.closed_until() > now) return quota.closed_by_limit() ? LossCause::foreign : LossCause::outage;
  if (!group.works) return LossCause::outage;
  return std::nullopt;
}

void LossWatch::pass(GroupId id, Entry& entry, const Limits& limits, std::optional<LossCause> cause,
                     TimePoint now) {
  const QuotaGroup& quota = pool_.group(id);
  const double took_s = seconds(now - entry.at);
  entry.at = now;
  double granted = 0, used = 0;
  if (!entry.dimension) {
    granted = pool_.most_concurrent(id) * took_s;
    used = quota.in_flight() * took_s;
  } else {
    const auto d = static_cast<std::size_t>(*entry.dimension);
    granted = *limits[d] * took_s / (is_per_day(*entry.dimension) ? day_s : minute_s);
    used = quota.total()[d] - entry.used;
    entitle(id, entry, took_s);
  }
  entry.used += used;
  if (cause) {
    const double before = of(entry.ledger.lost(), *cause);
    entry.ledger.pass(granted, used, {}, *cause, now);
    of(entry.entitled, *cause) += std::max(0.0, of(entry.ledger.lost(), *cause) - before);
    return;
  }
  std::array<LossLedger::Part, 3> parts{
      {{LossCause::foreign, 0}, {LossCause::guard, 0}, {LossCause::estimation, 0}}};
  for (LossLedger::Part& part : parts) {
    part.units = of(entry.entitled, part.cause) - of(entry.ledger.lost(), part.cause);
  }
  entry.ledger.pass(granted, used, parts, LossCause::packing, now);
}

void LossWatch::entitle(GroupId id, Entry& entry, double took_s) const {
  const MinuteLimit* const limit = minute_limit(pool_.group(id), *entry.dimension);
  if (limit == nullptr) return;
  const Group& group = groups_[id.value];
  const MinuteLimit::Margins margins = limit->margins();
  const double reserved = amount(group.reserved, *entry.dimension);
  const double over = reserved > 0 ? 1 - amount(group.charged, *entry.dimension) / reserved : 0;
  const double not_charged = std::max(0.0, over) * amount(group.in_flight, *entry.dimension);
  of(entry.entitled, LossCause::foreign) +=
      margins.foreign - std::exchange(entry.foreign_seen, margins.foreign);
  of(entry.entitled, LossCause::foreign) += (limit->granted() - limit->limit()) / minute_s * took_s;
  of(entry.entitled, LossCause::guard) += (limit->limit() / minute_s - margins.evenly) * took_s;
  of(entry.entitled, LossCause::estimation) += (margins.doubt + not_charged) / minute_s * took_s;
}

Losses LossWatch::lost(GroupId id, std::optional<Dimension> dimension, double granted) const {
  const Group& group = groups_[id.value];
  const auto entry = std::find_if(group.entries.begin(), group.entries.end(),
                                  [&](const Entry& its) { return its.dimension == dimension; });
  if (entry == group.entries.end()) return {};
  Losses lost = entry->ledger.lost();
  double known = entry->used + std::max(0.0, entry->ledger.left());
  for (const double units : lost) known += units;
  of(lost, LossCause::guard) += std::max(0.0, granted - known);  // while the limit was lower, or not known
  of(lost, LossCause::tail) += std::max(0.0, entry->ledger.left());
  if (!dimension) return lost;
  for (std::size_t cause = 0; cause < loss_causes; ++cause) {
    lost[cause] += amount({.requests = group.wasted_requests[cause],
                           .input_tokens = group.wasted_input[cause],
                           .output_tokens = group.wasted_output[cause]},
                          *dimension);
  }
  return lost;
}

}  // namespace batchrun
