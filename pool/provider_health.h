// What the keys of one provider tell about each other, where one key's faults alone would mislead:
//
//  - 401 from one key while others are answered: that key is dead, and a probe confirms it. 401 from all of
//    them at once: the provider is suspected instead. One key is probed at a time, with growing pauses, and
//    when one is answered all are back (OpenRouter once answered 401 to everybody for its own outage).
//    Believed are 401s where nothing was ever answered well in this run, as keys are mistyped more often than
//    providers are down, and 401s that last for PoolSettings::suspicion_max.
//  - Failures of many keys at once: beyond the ejection cap a key's circuit needs more failures in a row, so
//    that a provider that fails now and then does not lose most of its keys to chance (Envoy's
//    max_ejection_percent). One that is down altogether still has all of them out, and is probed.
//  - 429 from many groups within a second: one event, such as a limit by address, and no group's own limit.
//
// One thread. The breakers are those of the provider's keys.
#pragma once

#include <cstdint>
#include <vector>

#include "pool/breaker.h"
#include "pool/ids.h"
#include "pool/pool_spec.h"
#include "pool/time.h"

namespace batchrun {

class ProviderHealth {
 public:
  // `settings` must outlive this.
  explicit ProviderHealth(const PoolSettings& settings) : settings_(&settings) {}

  // A key of the provider, and its group. `breaker` must outlive this.
  void add(Breaker& breaker, GroupId group);

  // All keys are out for 401s that are not believed.
  bool suspected() const { return suspected_; }

  // Earliest time an attempt may go on the key, as Breaker::ready_at().
  TimePoint ready_at(const Breaker& key) const;

  // As the functions of Breaker that have these names.
  void sent(Breaker& key, RowId row);
  void succeeded(Breaker& key, RowId row, TimePoint admitted_at);
  bool failed(Breaker& key, RowId row, TimePoint now);
  void answered(Breaker& key, RowId row);
  void abandoned(Breaker& key, RowId row, TimePoint now);

  // A 401. Returns whether it took a key, or all of them, out for good.
  bool refused(Breaker& key, RowId row, TimePoint now);

  // A group was answered 429, and the reply names no limit. Returns whether at least three groups were within
  // a second: then it says nothing about this one's. (Where the limits of many groups are wrong at once, two
  // a second still learn.)
  bool too_many(GroupId group, TimePoint now);

 private:
  std::uint32_t threshold(const Breaker& key) const;
  bool all_refused() const;
  void trust();
  void probe_came_back(TimePoint next);

  const PoolSettings* settings_;
  std::vector<Breaker*> keys_;
  struct Refusal {
    GroupId group;
    TimePoint at;
  };
  std::vector<Refusal> last_429_;             // of each group
  TimePoint answered_at_ = TimePoint::min();  // the last request that was answered well was admitted then
  bool suspected_ = false;
  bool probing_ = false;  // while suspected
  Duration pause_{};
  TimePoint probe_at_{};
};

}  // namespace batchrun
