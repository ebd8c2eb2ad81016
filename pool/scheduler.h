// The whole of admission as decisions: rows wait in lanes, next() says which may go on which key,
// settle() takes what came of it. Pure: time is an argument, randomness a seed, one thread.
//
//   submit -> next -> (the runner makes the attempt) -> settle -> finished | requeued | given up
//
// Promises, each checked by the simulation in tests/sim:
//  - every submitted job leaves exactly once, through a Disposition other than `requeued` or an Expired;
//  - no group is ever admitted past a limit in any window of its provider plus the jitter allowed for;
//  - next() never answers Wait while some waiting job and some key fit (work conservation), but for one
//    case: with Strategy::saturate and a backlog, a group is kept for the rows it should take by the plan
//    (lane_plan.h). It then serves the pool better by waiting, for seconds, than by taking what others do
//    better. An overdue row goes first on every way that suits it, and plans are made anew every few seconds
//    from what waits and what works, so no row waits for a group that does not come.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pool/failure_trail.h"
#include "pool/loss_ledger.h"
#include "pool/outcome.h"
#include "pool/permit.h"
#include "pool/pool_spec.h"

namespace batchrun {

// A row as the pool sees it. The text stays with the runner, under `row`.
struct Job {
  RowId row;
  LaneId lane;
  double input_tokens = 0;       // estimated, before correction by what replies report
  double max_output_tokens = 0;  // as the provider would reserve: max_tokens x n, 0 if the row sets none
  std::uint32_t attempts = 0;    // counted attempts so far; kept by settle
  std::uint32_t sends = 0;       // attempts of any kind so far; kept by settle
  TimePoint submitted_at{};      // set by submit
  TimePoint not_before{};        // backoff; kept by settle
  KeyId last_key{};              // where the last attempt failed (meaningful when sends > 0)
  FailureTrail trail{};          // of faults that blame keys; kept by settle
};

struct Dispatch {
  Job job;
  Permit permit;
};

// Nothing may start now. Ask again at `until`, or when something was submitted or settled.
struct Wait {
  TimePoint until;  // `never` when only a settle or a submit can change things
};

// A waiting job that will not be sent any more; each is reported once. The runner writes its error line.
enum class GiveUp : std::uint8_t {
  none,
  permanent,       // the fault is the row's own: bad request, refused content, too large
  attempts_spent,  // max_attempts counted attempts failed
  deadline,        // the row's life is over
  no_candidate,    // every key of its lane refused the model or is out for the run, while other lanes still
                   // work
  exceeds_window,  // larger than every quota window of every candidate
};
// A limit of a day that is used up where it leaves a row no group to go to; of several, the one that has room
// first.
struct SpentDay {
  GroupId group;
  std::optional<Dimension> dimension;  // none: the provider said that the day's quota is gone, not which
  TimePoint until;
};
struct Expired {
  Job job;
  GiveUp why;                         // deadline, no_candidate or exceeds_window
  std::optional<SpentDay> spent_day;  // for deadline: what the row waited for, if it was that
};

struct Starved {};  // jobs wait, nothing is in flight, and no key of any lane can ever come back
struct Drained {};  // closed, nothing waits, nothing is in flight

using Decision = std::variant<Dispatch, Expired, Wait, Starved, Drained>;

// What becomes of a job after an attempt.
struct Disposition {
  enum class Next : std::uint8_t { finished, requeued, handed_back, given_up };
  Next next = Next::finished;
  GiveUp why = GiveUp::none;  // for given_up
  std::optional<Job> job{};   // for handed_back: as the attempt has left it, to be submitted again some time
};

enum class KeyState : std::uint8_t {
  healthy,
  degraded,      // works, but failed too often of late
  rate_limited,  // its group waits for the provider's time
  unavailable,   // its circuit is open, or key or group are out
};
std::string_view name(KeyState state);

// Figures of one key for progress and the end table; a copy, so it may cross threads.
struct KeyFigures {
  std::string alias;
  KeyState state = KeyState::healthy;
  double score = 100;  // 0 to 100, falls with faults that blame the key and rises with good answers
  std::uint32_t in_flight = 0;
  std::uint64_t sends = 0, successes = 0, rate_limited = 0, faults = 0;
  std::uint64_t input_tokens = 0, output_tokens = 0;  // as replies reported them
  TimePoint usable_at{};                              // earliest time it may be used; `never` if retired
  std::string out_because;                            // why it is unavailable, "" otherwise
};

struct GroupFigures {
  std::string name;
  std::array<std::optional<double>, dimensions> limits;  // in force now
  std::array<double, dimensions> used{};                 // own use in the current window or day
  std::array<double, dimensions> total{};                // admitted since the start of the run
};

// Keys that were configured in different groups, and whose replies show that they draw on one quota: their
// groups were merged.
struct GroupMerge {
  enum class Reason : std::uint8_t {
    organisation,  // replies name the same one
    remaining,     // what remains of their limits falls together
    earlier_run,   // one found it out
  };
  std::vector<std::string> keys;    // aliases of those of the group that stays
  std::vector<std::string> joined;  // and of those that came to it
  Reason reason = Reason::organisation;
  std::chrono::sys_seconds found_on{};  // by the wall clock
};
std::string_view name(GroupMerge::Reason reason);  // "organisation"

// How near a run came to the best there is: the least time any schedule needs for the rows that were sent, at
// the limits that were granted, each minute limit taken as an even flow.
struct QuotaFigures {
  std::string group;                   // of the limit that held the run back most, and which it is;
  std::optional<Dimension> dimension;  //   none: the group's open requests
  std::optional<double> share;         // of that limit used, over the whole run; none for open requests
  Duration least{};                    // a lower bound; zero: nothing limits
  Duration took{};                     // from the first request to the last answer, or to now
  Losses lost{};                       // shares of `took`, by cause; with efficiency() they sum to 1
  double efficiency() const { return std::min(1.0, seconds(least) / seconds(took)); }
};

struct PoolFigures {
  std::vector<KeyFigures> keys;
  std::vector<GroupFigures> groups;
  std::size_t waiting = 0;
  std::size_t in_flight = 0;
  std::uint64_t retries = 0;
  std::vector<GroupMerge> merges;     // as they came
  std::optional<QuotaFigures> quota;  // only where somebody asked for it: see Scheduler::quota_figures
};

class Scheduler {
 public:
  // REQUIRES: every KeySpec's group exists. Throws std::invalid_argument for a limit that is not > 0.
  explicit Scheduler(const PoolSpec& spec);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // A new lane; lanes may be added while the pool runs. REQUIRES: candidates name keys of the spec.
  LaneId add_lane(LaneSpec lane);

