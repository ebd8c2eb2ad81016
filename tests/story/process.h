// The program in one process, in virtual time: what runner/run.cpp binds to threads, clocks and signals,
// bound to one thread and the story's clock instead. It ends by itself, or dies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runner/clock.h"
#include "runner/feeder.h"
#include "runner/lines_writer.h"
#include "runner/outputs.h"
#include "runner/run_course.h"
#include "runner/run_state.h"
#include "runner/shard.h"
#include "tests/story/network.h"
#include "tests/support/memory_files.h"

namespace batchrun::story {

// What processes leave each other beside their output, in place of the state file. By group.
using KeptState = std::vector<GroupState>;

// What all processes of a story share.
struct World {
  explicit World(const Plan& p) : plan(p) {}

  const Plan& plan;
  std::string input;  // a real file
  ManualClock clock;
  Network network{plan, clock};
  MemoryFiles files;
  KeptState state;
};
inline constexpr const char* results_path = "out/results";
inline constexpr const char* errors_path = "out/errors";

class Process {
 public:
  // Opens and recovers the output. Throws as run_batch() does before anything is sent.
  Process(World& world, std::size_t life, const LifePlan& plan);

  // Does all there is to do now. True: it is over, and exit_code() says how.
  bool work();
  // By when there is more to do, beside what sleeps on the clock.
  TimePoint next() const;
  void signal(int number);

  // Nothing it does from now on reaches anybody. REQUIRED before the end of its life unless it is over.
  void die();

  int exit_code() const { return exit_code_; }
  // Answers that came before these times are written, or even synced.
  TimePoint written_through() const { return written_through_; }
  TimePoint synced_through() const { return synced_through_; }

 private:
  bool feed();
  bool write();
  bool keep_state();
  void obey(const RunCourse::Orders& orders);
  void conclude();

  World& world_;
  const Settings settings_;
  RowReader reader_;
  Outputs outputs_;
  const std::uint64_t rows_skipped_;
  ResultWriter results_, errors_;
  IntakeQueue intake_;
  LinesLink lines_;
  StateLink link_{4};
  Feeder feeder_;
  LinesWriter writer_;
  net::io_context context_{1};
  StoryTransport transport_;
  Shard shard_;
  RunCourse course_;
  bool feeding_ = true;
  TimePoint look_at_, disk_free_at_, sync_at_ = never;
  TimePoint written_through_{}, synced_through_{};
  int exit_code_ = -1;
};

}  // namespace batchrun::story
