// The course of a run as its keeper sees it: when it is told to stop, and how it has ended. Decisions only:
// time is an argument, and who obeys is the caller. One thread.
#pragma once

#include <string>

#include "runner/run_figures.h"
#include "runner/settings.h"

namespace batchrun {

class RunCourse {
 public:
  // `settings` outlives it.
  RunCourse(const Settings& settings, TimePoint started_at);

  // What the shard is to be told now; `because` is for people, "" = nothing to say.
  struct Orders {
    bool drain = false, abort = false;
    std::string because;
  };
  // After a SIGINT, SIGTERM or SIGHUP: the first drains, the second aborts.
  Orders heed(int signal, const RunFigures& seen, TimePoint now);
  // Ten times a second.
  Orders look(const RunFigures& seen, bool output_failed, TimePoint now);

  // Signals heeded so far.
  int signals() const { return signals_; }

  // What the run's parts say when all of them are done.
  struct Parts {
    bool output_failed = false, starved = false, input_failed = false, max_rows_reached = false;
  };
  RunEnd end(const RunFigures& last, const Parts& parts) const;
  // `any_row_failed`: in this run or an earlier one, and its line is in the errors file.
  int exit_code(RunEnd end, bool any_row_failed) const;

 private:
  Orders stop(RunEnd why, TimePoint now, std::string because);

  const Settings& settings_;
  const TimePoint started_at_;
  TimePoint abort_at_ = never;
  RunEnd stopped_ = RunEnd::complete;  // why the run was told to stop; complete = it was not
  int signal_ = 0, signals_ = 0;
};

}  // namespace batchrun
