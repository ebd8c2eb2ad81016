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

TEST(Quota, InputAndOutputCountApart) {
  Quota quota({.itpm = 100, .otpm = 50}, {});
  EXPECT_FALSE(quota.admit({.tokens = 500, .input = 90}, 0s));
  EXPECT_EQ(quota.admit({.input = 20}, 0s)->dimension, Dimension::input_tokens_per_minute);
  EXPECT_FALSE(quota.admit({.input = 10}, 0s));
  quota.take_output(60, 0s);
  EXPECT_EQ(quota.admit({}, 0s)->dimension, Dimension::output_tokens_per_minute)
      << "in debt, whatever it costs";
  EXPECT_FALSE(quota.admit({.input = 100, .output = 50}, 60s));
  EXPECT_TRUE(quota.admit({.output = 51}, 120s)->too_large);
}

TEST(Quota, ReservedOutputCountsAtAdmission) {
  Quota quota({.otpm = 50}, {});
  EXPECT_FALSE(quota.admit({.output = 40}, 0s));
  EXPECT_TRUE(quota.admit({.output = 20}, 0s));
}

TEST(Quota, ADayTurnsAtItsMidnight) {
  // 2026-11-22 10:00:00 UTC is 02:00 in California.
  const std::int64_t ten = 1'795'341'600;
  Quota utc({.rpd = 1}, {.kind = LimiterKind::token_bucket, .day = DayStart::utc}, ten);
  Quota pacific({.rpd = 1}, {.day = DayStart::pacific}, ten);
  Quota program({.rpd = 1}, {}, ten);
  for (Quota* quota : {&utc, &pacific, &program}) EXPECT_FALSE(quota->admit({}, 1h));
  EXPECT_EQ(utc.admit({}, 1h)->wait, Moment(13h));
  EXPECT_EQ(pacific.admit({}, 1h)->wait, Moment(21h));
  EXPECT_EQ(program.admit({}, 1h)->wait, Moment(23h));
  EXPECT_FALSE(utc.admit({}, 14h));
  EXPECT_EQ(utc.admit({}, 15h)->wait, Moment(23h));
}

TEST(Quota, DimensionsHaveTheirNames) {
  EXPECT_EQ(long_name(Dimension::requests_per_minute), "requests per min (RPM)");
  EXPECT_EQ(long_name(Dimension::tokens_per_day), "tokens per day (TPD)");
  EXPECT_EQ(long_name(Dimension::input_tokens_per_minute), "input tokens per min (ITPM)");
  EXPECT_EQ(long_name(Dimension::output_tokens_per_minute), "output tokens per min (OTPM)");
  EXPECT_EQ(long_name(Dimension::requests_per_hour), "requests per hour (RPH)");
  EXPECT_FALSE(counts_tokens(Dimension::requests_per_hour) || counts_tokens(Dimension::concurrency));
  EXPECT_TRUE(counts_tokens(Dimension::output_tokens_per_minute));
  EXPECT_TRUE(is_daily(Dimension::tokens_per_day) && !is_daily(Dimension::requests_per_hour));
}

}  // namespace
}  // namespace batchrun::mock
