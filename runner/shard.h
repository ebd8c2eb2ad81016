// One thread's share of a run: its scheduler, its attempts, and the one loop that joins them.
//
// The loop starts everything that may start and then sleeps until something could. Attempts settle and ring;
// only the loop dispatches. Everything here belongs to the thread that runs the io_context, except where it
// says "any thread".
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

#include "io/result.h"
#include "io/stream_validator.h"
#include "pool/scheduler.h"
#include "runner/alarm.h"
#include "runner/clock.h"
#include "runner/cost_book.h"
#include "runner/first_chunk_patience.h"
#include "runner/intake.h"
#include "runner/run_figures.h"
#include "runner/settings.h"

namespace batchrun {

class Shard {
 public:
  // All of these outlive the shard. `context` is run by the caller after start().
  Shard(const Settings& settings, net::io_context& context, Clock& clock, Transport& transport,
        IntakeQueue& intake, LinesLink& lines, StateLink& state);
  ~Shard();

  // Puts the loop to work; context.run() returns when every row has ended or nothing more can be done.
  void start();

  // Any thread. Send nothing more; what is in flight may finish.
  void drain();
  // Any thread. drain(), and end what is in flight.
  void abort();
  // Any thread. The picture as of at most a tenth of a second ago.
  RunFigures figures() const;

  // After context.run(): no key is left that could answer the rows that still wait.
  bool starved() const { return starved_; }

 private:
  // A row in memory, from its arrival to its line.
  struct Slot {
    RowPtr row;
    std::vector<AttemptNote> notes;
    TimePoint arrived_at{};
    std::uint64_t queue_ms = 0;
    std::uint32_t attempts = 0;  // requests made
    int last_status = 0;
    std::string last_request_id, last_body;  // of the last failure
    KeyId last_key{};
    std::uint32_t last_model = 0;
    Stake stake;  // let in with, for one attempt
  };

  Task<void> run();
  Task<void> attempt(Dispatch dispatch);
  void spawn(Dispatch dispatch);
  bool step(TimePoint now, TimePoint& sleep_until);
  void take_in(TimePoint now);
  void admit(Intake intake, TimePoint now);
  void take(Arrival arrival, TimePoint now);
  void admit(const Job& job, TimePoint now);
  bool may_come_back() const;
  Spend::Verdict stake_out(Slot& slot, Picodollars most, TimePoint now);
  Spend::Verdict pay_perhaps(Slot& slot, TimePoint now);
  void turn_away(const Job& job, Picodollars most, Spend::Verdict verdict);
  void admit_held(TimePoint now);
  void drop_held();
  void settle(Dispatch dispatch, Reply reply, const Ending& ending, TimePoint sent_at);
  void finish(RowId id, const Reply& reply, const Outcome& outcome);
  void give_up(const Job& job, GiveUp why, const Fault* fault, const std::optional<SpentDay>& spent_day = {});
  void fail(RowId id, std::string code, std::string message);
  std::string message_of(const SpentDay& spent) const;
  void note_failure(Slot& slot, const Permit& permit, const Reply& reply, TimePoint sent_at);
  RowFigures row_figures(const Slot& slot, const Outcome* outcome) const;
  void count_error(const std::string& code, const std::string& id, const std::string& message);
  void begin_line(const Slot& slot);
  void hand_over_lines(TimePoint now, bool all);
  void hand_over_news(TimePoint now, bool last);
  bool lines_hold_up() const;
  void take_written();
  void take_grants();
  void end_unsent();
  std::chrono::sys_days day_of(TimePoint now) const;
  std::int64_t unix_now() const;
  void publish(TimePoint now);
  void describe_wait(TimePoint now);
  void from_outside(void (Shard::*what)());
  void stop_sending();
  void stop_everything();
  RowId new_slot(RowPtr row, TimePoint now);
  void free_slot(RowId id);

  // constant after construction
  const Settings& settings_;
  net::io_context& context_;
  Clock& clock_;
  Transport& transport_;
  IntakeQueue& intake_;
  LinesLink& outbox_;
  StateLink& state_;

  Scheduler scheduler_;
  std::unique_ptr<Alarm> alarm_;
  std::deque<std::string> models_;  // by number; grows with the lanes
  std::deque<Slot> slots_;          // a place keeps its address
  std::vector<std::uint32_t> free_;
  CostBook costs_;
  std::vector<FirstChunkPatience> patience_;  // by provider
  std::deque<Job> held_;  // until others cost less than they might have, or a user's day is granted
  bool settled_ = false;  // such a thing has come, since they were last looked at
  bool cost_limit_reached_ = false;
  std::size_t row_bytes_ = 0;      // text of the rows in memory
  std::size_t attempts_open_ = 0;  // coroutines not yet gone
  Lines lines_;
  std::size_t unwritten_ = 0;  // rows that requests were made for and whose lines are not in the files yet
  TimePoint lines_since_{}, published_at_{}, news_at_{}, started_at_{};
  TimePoint waiting_until_{};
  TimePoint output_late_since_ = never;  // nothing may be sent until lines are written
  std::string last_trouble_;  // what the last fault that speaks against a key said; free of secrets
  bool closed_ = false, stopping_ = false, starved_ = false;
  RunFigures figures_;  // as it grows

  mutable std::mutex published_mutex_;
  RunFigures published_;  // protected by published_mutex_
};

}  // namespace batchrun
