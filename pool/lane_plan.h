// Which rows of a lane suit which way of answering them, while the pool is saturated: the bound's prices and
// division, laid out for the choice of the next row. One thread.
//
// A row suits a way if that is hardly dearer than its cheapest one. That alone leaves the proportions open
// where several ways cost the same, and a group that takes the wrong rows of those runs out of one limit
// while another is idle (measured: requests used to 100 %, tokens to 60 %). So each kind of row has its share
// in what a group sends, and a credit in rows: it grows by the share with each row the group sends, and falls
// by one when it is that kind. The kind with the greatest credit goes, and none that is far ahead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "pool/kind_set.h"
#include "pool/row_mix.h"

namespace batchrun {

class LanePlan {
 public:
  static constexpr float most_ahead = 0.5;  // rows a kind may be ahead of its share
  static constexpr float most_behind = 8;   // rows it may catch up at once

  // Without ways it is no plan.
  bool active() const { return !ways_.empty(); }
  void clear() {
    ways_.clear();
    ++number_;
  }

  // Another one, another number.
  std::uint64_t number() const { return number_; }

  // A new plan, which knows no kind yet; credits are kept. `group_sends` of
  // each way: rows its group has sent so far.
  void renew(const std::vector<double>& group_sends);

  // Of `part` rows of the kind that the way should take, being `share` of all that its group should.
  // REQUIRES: part > 0, and the kind is known.
  void give(std::size_t way, std::size_t kind, double part, double share) {
    ways_[way].kinds[kind].part = static_cast<float>(part);
    ways_[way].kinds[kind].share = static_cast<float>(share);
    ways_[way].suited.insert(kind);
  }
  // Until a kind is known every way suits it; from then on those it is given to.
  void know(std::size_t kind) {
    for (Way& way : ways_) way.suited.erase(kind);
  }

  double part(std::size_t way, std::size_t kind) const { return ways_[way].kinds[kind].part; }
  const KindSet& suited(std::size_t way) const { return ways_[way].suited; }
  bool suits(std::size_t way, std::size_t kind) const { return suited(way).contains(kind); }

  double credit(std::size_t way, std::size_t kind, double group_sends) const {
    const Way& its = ways_[way];
    const Kind& of = its.kinds[kind];
    return of.carried + of.share * (group_sends - its.group_sends) - of.sent;
  }
  // The credit of a kind that the way may take: it suits, and is not too far ahead. None: `unsuited`.
  static constexpr double unsuited = -std::numeric_limits<double>::infinity();
  double credit_if_suited(std::size_t way, std::size_t kind, double group_sends) const {
    if (!suits(way, kind)) return unsuited;
    const double its = credit(way, kind, group_sends);
    return its >= -most_ahead ? its : unsuited;
  }
  void raise(std::size_t way, double by) {
    for (Kind& kind : ways_[way].kinds) kind.carried += static_cast<float>(by);
  }
  void sent(std::size_t way, std::size_t kind) { ways_[way].kinds[kind].sent += 1; }

 private:
  struct Kind {
    float part = 0, share = 0, carried = 0, sent = 0;
  };
  struct Way {
    std::array<Kind, RowMix::buckets> kinds{};
    KindSet suited = KindSet::all();
    double group_sends = 0;  // when the plan was made
  };
  std::vector<Way> ways_;
  std::uint64_t number_ = 0;
};

}  // namespace batchrun
