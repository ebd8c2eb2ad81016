// The pool's rows and limits as a QuotaProblem, and what its solution means for the pool: a plan for each
// lane, a bound for the run, and the name of the limit that holds it back. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pool/key_pool.h"
#include "pool/lane.h"
#include "pool/loss_watch.h"
#include "pool/quota_bound.h"
#include "pool/row_mix.h"

namespace batchrun {

// Rows of one lane to be sent.
struct LaneRows {
  Lane* lane = nullptr;
  RowMix rows;
};

class Pricing {
 public:
  enum class Scope : std::uint8_t {
    from_now,   // for routing: what can be used now, and what is left of the day
    whole_run,  // for a bound: all groups, and the whole of the day
  };

  // A minute limit counts as an even flow, a day limit as what is left of it plus an even flow, concurrency
  // as that many seconds of service in each second. The lanes and the pool must outlive this.
  // `before`: of the same pool, for the whole run; starts from its division.
  Pricing(KeyPool& pool, std::vector<LaneRows> work, Scope scope, TimePoint now,
          const Pricing* before = nullptr);

  QuotaBound& bound() { return bound_; }

  // It started from an earlier plan, and a few sweeps are enough.
  bool known() const { return !known_.empty(); }

  // Hands the lanes their plans, or none if all rows can go within a second.
  void publish();

  // The limit that holds the run back.
  struct Bottleneck {
    GroupId group;
    std::optional<Dimension> dimension;  // none: concurrency
  };
  std::optional<Bottleneck> bottleneck() const;

  // What the run used of that limit in this time, of what it grants; none for concurrency.
  std::optional<double> used_share(const Bottleneck& limit, Duration took) const;

  // What the run lost to each cause in this time, in shares of it: units of each limit at its price. With
  // prices p that certify the bound, the time is the sum of p times what each limit granted, and the bound is
  // no more than the sum of p times what rows needed of it; so the shares sum to what the bound is short of
  // the time. What no ledger has is what rows cost more on the groups they went to: packing.
  Losses losses(const LossWatch& watch, Duration took) const;

 private:
  struct ClassOf {
    std::size_t lane;
    std::size_t bucket;
    std::vector<std::size_t> ways;  // by route
  };
  QuotaProblem build(Scope scope, TimePoint now, const Pricing* before);
  void add_resources(QuotaProblem& problem, Scope scope, TimePoint now);
  void add_class(QuotaProblem& problem, std::size_t lane, std::size_t bucket, Scope scope, TimePoint now,
                 const Pricing* before);
  const Lane::Way& way(const ClassOf& of, std::size_t route) const { return ways_[of.lane][of.ways[route]]; }
  double part(std::size_t lane, std::size_t bucket, std::size_t way) const;
  QuotaProblem::Route route(GroupId group, const Cost& cost) const;
  std::vector<double> parts(std::size_t number) const;
  void give_parts();

  KeyPool& pool_;
  std::vector<LaneRows> work_;
  std::vector<std::vector<Lane::Way>> ways_;  // by lane, as they were at first
  struct Limit {
    std::uint32_t resource;
    std::optional<Dimension> dimension;
  };
  std::vector<std::vector<Limit>> limits_;  // by group
  std::vector<Bottleneck> resources_;
  std::vector<ClassOf> classes_;
  std::vector<double> known_;  // the parts of the last plan, by route
  QuotaBound bound_;
};

}  // namespace batchrun
