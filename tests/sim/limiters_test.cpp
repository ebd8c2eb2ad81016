// Each way of enforcing a limit against the one way of staying below it.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include <fmt/format.h>

#include "tests/sim/sim_pool.h"

namespace batchrun::sim {
namespace {

constexpr double minutes = 30;
constexpr double requests_per_minute = 600, tokens_per_minute = 100'000;
constexpr double largest_row = 0.08 * tokens_per_minute;

struct World {
  LimiterKind limiter;
  double jitter_s = 0.2;  // delays are 20 ms to that much more
  std::uint64_t seed = 1;
  bool says_limits = false;  // replies tell what remains
};

// Log-normal sizes of 936 tokens on average, or rows so small that requests are what binds.
Plan one_group(const World& world, bool small_rows) {
  Plan plan;
  plan.seed = world.seed;
  plan.stop_after_s = minutes * 60;
  plan.send_delay_to_s = plan.send_delay_from_s + world.jitter_s;
  GroupSpec group{.name = "org", .limits = {}};
  group.limits[0] = small_rows ? requests_per_minute : 6000;
  group.limits[1] = tokens_per_minute;
  if (world.limiter == LimiterKind::ten_seconds) group.slice = std::chrono::seconds(10);
  if (world.limiter == LimiterKind::one_second) group.slice = std::chrono::seconds(1);
  plan.pool.groups.push_back(group);
  plan.pool.settings.jitter = from_seconds(world.jitter_s);
  plan.organisations.push_back(
      {.limiter = world.limiter, .largest = {1, largest_row, largest_row, largest_row}});
  plan.organisations[0].says_limits = world.says_limits;
  LaneSpec lane{.name = "lane", .candidates = {}};
  for (std::uint32_t k = 0; k < 2; ++k) {
    plan.pool.keys.push_back({.alias = fmt::format("key-{}", k), .group = {0}});
    lane.candidates.push_back({.key = {k}});
  }
  plan.dead_keys.resize(2);
  plan.lanes.push_back(lane);
  std::mt19937_64 random(world.seed);
  std::lognormal_distribution<double> size(std::log(600), 0.95);
  for (int i = 0; i < (small_rows ? requests_per_minute : 110) * minutes * 1.2; ++i) {
    const double tokens = small_rows ? 60 + static_cast<double>(random() % 40)
                                     : std::clamp(std::round(size(random)), 20.0, largest_row);
    RowPlan row;
    row.max_output = std::floor(tokens / 3);
    row.actual_input = row.estimated_input = tokens - row.max_output;
    row.output = row.max_output;
    plan.rows.push_back(row);
  }
  return plan;
}

struct Shares {
  double used, too_many;
};

Shares run(const World& world, bool small_rows) {
  const Verdict verdict = SimPool(one_group(world, small_rows)).run();
  for (const std::string& what : verdict.violations) ADD_FAILURE() << what;
  const Shares shares{.used = std::max(verdict.used[0] / tokens_per_minute,
                                       verdict.requests[0] / requests_per_minute * small_rows) /
                              minutes,
                      .too_many = static_cast<double>(verdict.too_many) / static_cast<double>(verdict.sends)};
  fmt::print("{:<17} {:<8} used {:6.2f} %  429s {:.3f} %  ({} of {} requests)\n", name(world.limiter),
             small_rows ? "requests" : "tokens", shares.used * 100, shares.too_many * 100, verdict.too_many,
             verdict.sends);
  return shares;
}

// The mean of some seeds.
Shares mean_of_seeds(LimiterKind limiter, bool small_rows) {
  Shares mean{0, 0};
  const int seeds = small_rows ? 2 : 8;  // small rows differ little
  for (int seed = 1; seed <= seeds; ++seed) {
    const Shares shares = run({.limiter = limiter, .seed = static_cast<std::uint64_t>(seed)}, small_rows);
    mean.used += shares.used / seeds;
    mean.too_many += shares.too_many / seeds;
  }
  fmt::print("{:<17} {:<8} mean {:6.2f} %  429s {:.3f} %\n", name(limiter),
             small_rows ? "requests" : "tokens", mean.used * 100, mean.too_many * 100);
  return mean;
}

class Limiters : public testing::TestWithParam<LimiterKind> {};

struct Target {
  double used, too_many;
};

// Windows that the mirror copies exactly and buckets of a minute; servers that are told from those only by
// what they refuse; and slices of a second, of which the spread of delays leaves 1 in 1.2.
Target target(LimiterKind limiter) {
  switch (limiter) {
    case LimiterKind::fixed_window:
    case LimiterKind::from_first:
    case LimiterKind::sliding_log:
    case LimiterKind::token_bucket:
      return {0.99, 0};
    case LimiterKind::sliding_counter:
    case LimiterKind::second_bucket:
    case LimiterKind::ten_seconds:
      return {0.965, 0.003};
    case LimiterKind::one_second:
      return {0.83, 0.003};
  }
  return {1, 0};
}

TEST_P(Limiters, TokensAreUsed) {
  const Shares shares = mean_of_seeds(GetParam(), false);
  EXPECT_GE(shares.used, target(GetParam()).used);
  EXPECT_LE(shares.too_many, target(GetParam()).too_many);
}

TEST_P(Limiters, RequestsAreUsed) {
  const Shares shares = mean_of_seeds(GetParam(), true);
  EXPECT_GE(shares.used, target(GetParam()).used);
  EXPECT_LE(shares.too_many, target(GetParam()).too_many);
}

// What remains is not what a window would have left where the server keeps a small bucket or slices.
TEST_P(Limiters, TokensAreUsedWhateverRepliesSay) {
  for (const std::uint64_t seed : {1U, 2U}) {
    const Shares shares = run({.limiter = GetParam(), .seed = seed, .says_limits = true}, false);
    EXPECT_GE(shares.used, target(GetParam()).used - 0.035);
    EXPECT_LE(shares.too_many, target(GetParam()).too_many + 0.003);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Limiters,
                         testing::Values(LimiterKind::fixed_window, LimiterKind::from_first,
                                         LimiterKind::sliding_log, LimiterKind::sliding_counter,
                                         LimiterKind::token_bucket, LimiterKind::second_bucket,
                                         LimiterKind::ten_seconds, LimiterKind::one_second));

}  // namespace
}  // namespace batchrun::sim
