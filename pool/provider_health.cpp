#include "pool/provider_health.h"

#include <algorithm>

namespace batchrun {
namespace {

constexpr Duration one_event = std::chrono::seconds(1);
constexpr std::size_t fewest_groups = 3;

}  // namespace

void ProviderHealth::add(Breaker& breaker, GroupId group) {
  keys_.push_back(&breaker);
  const auto known = std::find_if(last_429_.begin(), last_429_.end(),
                                  [&](const Refusal& refusal) { return refusal.group == group; });
  if (known == last_429_.end()) last_429_.push_back({group, TimePoint::min()});
}

TimePoint ProviderHealth::ready_at(const Breaker& key) const {
  if (!suspected_ || !key.suspected() || key.ready_at() == never) return key.ready_at();
  return probing_ ? never : std::max(key.ready_at(), probe_at_);
}

void ProviderHealth::sent(Breaker& key, RowId row) {
  probing_ = probing_ || (suspected_ && key.suspected());
  key.sent(row);
}

void ProviderHealth::probe_came_back(TimePoint next) {
  if (!probing_) return;
  probing_ = false;
  probe_at_ = next;
}

// One of its keys was answered: the others were refused for the same passing reason.
void ProviderHealth::trust() {
  if (!suspected_) return;
  suspected_ = probing_ = false;
  for (Breaker* key : keys_) {
    if (key->suspected() && !key->retired()) key->pardon();
  }
}

void ProviderHealth::succeeded(Breaker& key, RowId row, TimePoint admitted_at) {
  answered_at_ = std::max(answered_at_, admitted_at);
  const bool probe = key.is_probe(row);
  key.succeeded(row);
  if (probe) trust();
}

void ProviderHealth::answered(Breaker& key, RowId row) {
  const bool probe = key.is_probe(row);
  key.answered(row);
  if (probe) trust();
}

void ProviderHealth::abandoned(Breaker& key, RowId row, TimePoint now) {
  if (key.is_probe(row) && key.suspected()) probe_came_back(now);
  key.abandoned(row, now);
}

// Failures in a row that open the key's circuit.
std::uint32_t ProviderHealth::threshold(const Breaker& key) const {
  const std::uint32_t own = settings_->failure_threshold;
  if (key.failures() + 1 < own) return own;
  std::size_t alive = 0, out = 0;
  for (const Breaker* other : keys_) {
    alive += !other->retired();
    out += other->ejected();
  }
  const bool capped =
      alive > 1 && static_cast<double>(out + 1) > settings_->ejection_cap * static_cast<double>(alive);
  return capped ? std::max(own, settings_->capped_failure_threshold) : own;
}

bool ProviderHealth::failed(Breaker& key, RowId row, TimePoint now) {
  if (key.is_probe(row) && key.suspected()) probe_came_back(now + pause_);
  return key.failed(row, now, threshold(key));
}

bool ProviderHealth::all_refused() const {
  return std::all_of(keys_.begin(), keys_.end(),
                     [](const Breaker* key) { return key->retired() || key->suspected(); });
}

bool ProviderHealth::refused(Breaker& key, RowId row, TimePoint now) {
  if (key.refused(row, now)) {
    const bool never_worked = answered_at_ == TimePoint::min();
    const bool others_work = answered_at_ >= key.suspected_since() && !all_refused();
    if (never_worked || others_work) {
      key.retire();
      return true;
    }
    if (now - key.suspected_since() >= settings_->suspicion_max) {
      for (Breaker* other : keys_) {
        if (other->suspected()) other->retire();
      }
      suspected_ = probing_ = false;
      return true;
    }
    if (probing_) {
      const Duration most = std::max(settings_->unauthorized_probe, settings_->health_check_interval);
      pause_ = std::min(pause_ * 2, most);
    }
    probe_came_back(now + pause_);
    key.doubt(now);
  }
  if (!suspected_ && answered_at_ != TimePoint::min() && all_refused()) {
    suspected_ = true;
    probing_ = false;
    pause_ = settings_->unauthorized_probe;
    probe_at_ = now + pause_;
  }
  return false;
}

bool ProviderHealth::too_many(GroupId group, TimePoint now) {
  std::size_t hit = 0;
  for (Refusal& refusal : last_429_) {
    if (refusal.group == group) refusal.at = now;
    hit += refusal.at != TimePoint::min() && now - refusal.at <= one_event;
  }
  return hit >= fewest_groups;
}

}  // namespace batchrun
