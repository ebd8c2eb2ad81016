#include "pool/token_bucket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace batchrun {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::hours(1)};

TEST(TokenBucket, LetsABurstOfOneSecondThroughThenTheRate) {
  TokenBucket bucket(10);
  TimePoint now = start;
  for (int i = 0; i < 10; ++i) {
    ASSERT_LE(bucket.ready_at(1), now) << i;
    bucket.take(1, now);
  }
  for (int i = 1; i <= 30; ++i) {
    now = bucket.ready_at(1);
    ASSERT_EQ(now, start + milliseconds(100) * i);
    bucket.take(1, now);
  }
}

TEST(TokenBucket, HoldsOneUnitHoweverSlowTheRate) {
  TokenBucket bucket(1.0 / 60);
  ASSERT_LE(bucket.ready_at(1), start);
  bucket.take(1, start);
  EXPECT_EQ(bucket.ready_at(1), start + std::chrono::seconds(60));
}

TEST(TokenBucket, GoesIntoDebtForALargeCostAndPaysItOff) {
  TokenBucket bucket(1000);
  ASSERT_LE(bucket.ready_at(4000), start);  // one unit is there
  bucket.take(4000, start);
  EXPECT_NEAR(bucket.level(start), -3000, 1e-6);
  EXPECT_EQ(bucket.ready_at(4000), start + milliseconds(3001));
  EXPECT_LE(bucket.ready_at(0), start);
}

TEST(TokenBucket, GivesBackButNotOverTheBrim) {
  TokenBucket bucket(1000);
  bucket.take(500, start);
  bucket.adjust(-200, start);
  EXPECT_NEAR(bucket.level(start), 700, 1e-6);
  bucket.adjust(-5000, start);
  bucket.take(0, start);
  EXPECT_NEAR(bucket.level(start), 1000, 1e-6);
  bucket.adjust(1500, start);
  EXPECT_NEAR(bucket.level(start), -500, 1e-6);
}

TEST(TokenBucket, DoesNotSaveMoreThanItsBrimDuringAPause) {
  TokenBucket bucket(100);
  bucket.take(100, start);
  EXPECT_NEAR(bucket.level(start + std::chrono::hours(5)), 100, 1e-6);
}

TEST(TokenBucket, ASmallerStartThanTheBrim) {
  TokenBucket bucket(100, std::chrono::seconds(6), std::chrono::seconds(1));
  bucket.take(1, start);
  EXPECT_NEAR(bucket.level(start), 99, 1e-6);
  EXPECT_NEAR(bucket.level(start + std::chrono::minutes(1)), 600, 1e-6);
}

// Against a level kept as a plain number: never earlier than it allows, and never later by more than
// rounding.
TEST(TokenBucket, AgreesWithAPlainLevelOverRandomUse) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    const double rate = std::exp(static_cast<double>(random() % 1200) / 100 - 2);
    const double brim = std::max(1.0, rate);
    TokenBucket bucket(rate);
    double level = brim;
    TimePoint now = start;
    for (int i = 0; i < 300; ++i) {
      const double cost = static_cast<double>(1 + random() % 200) * (random() % 2 == 0 ? 1 : brim / 100);
      const TimePoint ready = std::max(now, bucket.ready_at(cost));
      const double ready_level = std::min(brim, level + seconds(ready - now) * rate);
      const double missing = std::min(cost, 1.0) - ready_level;
      ASSERT_LE(missing, 1e-6 * brim) << "seed " << seed;
      ASSERT_TRUE(ready == now || missing >= -1e-6 * brim) << "waits too long, seed " << seed;
      bucket.take(cost, ready);
      level = ready_level - cost;
      now = ready;
      if (random() % 3 == 0) {
        const Duration pause(static_cast<Duration::rep>(random() % 2'000'000'000));
        level = std::min(brim, level + seconds(pause) * rate);
        now += pause;
      }
    }
  }
}

TEST(TokenBucket, AChangedRateTakesEffect) {
  TokenBucket bucket(10);
  bucket.take(10, start);
  bucket.set_rate(1);
  const TimePoint next = bucket.ready_at(1);
  bucket.take(1, next);
  EXPECT_EQ(bucket.ready_at(1) - next, std::chrono::seconds(1));
}

TEST(TokenBucket, SaysWhenItHoldsAsMuch) {
  TokenBucket bucket(1000, std::chrono::seconds(4));
  bucket.take(0, start);
  EXPECT_NEAR(bucket.level(start), 1000, 1e-6);
  EXPECT_LE(bucket.holds_at(1000), start);
  EXPECT_EQ(bucket.holds_at(3000), start + std::chrono::seconds(2));
  EXPECT_EQ(bucket.holds_at(9000), start + std::chrono::seconds(3));  // the brim
}

TEST(TokenBucket, AChangedBrimKeepsTheLevelThatFits) {
  TokenBucket bucket(1000, std::chrono::seconds(2));
  bucket.take(0, start);
  bucket.set_brim(std::chrono::seconds(8), start);
  EXPECT_NEAR(bucket.level(start), 1000, 1e-6);
  EXPECT_NEAR(bucket.level(start + std::chrono::seconds(9)), 8000, 1e-6);
  bucket.set_brim(std::chrono::seconds(3), start + std::chrono::seconds(9));
  EXPECT_NEAR(bucket.level(start + std::chrono::seconds(9)), 3000, 1e-6);
}

TEST(TokenBucket, ForgetsWhatIsOverACap) {
  TokenBucket bucket(1000, std::chrono::seconds(8));
  bucket.take(0, start);
  const TimePoint later = start + std::chrono::seconds(20);
  bucket.cap_level(std::chrono::seconds(1), later);
  EXPECT_NEAR(bucket.level(later), 1000, 1e-6);
  bucket.take(3000, later);
  bucket.cap_level(std::chrono::seconds(1), later);
  EXPECT_NEAR(bucket.level(later), -2000, 1e-6);
}

TEST(TokenBucket, WhatItHoldsAgreesWithWhenItHoldsIt) {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    TokenBucket bucket(0.5 + static_cast<double>(random() % 3000), std::chrono::seconds(1 + random() % 9));
    bucket.take(static_cast<double>(random() % 5000), start);
    const TimePoint now = start + Duration(random() % 9'000'000'000);
    const double held = bucket.held(now);
    if (held == std::numeric_limits<double>::infinity()) {
      EXPECT_LE(bucket.holds_at(1e9), now);
    } else if (held >= 0) {
      EXPECT_LE(bucket.holds_at(held), now);
      EXPECT_GT(bucket.holds_at(held + 1), now);
    }
  }
}

TEST(TokenBucket, GetsOverWhatIsMissingInAShareOfTheTime) {
  TokenBucket bucket(10);
  bucket.take(10 + 60, start);  // full, and six seconds of debt
  EXPECT_NEAR(seconds(bucket.ready_at(1) - start), 6.1, 1e-6);
  bucket.shorten(0.5, start + std::chrono::seconds(1));
  EXPECT_NEAR(bucket.level(start + std::chrono::seconds(1)), 10 - 30, 1e-6);
  bucket.shorten(0.5, start + std::chrono::minutes(1));
  EXPECT_NEAR(bucket.level(start + std::chrono::minutes(1)), 10, 1e-6);
}

}  // namespace
}  // namespace batchrun
