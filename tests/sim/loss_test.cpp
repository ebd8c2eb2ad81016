// Why a run was slower than its quotas allow: each cause alone, told as that cause and as much as it was.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "tests/sim/sim_pool.h"

namespace batchrun::sim {
namespace {

constexpr double requests_per_minute = 600, tokens_per_minute = 60'000;

// Organisations alike, and so many rows of 100 tokens that they take them ten minutes.
Plan plan_of(std::size_t organisations, double tokens = 100) {
  Plan plan;
  plan.seed = 3;
  plan.check_limits = false;
  LaneSpec lane{.name = "lane", .candidates = {}};
  for (std::uint32_t g = 0; g < organisations; ++g) {
    GroupSpec group{.name = fmt::format("org-{}", g), .limits = {}};
    group.limits[1] = tokens_per_minute;
    plan.pool.groups.push_back(group);
    plan.organisations.push_back({.limiter = LimiterKind::token_bucket});
    plan.pool.keys.push_back({.alias = fmt::format("key-{}", g), .group = {g}});
    plan.dead_keys.push_back(false);
    lane.candidates.push_back({.key = {g}});
  }
  plan.lanes.push_back(lane);
  const double rows = 10 * tokens_per_minute / tokens * static_cast<double>(organisations);
  for (int i = 0; i < static_cast<int>(rows); ++i) {
    RowPlan row;
    row.actual_input = row.estimated_input = tokens;
    plan.rows.push_back(row);
  }
  return plan;
}

// The figures of a run; that they sum up, and what the rows needed at best is told by the rows themselves.
QuotaFigures figures_of(const Plan& plan, const char* what, double least_off = 0.005) {
  const Verdict verdict = SimPool(plan).run();
  for (const std::string& violation : verdict.violations) ADD_FAILURE() << violation;
  EXPECT_TRUE(verdict.drained);
  if (!verdict.figures.quota) {
    ADD_FAILURE() << "no figures";
    return {};
  }
  const QuotaFigures figures = *verdict.figures.quota;
  std::string line = fmt::format("{:<16} {:5.1f} % of the best", what, figures.efficiency() * 100);
  for (std::size_t cause = 0; cause < loss_causes; ++cause) {
    EXPECT_GE(figures.lost[cause], -1e-12);
    if (figures.lost[cause] < 0.0005) continue;
    line += fmt::format(", {:.2f} % {}", figures.lost[cause] * 100, name(static_cast<LossCause>(cause)));
  }
  std::printf("%s\n", line.c_str());
  EXPECT_NEAR(std::accumulate(figures.lost.begin(), figures.lost.end(), figures.efficiency()), 1, 1e-9);
  double tokens = 0, per_minute = 0;
  for (const RowPlan& row : plan.rows) tokens += row.actual_input + row.max_output;
  for (const GroupSpec& group : plan.pool.groups) per_minute += *group.limits[1];
  EXPECT_NEAR(seconds(figures.least), tokens / per_minute * 60, least_off * seconds(figures.least));
  EXPECT_NEAR(seconds(figures.took), verdict.end_s, 0.5);
  return figures;
}

// What was lost to `cause` is `share` of the run, and to all others together little.
void expect_loss(const QuotaFigures& figures, LossCause cause, double share, double off, double others) {
  const double lost = of(figures.lost, cause);
  EXPECT_NEAR(lost, share, off) << name(cause);
  EXPECT_LE(1 - figures.efficiency() - lost, others);
}

TEST(Losses, ARunWithoutTroubleLosesLittle) {
  const QuotaFigures figures = figures_of(plan_of(3), "no trouble");
  EXPECT_GE(figures.efficiency(), 0.985);
  EXPECT_EQ(figures.dimension, Dimension::tokens_per_minute);
  // The window is kept for a quarter of a second more than a minute, and its mirror rounds by 50 ms.
  EXPECT_NEAR(of(figures.lost, LossCause::guard), 0.3 / 60.3, 0.002);
}

TEST(Losses, AnOutageIsTold) {
  Plan plan = plan_of(3);
  plan.organisations[1].down_from_s = 120;
  plan.organisations[1].down_to_s = 330;
  const QuotaFigures figures = figures_of(plan, "outage");
  expect_loss(figures, LossCause::outage, 210.0 / 3 / seconds(figures.took), 0.02, 0.02);
}

TEST(Losses, AKeyThatIsOutForGoodIsAnOutage) {
  Plan plan = plan_of(2);
  plan.dead_keys[0] = true;
  expect_loss(figures_of(plan, "dead key"), LossCause::outage, 0.5, 0.02, 0.02);
}

TEST(Losses, UseByOthersIsTold) {
  for (const bool says_limits : {true, false}) {
    Plan plan = plan_of(2);
    for (OrganisationPlan& organisation : plan.organisations) {
      organisation.foreign = 0.5;
      organisation.says_limits = says_limits;
      organisation.limiter = LimiterKind::sliding_log;
    }
    expect_loss(figures_of(plan, says_limits ? "foreign, said" : "foreign"), LossCause::foreign, 0.48, 0.06,
                0.06);
  }
}

// A row fills more than half of a minute: another does not fit beside it.
TEST(Losses, HugeRowsAreToldAsPacking) {
  const QuotaFigures figures = figures_of(plan_of(2, 0.6 * tokens_per_minute), "huge rows");
  expect_loss(figures, LossCause::packing, 0.37, 0.06, 0.08);
}

// Six open requests of two seconds on average carry 180 a minute of the 1,200.
TEST(Losses, TooFewOpenRequestsAreToldAsClient) {
  Plan plan = plan_of(2);
  plan.pool.settings.max_in_flight = 6;
  plan.send_delay_from_s = plan.send_delay_to_s = 0;
  expect_loss(figures_of(plan, "few open"), LossCause::client, 1 - 180.0 / 1200, 0.02, 0.01);
}

TEST(Losses, RowsThatComeTooSlowlyAreToldAsClient) {
  Plan plan = plan_of(2);
  for (std::size_t row = 0; row < plan.rows.size(); ++row) {
    plan.rows[row].arrives_s = static_cast<double>(row) / 10;  // 600 a minute
  }
  expect_loss(figures_of(plan, "slow input"), LossCause::client, 0.5, 0.02, 0.02);
}

// One request of three minutes at the end.
TEST(Losses, WaitingForTheLastAnswerIsTail) {
  Plan plan = plan_of(2);
  plan.service_s = 60;
  plan.pool.settings.max_in_flight = 100'000;
  const QuotaFigures figures = figures_of(plan, "slow answers");
  expect_loss(figures, LossCause::tail, 1 - 602 / seconds(figures.took), 0.02, 0.02);
}

// No row costs what it was thought to: half of them far less, half of them far more. What they need at best
// is told by what the last 64 of them cost: in a single run that is off by up to a tenth.
TEST(Losses, ReservationsThatAreNotChargedAreEstimation) {
  constexpr int seeds = 16;
  double least_s = 0;
  Losses mean{};
  for (int seed = 1; seed <= seeds; ++seed) {
    Plan plan = plan_of(2);
    plan.seed = static_cast<std::uint64_t>(seed);
    plan.service_s = 20;
    plan.pool.settings.max_in_flight = 100'000;
    for (std::size_t row = 0; row < plan.rows.size(); ++row)
      plan.rows[row].actual_input = row % 2 == 0 ? 20 : 180;
    const QuotaFigures figures = figures_of(plan, "wild estimates", 0.15);
    least_s += seconds(figures.least) / seeds;
    for (std::size_t cause = 0; cause < loss_causes; ++cause) mean[cause] += figures.lost[cause] / seeds;
  }
  EXPECT_NEAR(least_s, 600, 25);
  EXPECT_GE(of(mean, LossCause::estimation), 0.02);
  EXPECT_LE(of(mean, LossCause::packing), 0.015);
}

// Half the sum of both limits is unused where rows need but one of them, and the certificate asks no more.
TEST(Losses, WhatNoRowNeedsIsNoLoss) {
  Plan plan = plan_of(2);
  for (GroupSpec& group : plan.pool.groups) group.limits[0] = 10 * requests_per_minute;
  EXPECT_GE(figures_of(plan, "idle limit").efficiency(), 0.985);
}

}  // namespace
}  // namespace batchrun::sim
