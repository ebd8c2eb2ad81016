#include "pool/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace batchrun {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(Histogram, NothingCountedGivesZeros) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0U);
  EXPECT_EQ(empty.percentile(50), Duration::zero());
  EXPECT_EQ(empty.max(), Duration::zero());
  EXPECT_EQ(empty.mean(), Duration::zero());
}

// Values of all sizes against the sorted list of them.
TEST(Histogram, PercentilesAreWithinThreePercentOfTheSortedList) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> exponent(std::log(32e3), std::log(7200e9));
  for (const std::size_t n : {1U, 2U, 10U, 1000U, 20000U}) {
    Histogram histogram;
    std::vector<Duration> sorted;
    double sum_s = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const Duration value(static_cast<Duration::rep>(std::exp(exponent(random))));
      histogram.record(value);
      sorted.push_back(value);
      sum_s += seconds(value);
    }
    std::sort(sorted.begin(), sorted.end());
    for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0}) {
      const auto rank = std::max<std::size_t>(
          1, static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(n))));
      const double exact_s = seconds(sorted[rank - 1]);
      EXPECT_NEAR(seconds(histogram.percentile(percent)), exact_s, 0.016 * exact_s) << percent << " of " << n;
    }
    EXPECT_EQ(histogram.max(), sorted.back());
    EXPECT_EQ(histogram.count(), n);
    EXPECT_NEAR(seconds(histogram.mean()), sum_s / static_cast<double>(n), 1e-6);
  }
}

TEST(Histogram, EveryMicrosecondLandsNearItself) {
  for (std::int64_t us = 0; us < 70'000; ++us) {
    Histogram one;
    one.record(microseconds(us));
    one.record(milliseconds(1000));  // keeps the percentile from being the exact maximum
    const double off_us = std::abs(seconds(one.percentile(50)) * 1e6 - static_cast<double>(us));
    ASSERT_LE(off_us, std::max(0.51, 0.016 * static_cast<double>(us))) << us;
  }
}

TEST(Histogram, MergingIsLikeCountingTogether) {
  std::mt19937_64 random(2);
  Histogram a, b, both;
  for (int i = 0; i < 5000; ++i) {
    const Duration value(static_cast<Duration::rep>(random() % 10'000'000'000));
    (i % 3 == 0 ? a : b).record(value);
    both.record(value);
  }
  a.merge(b);
  a.merge(Histogram());
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.max(), both.max());
  for (double percent = 0; percent <= 100; percent += 2.5) {
    EXPECT_EQ(a.percentile(percent), both.percentile(percent));
  }
}

TEST(Histogram, AbsurdValuesDoNoHarm) {
  Histogram histogram;
  histogram.record(Duration(-5));
  histogram.record(Duration::max());
  EXPECT_EQ(histogram.percentile(-3), Duration::zero());
  EXPECT_EQ(histogram.percentile(250), Duration::max());
}

}  // namespace
}  // namespace batchrun
