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

TEST(Estimate, InputReadFromACacheIsLearnedApart) {
  Estimate estimate;
  EXPECT_EQ(estimate.uncached_input(1000), 1000);
  for (int i = 0; i < 300; ++i) estimate.learn_input(100, 80, i % 4 == 0 ? 0 : 64);
  EXPECT_NEAR(estimate.input(1000), 800, 2);
  EXPECT_NEAR(estimate.uncached_input(1000), 800 * (1 - 0.75 * 0.8), 10);
  for (int i = 0; i < 300; ++i) estimate.learn_input(100, 80, 500);  // more than there was
  EXPECT_LE(estimate.uncached_input(1000), 10);
  EXPECT_EQ(estimate.uncached_input(0), 1);
}

TEST(Estimate, OutputIsTheMeanButNotMoreThanTheMaximum) {
  Estimate estimate;
  EXPECT_EQ(estimate.output(0), 512);
  EXPECT_EQ(estimate.output(64), 64);
  for (int i = 0; i < 300; ++i) estimate.learn_output(i % 2 == 0 ? 150 : 250);
  EXPECT_NEAR(estimate.output(64'000), 200, 2);
  EXPECT_NEAR(estimate.output(0), 200, 2);
  EXPECT_EQ(estimate.output(100), 100);
}

// Of n requests with output of mean mu and deviation sigma together, n mu + 2 sigma sqrt(n) are not enough
// once in some 40 times; twice the deviation for each would reserve far more.
TEST(Estimate, RequestsInFlightReserveTogetherWhatTheyNeedTogether) {
  struct Case {
    std::uint32_t in_flight;
    double low, high;  // of the lengths, evenly spread
  };
  for (const Case& c : {Case{1, 100, 300}, Case{4, 100, 300}, Case{25, 0, 1000}, Case{400, 0, 1000}}) {
    std::mt19937_64 random(c.in_flight);
    std::uniform_real_distribution<double> length(c.low, c.high);
    Estimate estimate;
    double replies = 0, sum = 0, squares = 0, reserved = 0;
    for (int i = 0; i < 20'000; ++i) {
      const double output = length(random);
      estimate.learn_output(output);
      ++replies, sum += output, squares += output * output;
      if (i >= 200) reserved += estimate.output_reserve(0, c.in_flight) / (20'000 - 200);
    }
    const double mean = sum / replies, deviation = std::sqrt(squares / replies - mean * mean);
    const double together = c.in_flight * mean + 2 * deviation * std::sqrt(c.in_flight);
    EXPECT_NEAR(c.in_flight * reserved, together, 0.03 * together) << c.in_flight;
    EXPECT_EQ(estimate.output_reserve(c.low + 1, c.in_flight), c.low + 1);
  }
}

TEST(Estimate, OneReplySaysNothingOfTheSpread) {
  Estimate estimate;
  estimate.learn_output(100);
  EXPECT_EQ(estimate.output_reserve(0, 1), 300);
  for (int i = 0; i < 500; ++i) estimate.learn_output(100);
  EXPECT_EQ(estimate.output_reserve(0, 1), 101);
}

}  // namespace
}  // namespace batchrun
