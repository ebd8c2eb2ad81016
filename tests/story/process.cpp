#include "tests/story/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "runner/assemble_pool.h"
#include "runner/config.h"
#include "runner/exit_code.h"

namespace batchrun::story {
namespace {

constexpr Duration tick = std::chrono::milliseconds(100);  // as run.cpp has it

// The pool's time zero by the wall clock; what network.cpp tells is one hour later by then.
constexpr std::chrono::sys_seconds epoch{std::chrono::seconds(1'795'327'200 - 3600)};

Moment moment_of(const ManualClock& clock) {
  return {std::chrono::sys_time<Duration>(epoch + clock.now().time_since_epoch()), clock.now()};
}

// Every model of every provider, by what each costs.
PriceTable prices() {
  std::string entries;
  for (const char* provider : {"openai", "groq", "cerebras", "anthropic", "gemini", "ollama"}) {
    entries += fmt::format(R"({}{{"provider": "{}", "id": "*", "input": 0, "output": {}}})",
                           entries.empty() ? "" : ", ", provider, price_of_token * 1e6);
  }
  return PriceTable("{\"models\": [" + entries + "]}", "prices.json", "2026-11-22");
}

Settings settings_of(const World& world, std::size_t life, const LifePlan& plan) {
  Settings settings;
  assemble_pool(parse_config(world.plan.config, "batchrun.json", {}), settings);
  settings.input = world.input;
  settings.output = results_path;
  settings.errors = errors_path;
  settings.stream = world.plan.streams ? StreamMode::automatic : StreamMode::off;
  settings.ordered = world.plan.ordered;
  settings.pool.settings.epoch = epoch;
  settings.pool.settings.seed = world.plan.seed + life;
  settings.pool.settings.keep_history = true;
  settings.pool.settings.max_in_flight = world.plan.max_in_flight;
  settings.prices = prices();
  if (plan.max_cost) settings.spend.run = std::llround(*plan.max_cost * 1e12);
  settings.retry_failed = plan.retry_failed;
  settings.fresh = plan.fresh;
  for (std::size_t i = 0; i < world.state.size(); ++i) {
    settings.pool.groups[i].history = history_of(world.state[i], moment_of(world.clock));
  }
  return settings;
}

}  // namespace

Process::Process(World& world, std::size_t life, const LifePlan& plan)
    : world_(world),
      settings_(settings_of(world, life, plan)),
      reader_(settings_.input, RowReaderOptions{settings_.max_line}),
      outputs_(open_outputs(settings_, world.files)),
      rows_skipped_(check_resume(settings_, outputs_, reader_)),
      results_(std::move(outputs_.results)),
      errors_(std::move(outputs_.errors)),
      intake_(world.plan.intake_bytes),
      lines_(world.plan.lines_bytes),
      feeder_(settings_, reader_, outputs_.done, intake_, rows_skipped_),
      writer_(settings_, results_, errors_, lines_),
      transport_(world.network, context_, life),
      shard_(settings_, context_, world.clock, transport_, intake_, lines_, link_),
      course_(settings_, world.clock.now()),
      look_at_(world.clock.now()),
      disk_free_at_(world.clock.now()) {
  shard_.start();
}

bool Process::work() {
  bool any = true;
  while (any && !world_.files.killed()) {
    any = context_.poll() > 0;
    any = feed() || any;
    any = write() || any;
    any = keep_state() || any;
  }
  if (context_.stopped()) {
    conclude();
    return true;
  }
  if (world_.clock.now() >= look_at_) {
    look_at_ += tick;
    obey(course_.look(shard_.figures(), writer_.failed(), world_.clock.now()));
  }
  return false;
}

TimePoint Process::next() const {
  const TimePoint now = world_.clock.now();
  TimePoint next = look_at_;
  if (disk_free_at_ > now) next = std::min(next, disk_free_at_);
  if (sync_at_ != never) next = std::min(next, std::max(sync_at_, disk_free_at_));
  return next;
}

bool Process::feed() {
  if (!feeding_ || intake_.full()) return false;
  feeding_ = feeder_.step();
  return true;
}

bool Process::write() {
  const TimePoint now = world_.clock.now();
  if (now < disk_free_at_) return false;
  const std::optional<Lines> lines = lines_.lines.try_pop();
  const bool due = lines || now >= sync_at_;
  if (due) {
    const std::uint64_t synced = writer_.synced_bytes();
    sync_at_ = writer_.take(lines, now);
    if (writer_.synced_bytes() != synced) disk_free_at_ = now + world_.plan.disk_lag;
  }
  if (writer_.failed()) {
    written_through_ = synced_through_;  // the rest was cut off
  } else if (!lines) {
    written_through_ = now;
    if (sync_at_ == never) synced_through_ = now;
  }
  return due;
}

bool Process::keep_state() {
  const std::optional<StateNews> news = link_.news.try_pop();
  if (!news) return false;
  world_.state.resize(settings_.pool.groups.size());
  for (std::size_t i = 0; i < news->groups.size(); ++i) {
    world_.state[i].add(state_of(news->groups[i], moment_of(world_.clock)));
  }
  return true;
}

void Process::signal(int number) {
  obey(course_.heed(number, shard_.figures(), world_.clock.now()));
}

void Process::obey(const RunCourse::Orders& orders) {
  if (orders.drain) shard_.drain();
  if (orders.abort) shard_.abort();
}

void Process::conclude() {
  intake_.close();
  while (feed()) {
  }
  lines_.lines.close();
  while (!lines_.lines.ended()) writer_.take(lines_.lines.try_pop(), world_.clock.now());
  writer_.finish();
  while (keep_state()) {
  }
  const RunFigures last = shard_.figures();
  const RunEnd end = course_.end(last, {.output_failed = writer_.failed(),
                                        .starved = shard_.starved(),
                                        .input_failed = feeder_.failure().has_value(),
                                        .max_rows_reached = feeder_.max_rows_reached()});
  exit_code_ = course_.exit_code(end, last.rows_failed + outputs_.failed > 0);
  try {
    if (end == RunEnd::complete) {
      put_away(settings_, std::move(results_).release(), std::move(errors_).release(), outputs_.answered > 0);
    }
  } catch (const OutputError&) {
    exit_code_ = static_cast<int>(ExitCode::output_failed);
  }
}

void Process::die() {
  transport_.abort();
  shard_.abort();
  while (context_.poll() > 0) {
  }
}

}  // namespace batchrun::story
