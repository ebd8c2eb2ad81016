#include "io/dialects/anthropic_limits.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using std::chrono::seconds;

constexpr std::string_view date = "Sun, 22 Nov 2026 10:15:00 GMT";

TEST(AnthropicLimits, ReadsEachBucketRelativeToTheRepliesDate) {
  const ServerLimits limits = anthropic_limits(
      reply_head(200, {{"Date", date},
                       {"anthropic-ratelimit-requests-limit", "1000"},
                       {"anthropic-ratelimit-requests-remaining", "999"},
                       {"anthropic-ratelimit-requests-reset", "2026-11-22T10:15:01Z"},
                       {"anthropic-ratelimit-input-tokens-limit", "2,000,000"},
                       {"anthropic-ratelimit-input-tokens-remaining", "1999000"},
                       {"anthropic-ratelimit-input-tokens-reset", "2026-11-22T11:15:30+01:00"},
                       {"anthropic-ratelimit-output-tokens-limit", "400000"},
                       {"anthropic-ratelimit-output-tokens-remaining", "0"},
                       {"anthropic-ratelimit-output-tokens-reset", "2026-11-22T10:15:45Z"},
                       {"anthropic-ratelimit-tokens-limit", "2400000"},
                       {"anthropic-ratelimit-tokens-remaining", "7"},
                       {"anthropic-ratelimit-tokens-reset", "2026-11-22T10:15:59Z"},
                       {"anthropic-priority-input-tokens-limit", "5"},
                       {"anthropic-fast-input-tokens-limit", "6"},
                       {"anthropic-organization-id", "4f0c"}}));
  EXPECT_TRUE(limits.any);
  struct Case {
    Dimension dimension;
    double limit, remaining;
    seconds reset;
  };
  for (const Case& one : {Case{Dimension::requests_per_minute, 1000, 999, seconds(1)},
                          Case{Dimension::input_tokens_per_minute, 2e6, 1999000, seconds(30)},
                          Case{Dimension::output_tokens_per_minute, 400000, 0, seconds(45)}}) {
    EXPECT_EQ(limits[one.dimension].limit, one.limit);
    EXPECT_EQ(limits[one.dimension].remaining, one.remaining);
    EXPECT_EQ(limits[one.dimension].resets_in, Duration(one.reset));
  }
  EXPECT_FALSE(limits[Dimension::tokens_per_minute].limit);
}

TEST(AnthropicLimits, TakesTheBindingTokensWhereThereAreNoOthers) {
  const ServerLimits limits =
      anthropic_limits(reply_head(200, {{"anthropic-ratelimit-tokens-limit", "80000"},
                                        {"anthropic-ratelimit-tokens-remaining", "79000"}}));
  EXPECT_EQ(limits[Dimension::tokens_per_minute].limit, 80000.0);
  EXPECT_FALSE(limits[Dimension::requests_per_minute].limit);
}

TEST(AnthropicLimits, WhatCannotBeReadIsAbsent) {
  EXPECT_FALSE(anthropic_limits(reply_head(200)).any);
  const ServerLimits limits =
      anthropic_limits(reply_head(200, {{"anthropic-ratelimit-requests-limit", "many"},
                                        {"anthropic-ratelimit-requests-remaining", "-1"},
                                        {"anthropic-ratelimit-requests-reset", "2026-11-22T10:15:01Z"}}));
  EXPECT_FALSE(limits.any);  // a time says nothing without a Date to hold it against
}

TEST(AnthropicLimits, AResetIsAtMostAMinuteAndNeverPast) {
  const auto reset = [](std::string_view at) {
    return anthropic_limits(reply_head(
        200, {{"date", date}, {"anthropic-ratelimit-requests-reset", at}}))[Dimension::requests_per_minute]
        .resets_in;
  };
  EXPECT_EQ(reset("2026-11-22T10:20:00Z"), Duration(seconds(60)));
  EXPECT_EQ(reset("2026-11-22T10:10:00Z"), Duration(0));
}

}  // namespace
}  // namespace batchrun
