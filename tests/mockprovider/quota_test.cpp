#include "bench/mockprovider/quota.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;

TEST(Quota, WithoutLimitsAdmitsEverything) {
  Quota quota({}, {});
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(quota.admit({.tokens = 1e6}, 0s));
  EXPECT_EQ(quota.open(), 1000u);
}

TEST(Quota, ARefusedRequestTakesFromNoLimit) {
  Quota quota({.rpm = 10, .tpm = 100, .rpd = 50}, {});
  EXPECT_FALSE(quota.admit({.tokens = 90}, 0s));
  const auto refusal = quota.admit({.tokens = 20}, 0s);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->dimension, Dimension::tokens_per_minute);
  EXPECT_EQ(refusal->limit, 100);
  EXPECT_EQ(refusal->used, 90);
  EXPECT_EQ(refusal->requested, 20);
  EXPECT_EQ(refusal->wait, Moment(60s));
  EXPECT_FALSE(refusal->too_large);
  EXPECT_EQ(quota.limiter(Dimension::requests_per_minute)->used(0s), 1);
  EXPECT_EQ(quota.limiter(Dimension::requests_per_day)->used(0s), 1);
  EXPECT_EQ(quota.open(), 1u);
}

TEST(Quota, NamesTheLimitWithTheLongestWait) {
  Quota quota({.rpm = 1, .rpd = 1}, {});
  EXPECT_FALSE(quota.admit({.tokens = 1}, 0s));
  EXPECT_EQ(quota.admit({.tokens = 1}, 30s)->dimension, Dimension::requests_per_day);
}

TEST(Quota, TooLargeOutranksAnyWait) {
  Quota quota({.rpm = 1, .tpm = 100}, {});
  EXPECT_FALSE(quota.admit({.tokens = 1}, 0s));
  const auto refusal = quota.admit({.tokens = 101}, 0s);
  ASSERT_TRUE(refusal);
  EXPECT_TRUE(refusal->too_large);
  EXPECT_EQ(refusal->dimension, Dimension::tokens_per_minute);
}

TEST(Quota, ConcurrencyIsGivenBackByRelease) {
  Quota quota({.concurrency = 2}, {});
  EXPECT_FALSE(quota.admit({.tokens = 1}, 0s));
  EXPECT_FALSE(quota.admit({.tokens = 1}, 0s));
  EXPECT_EQ(quota.admit({.tokens = 1}, 0s)->dimension, Dimension::concurrency);
  quota.release();
  EXPECT_FALSE(quota.admit({.tokens = 1}, 0s));
}

TEST(Quota, FailedCallsCountWhereThereIsRoom) {
  Quota quota({.rpm = 2}, {});
  for (int i = 0; i < 5; ++i) quota.count_failed_call(0s);
  EXPECT_EQ(quota.limiter(Dimension::requests_per_minute)->used(0s), 2);
  EXPECT_TRUE(quota.admit({.tokens = 1}, 0s));
}

TEST(Quota, OutputIsChargedPastTheLimit) {
  Quota quota({.tpm = 100}, {.kind = LimiterKind::sliding_log});
  EXPECT_FALSE(quota.admit({.tokens = 60}, 0s));
  quota.take_output(80, 5s);
  EXPECT_EQ(quota.admit({.tokens = 1}, 10s)->wait, Moment(50s));
}

TEST(Quota, SlicesSpreadAMinutesLimits) {
  Quota quota({.rpm = 120, .tpm = 6000}, {.slice = 1s});
  EXPECT_FALSE(quota.admit({.tokens = 50}, 0s));
  EXPECT_EQ(quota.admit({.tokens = 51}, 0s)->dimension, Dimension::tokens_per_minute);
  EXPECT_FALSE(quota.admit({.tokens = 50}, 0s));
  const auto refusal = quota.admit({.tokens = 1}, 250ms);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->wait, Moment(750ms));
  EXPECT_FALSE(quota.admit({.tokens = 1}, 1s));
}

TEST(Quota, WhatASliceAllowsTheMinuteMayStillRefuse) {
  Quota quota({.tpm = 600}, {.kind = LimiterKind::sliding_log, .slice = 10s, .largest_tokens = 250});
  EXPECT_FALSE(quota.admit({.tokens = 250}, 5s)) << "more than a sixth, but no more than the largest";
  EXPECT_EQ(quota.admit({.tokens = 1}, 9s)->wait, Moment(1s));
  EXPECT_FALSE(quota.admit({.tokens = 250}, 10s));
  const auto refusal = quota.admit({.tokens = 101}, 20s);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->used, 500);
  EXPECT_EQ(refusal->wait, Moment(45s));
  EXPECT_FALSE(quota.admit({.tokens = 100}, 20s));
}

TEST(Quota, DaysHaveNoSlices) {
  Quota quota({.rpd = 10, .tpd = 100}, {.slice = 1s});
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(quota.admit({.tokens = 10}, 0s));
}

TEST(Quota, DayLimitsOutlastMinutes) {
  Quota quota({.tpd = 100}, {.kind = LimiterKind::token_bucket, .bucket = 1s});
  EXPECT_FALSE(quota.admit({.tokens = 100}, 0s));
  EXPECT_NEAR(in_seconds(quota.admit({.tokens = 50}, 0s)->wait), 12 * 3600, 1);
}

}  // namespace
}  // namespace batchrun::mock
