// A pool in a world of its own: the real Scheduler, virtual time, organisations that enforce limits and fail
// as told, and an observer that checks every step. Everything follows from the plan and its seed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "pool/scheduler.h"
#include "tests/sim/naive_pool.h"
#include "tests/sim/server_limiter.h"

namespace batchrun::sim {

// From the start of the run, in seconds; never unless set.
struct Span {
  double from_s = -1, to_s = -1;
  bool holds(double at_s) const { return at_s >= from_s && at_s < to_s; }
};

// When an organisation counts the output of a request, and how much of it.
enum class OutputCounts : std::uint8_t {
  max_at_start,   // max_tokens as soon as it is admitted
  actual_at_end,  // what was produced, when it has been produced
  never,
};

// How an organisation behaves; its limits are those of the GroupSpec of the same number.
struct OrganisationPlan {
  LimiterKind limiter = LimiterKind::sliding_log;
  OutputCounts output_counts = OutputCounts::max_at_start;
  bool cached_input_counts = true;
  std::array<double, 4> largest{1, 1, 1, 1};  // by dimension: what a limiter of single seconds holds at least
  std::array<std::optional<double>, 4> limits{};  // other than the GroupSpec says
  double limits_change_at_s = -1, limits_change_by = 1;
  double foreign = 0;                       // share of each limit that somebody else sends, evenly
  bool says_limits = false;                 // in every reply: limit and what remains
  double names_itself_from_s = 1e9;         // in every good reply
  std::optional<std::uint32_t> same_as{};   // keys of this group belong to that organisation
  bool names_a_time = true;                 // says retry-after with a 429
  double fails = 0;                         // share of requests that fail in a way a retry may mend
  double down_from_s = -1, down_to_s = -1;  // everything fails in between
  Span refuses{};                           // all keys are answered 401
  Span storm{};                             // everything is answered 429, without a limit or a time
  Span day_spent{};                         // everything is answered that the day's requests are used up
  bool out_of_credit = false;
};

struct RowPlan {
  LaneId lane;
  double estimated_input = 100;  // what the pool is told
  double actual_input = 100;     // what the provider counts
  double cached = 0;             //   and what of it was in its cache
  double max_output = 0;
  double output = 0;
  bool bad = false;     // answered 400
  bool poison = false;  // answered 500, whatever the key
  double arrives_s = 0;
};

struct Plan {
  PoolSpec pool;
  std::vector<OrganisationPlan> organisations;
  std::vector<bool> dead_keys;  // answered 401
  std::vector<LaneSpec> lanes;
  std::vector<RowPlan> rows;  // by arrival
  std::uint64_t seed = 1;
  double service_s = 2;  // mean time of an answer
  double send_delay_from_s = 0.020, send_delay_to_s = 0.220;
  double stop_after_s = 1e9;             // leaves the rest of the rows
  bool check_work_conservation = false;  // for worlds without faults, and estimates that are right
  bool check_limits = true;              // slow where rows are many
  bool watch_keys = false;               // fills in Verdict::outs; slow
};

enum class End : std::uint8_t {
  pending,
  finished,
  permanent,
  attempts_spent,
  deadline,
  no_candidate,
  exceeds_window
};

struct Verdict {
  std::vector<std::string> violations;         // of what must always hold; empty is good
  std::vector<End> ends;                       // by row
  std::vector<double> ended_at_s;              // by row
  std::vector<double> first_sent_at_s;         // by row; negative: never
  std::vector<double> used;                    // by organisation: tokens admitted
  std::vector<std::array<double, 4>> counted;  // by organisation and dimension that it limits
  std::vector<double> requests;                // by organisation: requests admitted
  std::vector<double> drawn;              // by organisation: requests that drew on its limits, good or not
  std::vector<std::uint64_t> sends_of;    // by organisation
  std::vector<std::uint64_t> outs;        // by key: how often it became unavailable
  double slowest_failover_s = 0;          // from a fault that is not a limit's to the row's next send
  double longest_silence_s = 0;           // between two requests, while rows wait
  PoolFigures figures;                    // at the end
  std::uint64_t sends = 0, too_many = 0;  // all requests; those answered 429
  bool starved = false, drained = false;
  double end_s = 0;
  std::vector<double> requests_by_minute;  // admitted, of all organisations
  std::vector<double> too_many_by_minute;
  std::uint64_t trace = 0;  // a hash of every decision
};

class SimPool {
 public:
  explicit SimPool(Plan plan);
  Verdict run();

 private:
  enum class What : std::uint8_t { row_arrives, request_arrives, reply_arrives };
  struct Event {
    TimePoint at;
    std::uint64_t number;  // order among equals
    What what;
    std::size_t index;  // row, or attempt
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };
  struct Attempt {
    std::optional<Dispatch> dispatch;
    Outcome outcome;
  };
  struct Organisation {
    double foreign_until_s = 3600;
    bool changed = false;
    std::vector<ServerLimiter> limiters;
    std::vector<Dimension> counts;  // what each limiter counts
  };

  void at(TimePoint when, What what, std::size_t index);
  void happen(const Event& event);
  void request_arrives(Attempt& attempt);
  Outcome answer(const Dispatch& dispatch);
  std::uint32_t organisation_of(GroupId group) const;
  std::optional<double> refused_for_s(Organisation& organisation, const Cost& cost);
  void count_output(std::uint32_t organisation, double tokens);
  void let_time_pass(Organisation& organisation, const OrganisationPlan& plan);
  ServerLimits limits_of(Organisation& organisation);
  void reply_arrives(std::size_t index);
  bool step();
  void dispatched(Dispatch&& dispatch);
  void ended(RowId row, End end);
  void watch_keys();
  void check_wait(TimePoint until);
  std::string what_fits(TimePoint when) const;
  Cost cost_at_start(const RowPlan& row, const OrganisationPlan& plan) const;
  void violated(const std::string& what);
  void note(std::uint64_t value) { verdict_.trace = (verdict_.trace ^ value) * 0x100000001b3; }
  double random() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  double now_s() const { return seconds(now_.time_since_epoch()); }

  Plan plan_;
  Scheduler scheduler_;
  NaivePool naive_;
  std::mt19937_64 random_;
  std::vector<Organisation> organisations_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Attempt> attempts_;
  std::vector<std::vector<std::size_t>>
      waiting_;                      // by lane, rows in the order they came; without faults this is exact
  std::vector<double> failed_at_s_;  // by row; negative: not since it was sent
  std::vector<bool> unavailable_;    // by key
  double last_send_s_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t rows_to_come_ = 0;
  std::uint64_t events_made_ = 0;
  TimePoint now_{std::chrono::hours(1)};
  TimePoint start_{std::chrono::hours(1)};
  Verdict verdict_;
};

}  // namespace batchrun::sim
