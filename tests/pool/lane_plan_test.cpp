#include "pool/lane_plan.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(LanePlan, WithoutWaysItIsNone) {
  LanePlan plan;
  EXPECT_FALSE(plan.active());
  plan.renew({0, 0});
  EXPECT_TRUE(plan.active());
  plan.clear();
  EXPECT_FALSE(plan.active());
}

TEST(LanePlan, AKindSuitsWhereItHasAPartAndEverywhereUntilItIsKnown) {
  LanePlan plan;
  plan.renew({0, 0});
  EXPECT_TRUE(plan.suits(0, 5));
  plan.know(5);
  plan.give(1, 5, 100, 0.5);
  EXPECT_FALSE(plan.suits(0, 5));
  EXPECT_TRUE(plan.suits(1, 5));
  plan.renew({0, 0});
  EXPECT_TRUE(plan.suits(0, 5));
}

TEST(LanePlan, CreditGrowsWithTheGroupAndFallsWithTheKind) {
  LanePlan plan;
  plan.renew({100});
  plan.give(0, 5, 30, 0.25);
  EXPECT_NEAR(plan.credit(0, 5, 108), 2, 1e-6);
  plan.sent(0, 5);
  EXPECT_NEAR(plan.credit(0, 5, 108), 1, 1e-6);
  plan.raise(0, 0.5);
  EXPECT_NEAR(plan.credit(0, 5, 108), 1.5, 1e-6);
}

TEST(LanePlan, CreditIsKeptFromPlanToPlanWithinBounds) {
  LanePlan plan;
  plan.renew({0});
  plan.give(0, 5, 30, 0.5);
  plan.renew({6});
  EXPECT_NEAR(plan.credit(0, 5, 6), 3, 1e-6);
  plan.give(0, 5, 30, 0.5);
  plan.renew({1000});
  EXPECT_NEAR(plan.credit(0, 5, 1000), LanePlan::most_behind, 1e-6);
  for (int i = 0; i < 100; ++i) plan.sent(0, 5);
  plan.renew({1000});
  EXPECT_LT(plan.credit(0, 5, 1000), -LanePlan::most_ahead) << "and does not go on at once";
  EXPECT_GE(plan.credit(0, 5, 1000), -LanePlan::most_ahead - 1);
}

TEST(LanePlan, AWayMayTakeWhatSuitsItUntilThatIsAhead) {
  LanePlan plan;
  plan.renew({0});
  const std::uint64_t number = plan.number();
  EXPECT_EQ(plan.credit_if_suited(0, 5, 0), 0) << "not known yet: suits every way";
  plan.know(5);
  EXPECT_EQ(plan.credit_if_suited(0, 5, 0), LanePlan::unsuited);
  plan.give(0, 5, 30, 0.5);
  EXPECT_EQ(plan.credit_if_suited(0, 5, 0), 0);
  plan.sent(0, 5);
  EXPECT_EQ(plan.credit_if_suited(0, 5, 0), LanePlan::unsuited);
  EXPECT_EQ(plan.credit_if_suited(0, 5, 1), -0.5);
  EXPECT_EQ(plan.number(), number) << "still the same plan";
  plan.renew({1});
  EXPECT_NE(plan.number(), number);
}

}  // namespace
}  // namespace batchrun
