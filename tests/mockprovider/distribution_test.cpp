#include "bench/mockprovider/distribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace batchrun::mock {
namespace {

std::vector<double> draws_ms(const Distribution& distribution) {
  Random random(7);
  std::vector<double> out;
  for (int i = 0; i < 10'000; ++i) out.push_back(in_seconds(distribution.draw(random)) * 1e3);
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Distribution, FixedIsFixed) {
  const auto ms = draws_ms({.kind = Distribution::Kind::fixed, .a_ms = 40});
  EXPECT_EQ(ms.front(), 40);
  EXPECT_EQ(ms.back(), 40);
}

TEST(Distribution, UniformFillsItsRange) {
  const auto ms = draws_ms({.kind = Distribution::Kind::uniform, .a_ms = 10, .b = 30});
  EXPECT_GE(ms.front(), 10);
  EXPECT_LE(ms.back(), 30);
  EXPECT_NEAR(ms[5000], 20, 1);
}

TEST(Distribution, LognormalHasItsMedianSpreadAndCap) {
  const auto ms = draws_ms({.kind = Distribution::Kind::lognormal, .a_ms = 400, .b = 0.5, .max_ms = 2000});
  EXPECT_NEAR(ms[5000], 400, 20);
  EXPECT_NEAR(ms[8413], 400 * 1.6487, 40);  // one sigma up: e^0.5
  EXPECT_LE(ms.back(), 2000);
}

TEST(Distribution, KnowsWhenItIsAlwaysZero) {
  EXPECT_TRUE(Distribution{}.is_zero());
  EXPECT_FALSE((Distribution{.kind = Distribution::Kind::uniform, .a_ms = 0, .b = 1}.is_zero()));
  EXPECT_FALSE((Distribution{.a_ms = 1}.is_zero()));
}

}  // namespace
}  // namespace batchrun::mock
