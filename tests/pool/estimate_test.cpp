#include "pool/estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace batchrun {
namespace {

TEST(Estimate, StartsAtWhatItIsTold) {
  const Estimate estimate;
  EXPECT_EQ(estimate.input(100), 100);
  EXPECT_EQ(estimate.input(100.2), 101);
  EXPECT_EQ(estimate.input(0), 1);
  EXPECT_EQ(estimate.ratio(), 1);
}

TEST(Estimate, LearnsTheRatioInFiftyRows) {
  for (const double truth : {0.5, 0.8, 1.3, 2.5}) {
    std::mt19937_64 random(3);
    Estimate estimate;
    for (int i = 0; i < 50; ++i) {
      const double estimated = static_cast<double>(50 + random() % 3000);
      estimate.learn_input(estimated, std::round(estimated * truth));
    }
    EXPECT_NEAR(estimate.ratio(), truth, 0.05 * truth);
  }
}

TEST(Estimate, FollowsAChange) {
  Estimate estimate;
  for (int i = 0; i < 500; ++i) estimate.learn_input(100, 200);
  for (int i = 0; i < 500; ++i) estimate.learn_input(100, 80);
  EXPECT_NEAR(estimate.ratio(), 0.8, 0.01);
}

TEST(Estimate, AbsurdReportsAreIgnoredOrBounded) {
  Estimate estimate;
  estimate.learn_input(0, 10);
  estimate.learn_input(10, 0);
  estimate.learn_input(-1, 10);
  estimate.learn_input(std::numeric_limits<double>::quiet_NaN(), 10);
  EXPECT_EQ(estimate.ratio(), 1);
  for (int i = 0; i < 100; ++i) estimate.learn_input(1, 1e9);
  EXPECT_EQ(estimate.ratio(), 4);
  EXPECT_EQ(estimate.input(1e300), 1e15);
}

TEST(Estimate, OutputIsTheMeanAndATenthButNotMoreThanTheMaximum) {
  Estimate estimate;
  EXPECT_EQ(estimate.output(0), 512);
  EXPECT_EQ(estimate.output(64), 64);
  for (int i = 0; i < 300; ++i) estimate.learn_output(200);
  EXPECT_NEAR(estimate.output(64'000), 220, 1);
  EXPECT_NEAR(estimate.output(0), 220, 1);
  EXPECT_EQ(estimate.output(100), 100);
}

}  // namespace
}  // namespace batchrun
