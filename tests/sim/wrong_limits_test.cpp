// Limits that are not what they were said to be: unknown, halved, or shared with somebody else.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "tests/sim/sim_pool.h"

namespace batchrun::sim {
namespace {

constexpr double requests_per_minute = 600;

// One group, rows of one size, more of them than can go.
Plan world(LimiterKind limiter, double minutes) {
  Plan plan;
  plan.seed = 5;
  plan.stop_after_s = minutes * 60;
  plan.check_limits = false;  // the limits told are wrong
  GroupSpec group{.name = "org", .limits = {}};
  group.limits[0] = requests_per_minute;
  plan.pool.groups.push_back(group);
  plan.pool.settings.jitter = std::chrono::milliseconds(200);
  plan.organisations.push_back({.limiter = limiter});
  plan.pool.keys.push_back({.alias = "key", .group = {0}});
  plan.dead_keys.resize(1);
  plan.lanes.push_back({.name = "lane", .candidates = {{.key = {0}}}});
  plan.rows.resize(static_cast<std::size_t>(requests_per_minute * minutes * 1.2));
  return plan;
}

double sum(const std::vector<double>& values, std::size_t from, std::size_t to) {
  to = std::min(to, values.size());
  return from >= to ? 0
                    : std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(from),
                                      values.begin() + static_cast<std::ptrdiff_t>(to), 0.0);
}

struct Shares {
  double used, too_many;
};

Shares shares(const Verdict& verdict, double limit, std::size_t from, std::size_t to) {
  const double good = sum(verdict.requests_by_minute, from, to);
  const double refused = sum(verdict.too_many_by_minute, from, to);
  return {good / (limit * static_cast<double>(to - from)), refused / (good + refused)};
}

class WrongLimits : public testing::TestWithParam<LimiterKind> {};

TEST_P(WrongLimits, AnUnknownOneIsFound) {
  constexpr std::size_t minutes = 30;
  Plan plan = world(GetParam(), minutes);
  plan.pool.groups[0].limits = {};
  plan.pool.groups[0].search_limits = true;
  plan.organisations[0].limits[0] = requests_per_minute;
  const Verdict verdict = SimPool(plan).run();
  for (const std::string& what : verdict.violations) ADD_FAILURE() << what;
  const Shares later = shares(verdict, requests_per_minute, 2, minutes);
  const Shares all = shares(verdict, requests_per_minute, 0, minutes);
  fmt::print("{:<17} unknown: used {:.2f} % from minute 3 on, 429s {:.3f} %\n", name(GetParam()),
             later.used * 100, all.too_many * 100);
  EXPECT_GE(later.used, 0.95);
  EXPECT_LE(all.too_many, 0.01);
}

TEST_P(WrongLimits, AHalvedOneIsFollowed) {
  for (const bool says : {true, false}) {
    Plan plan = world(GetParam(), 15);
    plan.organisations[0].says_limits = says;
    plan.organisations[0].limits_change_at_s = 300;
    plan.organisations[0].limits_change_by = 0.5;
    const Verdict verdict = SimPool(plan).run();
    for (const std::string& what : verdict.violations) ADD_FAILURE() << what;
    const Shares later = shares(verdict, requests_per_minute / 2, 6, 15);
    // Rows sent for the first time in the minute that begins 10 s after the change.
    const auto soon = std::count_if(verdict.first_sent_at_s.begin(), verdict.first_sent_at_s.end(),
                                    [](double at_s) { return at_s >= 310 && at_s < 370; });
    fmt::print("{:<17} halved, {}: {} sent 10 to 70 s later, then used {:.2f} %, 429s {:.3f} %\n",
               name(GetParam()), says ? "said" : "not said", soon, later.used * 100, later.too_many * 100);
    // A bucket that is not empty yet refuses nothing, so there is nothing to follow.
    if (says || GetParam() != LimiterKind::token_bucket) {
      EXPECT_LE(static_cast<double>(soon), 1.05 * requests_per_minute / 2);
    }
    EXPECT_GE(later.used, says ? 0.99 : 0.9);
    EXPECT_LE(later.too_many, says ? 0 : 0.01);
  }
}

TEST_P(WrongLimits, UseByOthersIsMadeRoomFor) {
  Plan plan = world(GetParam(), 20);
  plan.organisations[0].says_limits = true;
  plan.organisations[0].foreign = 0.5;
  const Verdict verdict = SimPool(plan).run();
  for (const std::string& what : verdict.violations) ADD_FAILURE() << what;
  const Shares all = shares(verdict, requests_per_minute / 2, 0, 20);
  fmt::print("{:<17} half used by others: used {:.2f} % of the rest, 429s {:.3f} %\n", name(GetParam()),
             all.used * 100, all.too_many * 100);
  EXPECT_LE(all.too_many, 0.01);
  EXPECT_GE(all.used, 0.98);
}

// What such servers say remains is not what a window would have left; nobody else has sent anything.
TEST(RightLimits, AreUsedWhateverSaysWhatRemains) {
  for (const LimiterKind limiter :
       {LimiterKind::fixed_window, LimiterKind::from_first, LimiterKind::sliding_log,
        LimiterKind::sliding_counter, LimiterKind::token_bucket, LimiterKind::second_bucket,
        LimiterKind::ten_seconds, LimiterKind::one_second}) {
    Plan plan = world(limiter, 15);
    plan.organisations[0].says_limits = true;
    if (limiter == LimiterKind::ten_seconds) plan.pool.groups[0].slice = std::chrono::seconds(10);
    if (limiter == LimiterKind::one_second) plan.pool.groups[0].slice = std::chrono::seconds(1);
    const Verdict verdict = SimPool(plan).run();
    for (const std::string& what : verdict.violations) ADD_FAILURE() << what;
    const Shares all = shares(verdict, requests_per_minute, 0, 15);
    fmt::print("{:<17} right, and says what remains: used {:.2f} %, 429s {:.3f} %\n", name(limiter),
               all.used * 100, all.too_many * 100);
    EXPECT_GE(all.used, limiter == LimiterKind::one_second ? 0.83 : 0.965);
    EXPECT_LE(all.too_many, 0.003);
  }
}

INSTANTIATE_TEST_SUITE_P(Limiters, WrongLimits,
                         testing::Values(LimiterKind::fixed_window, LimiterKind::sliding_log,
                                         LimiterKind::token_bucket));

}  // namespace
}  // namespace batchrun::sim
