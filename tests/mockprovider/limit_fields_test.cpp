#include "bench/mockprovider/limit_fields.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;

std::string fields(Quota& quota, Flavour flavour, Moment now, const Refusal* refusal = nullptr) {
  std::string out;
  append_limit_fields(out, quota, flavour, now, refusal);
  return out;
}

TEST(LimitFields, OpenAiTellsMinutesInGoDurations) {
  Quota quota({.rpm = 500, .tpm = 200000, .rpd = 10000}, {});
  quota.admit(1200, 0s);
  EXPECT_EQ(fields(quota, Flavour::openai, 500ms),
            "x-ratelimit-limit-requests: 500\r\nx-ratelimit-remaining-requests: 499\r\n"
            "x-ratelimit-reset-requests: 59.5s\r\nx-ratelimit-limit-tokens: 200000\r\n"
            "x-ratelimit-remaining-tokens: 198800\r\nx-ratelimit-reset-tokens: 59.5s\r\n");
}

TEST(LimitFields, OpenAiFallsBackToTheDaysRequests) {
  Quota quota({.rpd = 200}, {});
  quota.admit(1, 0s);
  EXPECT_EQ(fields(quota, Flavour::openai, 0s),
            "x-ratelimit-limit-requests: 200\r\nx-ratelimit-remaining-requests: 199\r\n"
            "x-ratelimit-reset-requests: 24h0m0s\r\n");
}

TEST(LimitFields, GroqRequestsAreThoseOfTheDay) {
  Quota quota({.rpm = 30, .tpm = 6000, .rpd = 14400}, {});
  quota.admit(10, 0s);
  EXPECT_NE(fields(quota, Flavour::groq, 0s).find("limit-requests: 14400"), std::string::npos);
  EXPECT_NE(fields(quota, Flavour::groq, 0s).find("limit-tokens: 6000"), std::string::npos);
  const Refusal rpm{.dimension = Dimension::requests_per_minute};
  EXPECT_EQ(fields(quota, Flavour::groq, 0s, &rpm).find("tokens"), std::string::npos);
}

TEST(LimitFields, CerebrasNamesTheWindowAndWritesSeconds) {
  Quota quota({.tpm = 60000, .rpd = 14400}, {});
  quota.admit(100, 0s);
  const std::string text = fields(quota, Flavour::cerebras, 250ms);
  EXPECT_NE(text.find("x-ratelimit-remaining-requests-day: 14399\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("x-ratelimit-reset-tokens-minute: 59.750000\r\n"), std::string::npos) << text;
}

TEST(LimitFields, TheLookAlikeShowsAnUntouchedBudget) {
  Quota quota({.tpm = 100}, {});
  quota.admit(60, 0s);
  const Refusal large{.dimension = Dimension::tokens_per_minute, .too_large = true};
  EXPECT_EQ(fields(quota, Flavour::openai, 1s, &large),
            "x-ratelimit-limit-tokens: 100\r\nx-ratelimit-remaining-tokens: 100\r\nx-ratelimit-reset-tokens: "
            "0s\r\n");
}

}  // namespace
}  // namespace batchrun::mock
