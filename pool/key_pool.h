// The keys and the groups they draw on, with what is known of each: the state that all lanes share. One
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pool/breaker.h"
#include "pool/budget_match.h"
#include "pool/key_health.h"
#include "pool/provider_health.h"
#include "pool/quota_group.h"
#include "pool/scheduler.h"
#include "pool/shared_quota.h"

namespace batchrun {

struct PoolKey {
  std::uint32_t in_flight = 0;
  std::uint32_t max_concurrent = 0;  // 0 = no limit
  Breaker breaker;
  KeyHealth health;
  ProviderHealth* provider;
  std::uint32_t provider_number = 0;
  GroupId group;
  int tier = 0;
  double weight = 1;          // from its priority: n for n >= 1, else 1 / (1 - n)
  std::uint64_t used_at = 0;  // when it was last sent, counted in sends of the pool; 0 = never
  double turn = 0;            // of Strategy::weighted: each send moves it on by 1 / (weight x health)
  std::string alias;
  std::optional<FaultKind> last_fault;
  std::uint64_t sends = 0, successes = 0, rate_limited = 0, faults = 0;
  std::uint64_t input_tokens = 0, output_tokens = 0;

  // Earliest time its circuit lets an attempt go.
  TimePoint ready_at() const { return breaker.closed() ? TimePoint::min() : provider->ready_at(breaker); }
  bool full() const { return max_concurrent != 0 && in_flight >= max_concurrent; }
  double load() const { return max_concurrent == 0 ? 0 : static_cast<double>(in_flight) / max_concurrent; }
};

class KeyPool {
 public:
  // `settings` must outlive this; so must the pool what points into it. Throws std::invalid_argument for a
  // limit that is not > 0. REQUIRES: every key's group exists.
  KeyPool(const PoolSpec& spec, const PoolSettings& settings);
  KeyPool(const KeyPool&) = delete;
  KeyPool& operator=(const KeyPool&) = delete;

  std::size_t size() const { return keys_.size(); }
  std::size_t groups() const { return groups_.size(); }
  PoolKey& key(KeyId id) { return keys_[id.value]; }
  QuotaGroup& group(GroupId id) { return groups_[id.value]; }
  QuotaGroup& group_of(KeyId id) { return groups_[keys_[id.value].group.value]; }

  // Neither the key nor its group is out for the rest of the run.
  bool alive(KeyId id) const;

  // Admits an attempt for `row`. REQUIRES: key, group and breaker are ready for it.
  void take(KeyId key, const Cost& cost, RowId row, TimePoint now);

  // Open requests that the group and its keys allow together; 0 = no limit.
  std::uint32_t most_concurrent(GroupId group) const { return most_concurrent_[group.value]; }

  // How long requests of the group take, in seconds: a mean that fades. Two until one has ended.
  double service_s(GroupId group) const { return service_s_[group.value]; }
  void note_service(GroupId group, Duration took);

  // Rows the group has sent, sends that were repeated included.
  double sends_of(GroupId group) const { return sends_of_[group.value]; }

  // What came of an attempt for `job` on that key, as far as it is about the key. What may be admitted
  // because of it counts as a change.
  void succeeded(KeyId key, RowId row, TimePoint admitted_at);
  void answered(KeyId key, RowId row);  // neither well nor with a fault of the key
  void abandoned(KeyId key, RowId row, TimePoint now);
  void refused(KeyId key, RowId row, TimePoint now);

  // Answered 429. `share` in [0, 1) jitters the pause of its group.
  void rate_limited(KeyId key, const Fault& fault, TimePoint admitted_at, TimePoint now, double share);

  // Answered that quota or credit is gone: the group is out until its day turns if that names a limit of a
  // day, else for the rest of the run.
  void quota_gone(GroupId group, const Fault& fault, TimePoint now);

  // A fault of the kind that blames the key, unless it turns out to be the row's. `looked_at`: somebody may
  // have looked at the row. Returns whether it counts as an attempt of the row.
  bool failed(KeyId key, Job& job, bool looked_at, TimePoint now);

  // Takes a group out for the rest of the run.
  void retire(GroupId group, std::string because);

  // Whether two groups may turn out to be one: not if the config has set them apart.
  bool may_merge(GroupId a, GroupId b) const;

  // What a request for that model was admitted and, in the end, charged, for what replies say remains.
  void note_sent(GroupId group, std::uint32_t model, const Cost& cost, TimePoint at) {
    budget_match_.sent(group, model, cost, at);
  }
  void note_charged(const Permit& permit, const Cost& charged) {
    budget_match_.corrected(now(permit.group()), permit.model(), permit.reserved(), charged,
                            permit.admitted_at());
  }

  // A reply to the attempt of that permit. Returns the groups that turn out to be the same as the attempt's:
  // both name one organisation, or what remains of their limits falls together. Of two that were set apart,
  // or if either is out, that does not matter.
  struct Same {
    GroupId group;
    GroupMerge::Reason reason;
  };
  std::vector<Same> shares_quota_with(const Permit& permit, const ServerLimits& limits);

  // What earlier runs found: pairs of groups that are one, unless they have been set apart since.
  struct Known {
    GroupId into, from;
    std::chrono::sys_seconds on;
  };
  bool knows_merges() const { return !known_merges_.empty(); }
  std::vector<Known> take_known_merges();

  // `from` turns out to be the group `into`: its keys draw on that from now on. `found_on`: if that is not
  // news.
  void merge(GroupId into, GroupId from, GroupMerge::Reason reason, TimePoint now,
             std::optional<std::chrono::sys_seconds> found_on = {});

  // The group that counts what was admitted in `group`: itself, unless it was merged.
  GroupId now(GroupId group) const;

  // Goes up whenever something that could not be admitted may now be, so that an answer "nothing may go
  // before t" holds until t as long as this stays the same.
  std::uint64_t changes() const { return changes_; }
  void changed() { ++changes_; }

  // Goes up whenever a key or a group is taken out for good.
  std::uint64_t deaths() const { return deaths_; }
  void died() { ++deaths_, ++changes_; }

  // Goes up whenever circuits may let other keys through than before, time aside.
  std::uint64_t circuits() const { return circuits_; }

  std::vector<KeyFigures> key_figures(TimePoint now);
  std::vector<GroupFigures> group_figures(TimePoint now) const;
  const std::vector<GroupMerge>& merges() const { return merges_; }
  std::vector<GroupHistory> take_history();

 private:
  PoolKey& came_back(KeyId key);
  void note_circuit(const PoolKey& key) { circuits_ += !key.breaker.closed(); }
  void work_out_most_concurrent();
  bool is_culprit(KeyId key, const FailureTrail& trail) const;

  std::vector<QuotaGroup> groups_;
  std::vector<ProviderHealth> providers_;
  std::vector<PoolKey> keys_;
  std::vector<double> service_s_, sends_of_;    // by group
  std::vector<GroupId> merged_into_;            // by group: itself, or the one it was merged into
  std::vector<bool> set_apart_;                 // by group
  std::vector<std::uint32_t> most_concurrent_;  // by group
  std::vector<GroupMerge> merges_;
  std::vector<Known> known_merges_;  // not taken yet
  std::vector<Known> new_merges_;    // not told to take_history() yet
  std::chrono::sys_seconds epoch_;
  SharedQuota shared_quota_;
  BudgetMatch budget_match_;
  std::uint64_t sends_ = 0;
  double turn_ = 0;  // of the weighted key sent last
  std::uint64_t changes_ = 0;
  std::uint64_t deaths_ = 0;
  std::uint64_t circuits_ = 0;
};

}  // namespace batchrun
