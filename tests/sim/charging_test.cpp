// Each way in which providers count tokens, against a server that counts so.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "tests/sim/sim_pool.h"

namespace batchrun::sim {
namespace {

constexpr double minutes = 10;

struct Provider {
  const char* name;
  std::array<std::optional<double>, dimensions> limits;
  LimiterKind limiter;
  OutputCounts output;
  bool cached_counts;
  Charging charging;  // as the pool is told
  double least_used = 0.98;
};

const Charging input_only{.output = Charging::Output::free};
const Charging produced{.output = Charging::Output::produced};
const Charging produced_uncached{Charging::Output::produced, true};
const Charging reserved_uncached{Charging::Output::reserved, true};

// Of the small quota some 4 answers are in flight, and twice their deviation is 4 % of its minute.
const Provider providers[] = {
    {"reserves max_tokens", {600, 400'000}, LimiterKind::sliding_log, OutputCounts::max_at_start, true, {}},
    {"the same, cached input free",
     {600, 400'000},
     LimiterKind::token_bucket,
     OutputCounts::max_at_start,
     false,
     reserved_uncached},
    {"input only", {600, 60'000}, LimiterKind::fixed_window, OutputCounts::never, true, input_only},
    {"output as produced",
     {4'000, {}, 2'000'000, 400'000},
     LimiterKind::token_bucket,
     OutputCounts::actual_at_end,
     true,
     produced},
    {"the same, in all tokens",
     {4'000, 1'200'000},
     LimiterKind::token_bucket,
     OutputCounts::actual_at_end,
     true,
     produced},
    {"the same, cached input free",
     {4'000, {}, 400'000, 2'000'000},
     LimiterKind::token_bucket,
     OutputCounts::actual_at_end,
     false,
     produced_uncached},
    {"output of a small quota",
     {600, {}, 200'000, 40'000},
     LimiterKind::token_bucket,
     OutputCounts::actual_at_end,
     true,
     produced,
     0.93},
};

// Rows of 600 input tokens on average, half of them read from a cache, and 300 of output; both spread widely.
Plan plan_for(const Provider& provider, const Charging& charging) {
  Plan plan;
  plan.seed = 5;
  plan.stop_after_s = minutes * 60;
  plan.pool.groups.push_back({.name = "org", .limits = provider.limits, .charging = charging});
  plan.organisations.push_back({.limiter = provider.limiter,
                                .output_counts = provider.output,
                                .cached_input_counts = provider.cached_counts});
  plan.pool.keys.push_back({.alias = "key", .group = {0}});
  plan.dead_keys.push_back(false);
  plan.lanes.push_back({.name = "lane", .candidates = {{.key = {0}}}});
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> input(std::log(600.0) - 0.32, 0.8), output(std::log(300.0) - 0.5, 1.0);
  for (int i = 0; i < static_cast<int>(1'600 * minutes); ++i) {
    RowPlan row;
    row.actual_input = std::ceil(input(random));
    row.estimated_input = std::ceil(row.actual_input / 1.2);
    row.cached = i % 3 == 0 ? 0 : std::floor(0.75 * row.actual_input);
    row.max_output = 2'000;
    row.output = std::min(2'000.0, std::ceil(output(random)));
    plan.rows.push_back(row);
  }
  return plan;
}

// The greatest share of a limit that the server counted, and of requests answered 429.
struct Shares {
  double used = 0, too_many = 0;
};

Shares run(const Provider& provider, const Charging& charging) {
  const Verdict verdict = SimPool(plan_for(provider, charging)).run();
  for (const std::string& what : verdict.violations) ADD_FAILURE() << what;
  Shares shares{.too_many = static_cast<double>(verdict.too_many) / static_cast<double>(verdict.sends)};
  for (std::size_t d = 0; d < 4; ++d) {
    if (!provider.limits[d]) continue;
    shares.used = std::max(shares.used, verdict.counted[0][d] / *provider.limits[d] / minutes);
  }
  std::printf("%-28s used %6.2f %%  429s %.3f %%  (%lu requests)\n", provider.name, shares.used * 100,
              shares.too_many * 100, static_cast<unsigned long>(verdict.sends));
  return shares;
}

TEST(ChargingInSimulation, EachWayOfCountingIsUsedToTheLimitAndNotBeyond) {
  for (const Provider& provider : providers) {
    SCOPED_TRACE(provider.name);
    const Shares shares = run(provider, provider.charging);
    EXPECT_GE(shares.used, provider.least_used);
    EXPECT_LE(shares.too_many, 0.001);
  }
}

// What it costs to be told nothing of it: this is the safe side of every other way.
TEST(ChargingInSimulation, ReservingMaxTokensWhereTheyDoNotCountLeavesMostOfTheQuota) {
  for (const Provider& provider : providers) {
    if (provider.output == OutputCounts::max_at_start) continue;
    SCOPED_TRACE(provider.name);
    EXPECT_LE(run(provider, {}).used, 0.5);
  }
}

}  // namespace
}  // namespace batchrun::sim
