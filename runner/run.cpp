#include "runner/run.h"

#include <fmt/core.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <thread>

#include "runner/answer_sources.h"
#include "runner/clock.h"
#include "runner/diagnostics.h"
#include "runner/feeder.h"
#include "runner/inert.h"
#include "runner/input_stamp.h"
#include "runner/lines_writer.h"
#include "runner/outputs.h"
#include "runner/progress.h"
#include "runner/quantity.h"
#include "runner/report.h"
#include "runner/run_course.h"
#include "runner/run_state.h"
#include "runner/shard_thread.h"
#include "runner/signals.h"
#include "runner/summary.h"

namespace batchrun {
namespace {

constexpr std::size_t intake_bytes = 2u << 20;  // read ahead of the shard
constexpr std::size_t lines_bytes = 32u << 20;  // written behind it
constexpr std::size_t news_ahead = 4;           // told ahead of what is saved
constexpr auto tick = std::chrono::milliseconds(100);

// One run. The parts are made in the order they depend on each other and ended in the opposite one.
class Run {
 public:
  Run(const Settings& settings, const Environment& environment, RunState& state)
      : settings_(settings),
        state_(state),
        color_(use_color(settings.color, environment, isatty(STDERR_FILENO) != 0)),
        reader_(settings.input, RowReaderOptions{settings.max_line, &stop_reading_}),
        outputs_(open_outputs(settings, system_files())),
        rows_skipped_(check_resume(settings, outputs_, reader_)),
        results_(std::move(outputs_.results)),
        errors_(std::move(outputs_.errors)),
        intake_(intake_bytes),
        lines_link_(lines_bytes),
        state_link_(news_ahead),
        feeder_(settings, reader_, outputs_.done, intake_, rows_skipped_),
        writer_(settings, results_, errors_, lines_link_),
        shard_(settings, intake_, lines_link_, state_link_, [this] { signals_->wake(); }),
        progress_(settings.quiet ? ProgressMode::none : settings.progress, color_, STDERR_FILENO) {}

  int perform();

 private:
  void talk_of_start();
  void watch();
  void heed(int signal, const RunFigures& now);
  void obey(const RunCourse::Orders& orders);
  int conclude();
  void say_of_state() {
    const std::string warning = state_.take_warning();
    if (!warning.empty()) say(render_note(warning, color_));
  }
  void say_of_merges(const RunFigures& now) {
    for (; merges_said_ < now.pool.merges.size(); ++merges_said_) {
      say(render_note(describe(now.pool.merges[merges_said_]), color_));
    }
  }
  void say(const std::string& text) {
    if (!settings_.quiet) progress_.say(text);
  }

  const Settings& settings_;
  RunState& state_;
  const bool color_;
  const SteadyClock clock_;
  std::size_t merges_said_ = 0;
  const std::optional<InputStamp> input_stamp_ = stamp_of(settings_.input);
  std::atomic<bool> stop_reading_ = false;
  RowReader reader_;
  Outputs outputs_;  // its files are with the writers
  const std::uint64_t rows_skipped_;
  ResultWriter results_, errors_;
  IntakeQueue intake_;
  LinesLink lines_link_;
  StateLink state_link_;
  Feeder feeder_;
  LinesWriter writer_;
  ShardThread shard_;
  Progress progress_;
  std::optional<Signals> signals_;  // from the first thread to the last
  RunCourse course_{settings_, clock_.now()};
  const std::time_t started_ = std::time(nullptr);
};

int Run::perform() {
  talk_of_start();
  signals_.emplace();
  std::thread writing([this] { writer_.run(); });
  std::thread saving([this] { state_.run(state_link_); });
  shard_.start();
  std::thread feeding([this] { feeder_.run(); });
  watch();
  shard_.join();
  stop_reading_ = true;
  intake_.close();
  feeding.join();
  lines_link_.lines.close();
  writing.join();
  state_link_.news.close();
  saving.join();
  signals_.reset();
  say_of_state();
  return conclude();
}

void Run::talk_of_start() {
  for (const std::string& notice : settings_.notices) say(render_note(notice, color_));
  for (const std::string& note : outputs_.notes) say(render_note(note, color_));
  const std::uint64_t before = outputs_.answered + outputs_.failed;
  if (before > 0) {
    const std::string changes = other_sources_than_before(settings_);
    if (!changes.empty()) say(render_note(changes, color_));
    say(render_note(fmt::format("resuming: {} already done ({} answered, {} failed)", format_rows(before),
                                outputs_.answered, outputs_.failed),
                    color_));
  }
}

void Run::watch() {
  while (!shard_.ended()) {
    const std::optional<int> signal = signals_->wait(tick);
    const RunFigures now = shard_.figures();
    progress_.update(now, std::time(nullptr));
    say_of_merges(now);
    if (signal) heed(*signal, now);
    obey(course_.look(now, writer_.failed(), clock_.now()));
    say_of_state();
  }
  progress_.finish();
}

void Run::heed(int signal, const RunFigures& now) {
  if (signal == SIGUSR1) return progress_.status(now, std::time(nullptr));
  obey(course_.heed(signal, now, clock_.now()));
  if (course_.signals() > 2) _exit(128 + signal);  // whatever was synced stays good
}

void Run::obey(const RunCourse::Orders& orders) {
  if (!orders.because.empty()) say(orders.because + "\n");
  if (orders.drain) shard_.drain();
  if (orders.abort) shard_.abort();
}

int Run::conclude() {
  RunFigures last = shard_.figures();
  last.results_bytes = results_.written_bytes();
  last.errors_bytes = errors_.written_bytes();
  const RunEnd end = course_.end(last, {.output_failed = writer_.failed(),
                                        .starved = shard_.starved(),
                                        .input_failed = feeder_.failure().has_value(),
                                        .max_rows_reached = feeder_.max_rows_reached()});
  if (writer_.failed()) {
    fmt::print(stderr, "{}", render_error(writer_.failure().what(), "", writer_.failure().hint, color_));
  }
  if (const auto& failure = feeder_.failure()) {
    fmt::print(stderr, "{}", render_error(failure->message, settings_.input, failure->hint, color_));
  }
  if (last.input_ended && last.rows_read == 0) {
    say(render_note(settings_.input == "-" ? "stdin has no rows" : inert(settings_.input) + " has no rows",
                    color_));
  }
  if (stamp_of(settings_.input) != input_stamp_) {
    say(render_note(
        inert(settings_.input) +
            " was changed while it was read: run the same command again to see which rows that concerns",
        color_));
  }
  if (!settings_.report.empty()) {
    write_whole_file(settings_.report, render_report(settings_, last, end, started_, std::time(nullptr)));
  }
  if (!settings_.quiet) fmt::print(stderr, "{}", render_summary(settings_, last, end, color_));
  // Last: should this fail, everything else has been said and written.
  if (end == RunEnd::complete) {
    put_away(settings_, std::move(results_).release(), std::move(errors_).release(), outputs_.answered > 0);
  }
  return course_.exit_code(end, last.rows_failed + outputs_.failed > 0);
}

}  // namespace

int run_batch(Settings settings, const Environment& environment) {
  const Moment start = read_clocks();
  settings.pool.settings.epoch =
      std::chrono::floor<std::chrono::seconds>(start.wall - start.pool.time_since_epoch());
  RunState state(state_path(environment), settings, start);
  Run run(settings, environment, state);
  return run.perform();
}

}  // namespace batchrun
