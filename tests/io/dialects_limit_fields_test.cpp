#include "io/dialects/limit_fields.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using std::chrono::seconds;

constexpr LimitFields fields = {"x-limit", "x-remaining", "x-reset"};

TEST(LimitFields, AreReadInAnyFormOfTime) {
  for (const std::string_view reset : {"20", "20s", "2026-11-22T10:15:20Z"}) {
    const LimitReading reading = read_limit(reply_head(200, {{"date", "Sun, 22 Nov 2026 10:15:00 GMT"},
                                                             {"x-limit", "30,000"},
                                                             {"x-remaining", "0"},
                                                             {"x-reset", reset}}),
                                            fields);
    EXPECT_EQ(reading.limit, 30000.0);
    EXPECT_EQ(reading.remaining, 0.0);
    EXPECT_EQ(reading.resets_in, Duration(seconds(20))) << reset;
  }
}

TEST(LimitFields, WhatSaysNothingIsAbsent) {
  for (const std::string_view value : {"", "-1", "x"}) {
    const LimitReading reading =
        read_limit(reply_head(200, {{"x-limit", value}, {"x-remaining", value}, {"x-reset", value}}), fields);
    EXPECT_FALSE(reading.limit || reading.remaining || reading.resets_in) << value;
  }
  EXPECT_FALSE(read_limit(reply_head(200, {{"x-limit", "0"}}), fields).limit);
}

TEST(LimitFields, AResetIsAtMostItsWindow) {
  ServerLimits limits;
  put_limit(limits, Dimension::tokens_per_minute, {1, 1, std::chrono::hours(1)});
  put_limit(limits, Dimension::tokens_per_day, {1, 1, std::chrono::hours(100)});
  EXPECT_EQ(limits[Dimension::tokens_per_minute].resets_in, Duration(seconds(60)));
  EXPECT_EQ(limits[Dimension::tokens_per_day].resets_in, Duration(std::chrono::hours(24)));
  EXPECT_TRUE(limits.any);
  ServerLimits none;
  put_limit(none, Dimension::tokens_per_minute, {});
  EXPECT_FALSE(none.any);
}

}  // namespace
}  // namespace batchrun
