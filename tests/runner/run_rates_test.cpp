#include "runner/run_rates.h"

#include <gtest/gtest.h>

#include "tests/support/sample_figures.h"

namespace batchrun {
namespace {

TEST(RunRates, EstimateTheTotalFromBytesUntilTheInputHasEnded) {
  RunFigures figures = sample_figures();
  EXPECT_EQ(rates(figures).total, 10'000u);
  EXPECT_FALSE(rates(figures).total_is_exact);
  figures.input_ended = true;
  EXPECT_EQ(rates(figures).total, 5000u);
  EXPECT_TRUE(rates(figures).total_is_exact);
  figures.input_ended = false;
  figures.input_bytes_total = 0;
  EXPECT_EQ(rates(figures).total, std::nullopt) << "a pipe";
  EXPECT_EQ(rates(figures).left, std::nullopt);
}

TEST(RunRates, CountThisRunsRowsOnly) {
  const RunRates now = rates(sample_figures());
  EXPECT_EQ(now.done, 4210u);
  EXPECT_NEAR(now.rows_per_second, 60, 0.01);
  EXPECT_NEAR(now.tokens_per_minute, 360'000, 1);
  EXPECT_NEAR(seconds(now.left.value()), 5790 / 60.0, 0.01);
  EXPECT_NEAR(now.budget_share.value(), 0.75, 1e-9);
  RunFigures young = sample_figures();
  young.elapsed = std::chrono::seconds(50);
  EXPECT_NEAR(rates(young).budget_share.value(), 0.75 * 60 / 50, 1e-9);
  young.elapsed = std::chrono::seconds(20);
  EXPECT_EQ(rates(young).budget_share.value(), 1);
  const RunRates nothing = rates(RunFigures{});
  EXPECT_EQ(nothing.rows_per_second, 0);
  EXPECT_EQ(nothing.budget_share, std::nullopt);
}

TEST(RunRates, ComparesUseWithGrants) {
  const RunFigures figures = sample_figures();
  const GroupFigures& group = figures.pool.groups[0];
  EXPECT_NEAR(quota_use(group, Dimension::requests_per_minute, figures.elapsed)->used, 450, 1e-6);
  EXPECT_NEAR(quota_use(group, Dimension::tokens_per_minute, figures.elapsed)->share(), 0.75, 1e-9);
  EXPECT_NEAR(quota_use(group, Dimension::requests_per_day, figures.elapsed)->share(), 0.43, 1e-9);
  EXPECT_FALSE(quota_use(group, Dimension::tokens_per_day, figures.elapsed));
  EXPECT_FALSE(quota_use(group, Dimension::requests_per_minute, std::chrono::milliseconds(500)));
}

}  // namespace
}  // namespace batchrun
