// Watches what keeps each group from using its quotas while a run goes on, and keeps a ledger of each limit.
// One thread; time never goes back.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "pool/key_pool.h"
#include "pool/lane.h"
#include "pool/loss_ledger.h"

namespace batchrun {

class LossWatch {
 public:
  // The pool must outlive this.
  explicit LossWatch(KeyPool& pool);

  // What goes for all groups alike.
  struct Rows {
    bool waiting = false;  // somewhere
    bool ended = false;    // no more will come
    bool held_up = false;  // no more may be sent, whatever the quotas: too many are open, or nobody asks
  };

  // Begins with the first request; before, nothing is lost.
  void begin(TimePoint now) { begun_at_ = at_ = now; }

  // Whether there is something to note: a quarter of a second has passed.
  bool due(TimePoint now) const { return now - at_ >= interval; }

  // Notes what became of the time up to `now`, by what holds now. `lanes`: those with rows that wait.
  void pass(const std::vector<Lane*>& lanes, const Rows& rows, TimePoint now);

  // A request was admitted; a request ended. `wasted`: what it was charged served nothing, for that cause.
  void taken(GroupId group, const Cost& reserved);
  void settled(GroupId group, const Cost& reserved, const Cost& charged, std::optional<LossCause> wasted);

  // The pool has merged `from` into another group: what was sent on either counts there from now on.
  void merged(GroupId from);

  // Of a limit (none: the group's open requests, in seconds of them), what of `granted` in the run was lost,
  // wasted units included, so that it is all that was not used well. What is left of a day was not used in
  // time.
  Losses lost(GroupId group, std::optional<Dimension> dimension, double granted) const;

 private:
  static constexpr Duration interval = std::chrono::milliseconds(250);

  // One limit of a group.
  struct Entry {
    std::optional<Dimension> dimension;
    LossLedger ledger;
    TimePoint at;             // passed up to here
    double used = 0;          // passed so far
    double foreign_seen = 0;  // units of others, told so far
    // The most that causes can have taken that hold back a part only. They add up while time passes, and not
    // only while something is lost: a margin that is kept evenly is lost unevenly, in steps.
    Losses entitled{};
  };
  struct Group {
    std::vector<Entry> entries;
    Losses wasted_requests{}, wasted_input{}, wasted_output{};
    Cost in_flight{.requests = 0};                         // reserved
    Cost reserved{.requests = 0}, charged{.requests = 0};  // of late: sums that fade
    bool alive = false, works = false;                     // some key
    bool wanted = false, paused = false;                   // rows wait for it; all of them for a pause to end
  };
  void look(const std::vector<Lane*>& lanes);
  using Limits = std::array<std::optional<double>, dimensions>;
  void note_limits(GroupId id, const Limits& granted);
  Entry& entry(Group& group, std::optional<Dimension> dimension, double credit);
  std::optional<LossCause> cause(GroupId id, const Rows& rows, TimePoint now) const;
  void pass(GroupId id, Entry& entry, const Limits& granted, std::optional<LossCause> cause, TimePoint now);
  void entitle(GroupId id, Entry& entry, double took_s) const;

  KeyPool& pool_;
  std::vector<Group> groups_;
  TimePoint begun_at_ = never, at_ = never;
};

}  // namespace batchrun