  // Puts a job in its lane's queue. REQUIRES: not closed.
  void submit(Job job, TimePoint now);

  // What to do now. Dispatch and Expired hand over a job; call again until Wait, Starved or Drained.
  Decision next(TimePoint now);

  // Takes the permit back with what the attempt came to, and decides what becomes of the job. One that may
  // have another attempt is queued again, or handed back if the caller wants to decide when.
  enum class Again : std::uint8_t { queue, hand_back };
  Disposition settle(Permit&& permit, Job job, const Outcome& outcome, TimePoint now,
                     Again again = Again::queue);

  // From the next decision on.
  void set_strategy(Strategy strategy);

  // No more submits will come: once empty, next() answers Drained.
  void close();

  // Stops dispatching for good: next() answers Wait{never} while attempts are in flight, then Drained.
  // Jobs still waiting are dropped without a Disposition; they are the resumable part of the run.
  void stop();

  std::size_t waiting() const;
  std::size_t in_flight() const;
  PoolFigures figures(TimePoint now) const;

  // By group, what a later run should know and has not been told yet: what was sent, and the limits learned,
  // since the last call. Nothing is kept for it unless the settings say keep_history.
  std::vector<GroupHistory> take_history();

  // Of the run so far; nothing where nothing limits it, or under a minute, when they would say little. While
  // it goes on they are made anew once a second, in large pools every few seconds, in the long run whenever a
  // sixtieth of its time has passed, in some milliseconds, and come closer to the optimum with each time; at
  // its end they take as long as they need.
  std::optional<QuotaFigures> quota_figures(TimePoint now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace batchrun
