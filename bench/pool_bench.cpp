// What a decision costs: next() and settle() of the scheduler, alone and in a steady state with rows waiting.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "pool/scheduler.h"

namespace batchrun {
namespace {

constexpr std::size_t waiting_rows = 4000;
constexpr std::size_t in_flight_rows = 256;

// How long single calls take, the reading of the clock included (about 20 ns).
class Stopwatch {
 public:
  template <class Call>
  auto time(Call call) {
    const auto begin = std::chrono::steady_clock::now();
    auto result = call();
    const auto spent = std::chrono::steady_clock::now() - begin;
    nanoseconds_.push_back(static_cast<std::uint32_t>(std::chrono::nanoseconds(spent).count()));
    return result;
  }
  double quantile(double q) {
    if (nanoseconds_.empty()) return 0;
    const auto place = static_cast<std::ptrdiff_t>(q * static_cast<double>(nanoseconds_.size() - 1));
    std::nth_element(nanoseconds_.begin(), nanoseconds_.begin() + place, nanoseconds_.end());
    return nanoseconds_[static_cast<std::size_t>(place)];
  }

 private:
  std::vector<std::uint32_t> nanoseconds_;
};

struct World {
  World(std::uint32_t groups, std::uint32_t keys, std::optional<double> tokens_per_minute)
      : scheduler(spec(groups, keys, tokens_per_minute)) {
    LaneSpec lane{.name = "lane", .candidates = {}};
    for (std::uint32_t key = 0; key < keys; ++key) lane.candidates.push_back({.key = {key}});
    scheduler.add_lane(lane);
    good.usage.known = true;
  }

  static PoolSpec spec(std::uint32_t groups, std::uint32_t keys, std::optional<double> tokens_per_minute) {
    PoolSpec spec;
    spec.settings.max_in_flight = 100'000;
    for (std::uint32_t g = 0; g < groups; ++g) {
      GroupSpec group{.name = "group", .limits = {}};
      group.limits[1] = tokens_per_minute;
      if (tokens_per_minute) group.limits[0] = *tokens_per_minute / 100;
      spec.groups.push_back(group);
    }
    for (std::uint32_t key = 0; key < keys; ++key) {
      spec.keys.push_back({.alias = "key-" + std::to_string(key), .group = {key % groups}});
    }
    return spec;
  }

  void submit() {
    const std::uint32_t n = submitted++;
    Job job{.row = {n}, .lane = {0}};
    job.input_tokens = 50 + (n * 2654435761U) % 2000;
    job.max_output_tokens = 20 + (n * 40503U) % 300;
    scheduler.submit(job, now);
  }

  // As tokenizers have it: a reply never reports what was estimated, but up to a tenth more or less.
  void settle_oldest() {
    Dispatch dispatch = std::move(out.front());
    out.pop_front();
    const Job job = dispatch.job;
    const double ratio = 0.9 + 0.2 * static_cast<double>(job.row.value * 2246822519U) * 0x1p-32;
    good.usage.input_tokens = static_cast<std::uint64_t>(job.input_tokens * ratio);
    settling.time([&] { return scheduler.settle(std::move(dispatch.permit), job, good, now); });
  }

  ~World() {
    while (!out.empty()) settle_oldest();
  }

  TimePoint now{std::chrono::hours(1)};
  Scheduler scheduler;
  std::deque<Dispatch> out;
  Outcome good;
  std::uint32_t submitted = 0;
  Stopwatch asking, settling;

  Decision next() {
    return asking.time([&] { return scheduler.next(now); });
  }
  void report(benchmark::State& state) {
    state.counters["next_p50_ns"] = asking.quantile(0.5);
    state.counters["next_p99_ns"] = asking.quantile(0.99);
    state.counters["settle_p50_ns"] = settling.quantile(0.5);
  }
};

// Every row may go at once: what the pool adds to a request when no quota holds it back.
void unlimited(benchmark::State& state) {
  World world(static_cast<std::uint32_t>(state.range(0)), static_cast<std::uint32_t>(state.range(1)),
              std::nullopt);
  for (std::size_t i = 0; i < waiting_rows; ++i) world.submit();
  for (auto _ : state) {
    world.now += std::chrono::microseconds(10);
    world.submit();
    Decision decision = world.next();
    world.out.push_back(std::move(std::get<Dispatch>(decision)));
    if (world.out.size() > in_flight_rows) world.settle_oldest();
  }
  world.report(state);
}
BENCHMARK(unlimited)->Args({8, 8})->Args({3, 8})->Args({200, 1000})->Args({1000, 1000});

// Quotas are full: every settle gives a little back or takes a little more, and asks again; time goes to when
// the pool wants to be asked. One iteration is one decision of whatever kind; `sent` is the share that
// admitted a row.
void saturated(benchmark::State& state) {
  const auto groups = static_cast<std::uint32_t>(state.range(0));
  World world(groups, static_cast<std::uint32_t>(state.range(1)), 60'000);
  for (std::size_t i = 0; i < waiting_rows; ++i) world.submit();
  std::uint64_t sent = 0;
  for (auto _ : state) {
    Decision decision = world.next();
    if (auto* go = std::get_if<Dispatch>(&decision)) {
      ++sent;
      world.submit();
      world.out.push_back(std::move(*go));
      if (world.out.size() > groups) world.settle_oldest();
    } else {
      world.now = std::max(std::get<Wait>(decision).until, world.now + Duration(1));
    }
  }
  world.report(state);
  state.counters["sent"] = static_cast<double>(sent) / static_cast<double>(state.iterations());
}
// As many on every machine: decisions of large pools are dearest once all groups are full.
BENCHMARK(saturated)->Args({3, 8})->Args({8, 8})->Args({200, 1000})->Iterations(100'000);

// Asked again while nothing has changed: what an idle wake-up costs.
void blocked(benchmark::State& state) {
  World world(8, 8, 60'000);
  for (std::size_t i = 0; i < waiting_rows; ++i) world.submit();
  for (Decision decision = world.scheduler.next(world.now); std::holds_alternative<Dispatch>(decision);
       decision = world.scheduler.next(world.now)) {
    world.out.push_back(std::move(std::get<Dispatch>(decision)));
  }
  for (auto _ : state) benchmark::DoNotOptimize(world.scheduler.next(world.now));
}
BENCHMARK(blocked);

void figures(benchmark::State& state) {
  World world(static_cast<std::uint32_t>(state.range(0)), static_cast<std::uint32_t>(state.range(1)), 60'000);
  for (auto _ : state) benchmark::DoNotOptimize(world.scheduler.figures(world.now));
}
BENCHMARK(figures)->Args({8, 8})->Args({200, 1000});

}  // namespace
}  // namespace batchrun

BENCHMARK_MAIN();
