// What a run takes over from earlier ones and leaves to later ones: where the state file is, what of it goes
// into the pool before the start, and the thread that saves, and claims users' budgets, while the run goes
// on.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/state_store.h"
#include "pool/group_history.h"
#include "runner/env.h"
#include "runner/intake.h"
#include "runner/settings.h"

namespace batchrun {

// $XDG_STATE_HOME/batchrun/state.db, else ~/.local/state/batchrun/state.db; "" when neither is known. A
// relative XDG_STATE_HOME counts as none. Source: XDG Base Directory Specification.
std::string state_path(const Environment& environment);

// One moment on both clocks: the wall's, which other runs share, and the pool's, which never jumps.
struct Moment {
  std::chrono::sys_time<Duration> wall;
  TimePoint pool;
};
Moment read_clocks();

// Between the state file's words and the pool's, `moment` being the same on both clocks. What was charged by
// earlier runs lies before the moment, even if a clock that was ahead says otherwise. Seconds are rounded up
// on the way to the file: a charge that seems later than it was frees its quota late, never early.
GroupHistory history_of(const GroupState& state, const Moment& moment);
GroupState state_of(const GroupHistory& history, const Moment& moment);

class RunState {
 public:
  // Puts what the file holds into settings.pool.groups[i].history and sets keep_history. What is wrong with
  // the file becomes one of the settings' notices, and without a file there is nothing to restore or to keep:
  // it never stops a run.
  RunState(const std::string& path, Settings& settings, const Moment& start);

  // Saves what comes, batch by batch, and answers claims once they stand in the file, until the news are
  // closed and at their end. One thread. Somebody else's lock only delays it; any other trouble closes the
  // link, and the run goes on without.
  void run(StateLink& link);

  // Any thread. A sentence for people on what went wrong since the last call; "" = nothing.
  std::string take_warning();

 private:
  void add(const std::vector<GroupHistory>& histories);
  bool save(StateLink& link, bool last);
  bool save_charges(bool last);
  bool enter_claims(StateLink& link, bool last);
  bool heed(const StateError& error, bool last);
  void warn(const std::string& message);

  std::optional<StateStore> store_;
  Moment moment_;                    // by which times are told
  std::vector<GroupState> unsaved_;  // by group
  bool anything_unsaved_ = false;
  std::vector<BudgetClaim> claims_;  // to be entered yet
  bool warned_of_lock_ = false;

  std::mutex warning_mutex_;
  std::string warning_;  // protected by warning_mutex_
};

}  // namespace batchrun
