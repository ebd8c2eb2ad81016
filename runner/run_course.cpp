#include "runner/run_course.h"

#include <fmt/core.h>

#include <utility>

#include "runner/exit_code.h"

namespace batchrun {
namespace {

constexpr std::uint64_t error_rate_after_rows = 100;

}  // namespace

RunCourse::RunCourse(const Settings& settings, TimePoint started_at)
    : settings_(settings), started_at_(started_at) {}

RunCourse::Orders RunCourse::heed(int signal, const RunFigures& seen, TimePoint now) {
  signal_ = signal;
  if (++signals_ > 1) {
    abort_at_ = never;
    return {.drain = false, .abort = true, .because = ""};
  }
  return stop(
      RunEnd::interrupted, now,
      fmt::format("draining {} requests (at most {} s); press Ctrl-C again to abort", seen.pool.in_flight,
                  std::chrono::duration_cast<std::chrono::seconds>(settings_.drain_timeout).count()));
}

RunCourse::Orders RunCourse::look(const RunFigures& seen, bool output_failed, TimePoint now) {
  if (output_failed && stopped_ != RunEnd::output_failed) {
    stopped_ = RunEnd::output_failed;
    abort_at_ = now;  // answers that cannot be written are not worth waiting for
  }
  if (now >= abort_at_) {
    abort_at_ = never;
    return {.drain = false, .abort = true, .because = ""};
  }
  if (stopped_ != RunEnd::complete) return {};
  if (settings_.deadline > Duration::zero() && now - started_at_ >= settings_.deadline) {
    return stop(RunEnd::stopped, now, "the run's deadline has come; draining");
  }
  if (seen.cost_limit_reached) {
    stopped_ = RunEnd::stopped;  // what was let in goes on to its end
    return {.drain = false,
            .abort = false,
            .because = "no further row fits under --max-cost; finishing those already let in"};
  }
  const std::uint64_t finished = seen.rows_ok + seen.rows_failed;
  if (settings_.max_error_rate > 0 && finished >= error_rate_after_rows &&
      static_cast<double>(seen.rows_failed) > settings_.max_error_rate * static_cast<double>(finished)) {
    return stop(RunEnd::stopped, now,
                fmt::format("{} of {} rows failed, more than --max-error-rate allows; draining",
                            seen.rows_failed, finished));
  }
  return {};
}

RunCourse::Orders RunCourse::stop(RunEnd why, TimePoint now, std::string because) {
  stopped_ = why;
  abort_at_ = now + settings_.drain_timeout;
  return {.drain = true, .abort = false, .because = std::move(because)};
}

RunEnd RunCourse::end(const RunFigures& last, const Parts& parts) const {
  if (parts.output_failed) return RunEnd::output_failed;
  if (parts.starved) return RunEnd::no_usable_key;
  const bool all_ended =
      last.input_ended && last.rows_skipped + last.rows_ok + last.rows_failed == last.rows_read;
  if (!all_ended && stopped_ != RunEnd::complete) return stopped_;
  if (!all_ended && last.cost_limit_reached) return RunEnd::stopped;  // since the last look
  if (parts.input_failed) return RunEnd::input_failed;
  return parts.max_rows_reached ? RunEnd::stopped : RunEnd::complete;
}

int RunCourse::exit_code(RunEnd end, bool any_row_failed) const {
  switch (end) {
    case RunEnd::complete:
      break;
    case RunEnd::interrupted:
      return 128 + signal_;
    case RunEnd::stopped:
      return static_cast<int>(ExitCode::stopped);
    case RunEnd::no_usable_key:
      return static_cast<int>(ExitCode::no_usable_key);
    case RunEnd::output_failed:
      return static_cast<int>(ExitCode::output_failed);
    case RunEnd::input_failed:
      return static_cast<int>(ExitCode::usage);
  }
  return static_cast<int>(any_row_failed ? ExitCode::rows_failed : ExitCode::ok);
}

}  // namespace batchrun
