#include "io/dialects/openai_limits.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using enum Dimension;

// limit, remaining, reset in seconds; -1 where nothing was read.
std::string show(const ServerLimits& limits) {
  std::string text;
  for (std::size_t i = 0; i < dimensions; ++i) {
    const LimitReading& reading = limits.readings[i];
    if (!reading.limit && !reading.remaining && !reading.resets_in) continue;
    const auto number = [](std::optional<double> value) {
      char digits[32];
      std::snprintf(digits, sizeof digits, "%.6g", value.value_or(-1));
      return std::string(digits);
    };
    if (!text.empty()) text += "; ";
    text += std::string(name(static_cast<Dimension>(i))) + " " + number(reading.limit) + "/" +
            number(reading.remaining) + "/" +
            number(reading.resets_in ? std::optional(seconds(*reading.resets_in)) : std::nullopt);
  }
  EXPECT_EQ(limits.any, !text.empty());
  return text;
}

struct Case {
  OpenAiFlavour flavour;
  HeadFields fields;
  std::string_view expected;
};

constexpr auto openai = OpenAiFlavour::openai;
constexpr auto groq = OpenAiFlavour::groq;
constexpr auto cerebras = OpenAiFlavour::cerebras;

TEST(OpenAiLimits, ReadsEachProvidersFields) {
  const Case table[] = {
      {openai, {}, ""},
      {openai,
       {{"x-ratelimit-limit-requests", "500"},
        {"x-ratelimit-remaining-requests", "499"},
        {"x-ratelimit-reset-requests", "120ms"},
        {"x-ratelimit-limit-tokens", "200,000"},
        {"x-ratelimit-remaining-tokens", "199000"},
        {"X-RateLimit-Reset-Tokens", "6s"}},
       "requests per minute 500/499/0.12; tokens per minute 200000/199000/6"},
      {openai,
       {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "1m0s"}},
       "requests per minute -1/0/60"},
      // A sliding counter, which counts the last minute as well.
      {openai,
       {{"x-ratelimit-limit-tokens", "60000"},
        {"x-ratelimit-remaining-tokens", "100"},
        {"x-ratelimit-reset-tokens", "1m59.9s"}},
       "tokens per minute 60000/100/60"},
      // Low tiers: a day's requests.
      {openai,
       {{"x-ratelimit-limit-requests", "200"},
        {"x-ratelimit-remaining-requests", "199"},
        {"x-ratelimit-reset-requests", "7m12s"}},
       "requests per day 200/199/432"},
      {openai,
       {{"x-ratelimit-remaining-requests", "1"}, {"x-ratelimit-reset-requests", "90h"}},
       "requests per day -1/1/86400"},
      // The project's limit binds.
      {openai,
       {{"x-ratelimit-limit-tokens", "200000"},
        {"x-ratelimit-remaining-tokens", "150000"},
        {"x-ratelimit-reset-tokens", "15s"},
        {"x-ratelimit-limit-project-tokens", "50000"},
        {"x-ratelimit-remaining-project-tokens", "10000"},
        {"x-ratelimit-reset-project-tokens", "48s"}},
       "tokens per minute 50000/10000/48"},
      {openai,
       {{"x-ratelimit-limit-tokens", "200000"},
        {"x-ratelimit-remaining-tokens", "150000"},
        {"x-ratelimit-limit-project-tokens", "900000"},
        {"x-ratelimit-remaining-project-tokens", "900000"}},
       "tokens per minute 200000/150000/-1"},
      // Azure: bare seconds; -1 is not known.
      {openai,
       {{"x-ratelimit-limit-requests", "60"},
        {"x-ratelimit-remaining-requests", "59"},
        {"x-ratelimit-reset-requests", "1"}},
       "requests per minute 60/59/1"},
      {openai,
       {{"x-ratelimit-limit-tokens", "-1"},
        {"x-ratelimit-remaining-tokens", "-1"},
        {"x-ratelimit-reset-tokens", "0"}},
       "tokens per minute -1/-1/0"},
      // Unreadable values are absent, each for itself.
      {openai,
       {{"x-ratelimit-limit-requests", "many"},
        {"x-ratelimit-remaining-requests", "NaN"},
        {"x-ratelimit-reset-requests", "later"}},
       ""},
      {openai,
       {{"x-ratelimit-limit-requests", "0"}, {"x-ratelimit-remaining-requests", "7"}},
       "requests per minute -1/7/-1"},
      {openai,
       {{"date", "Sun, 22 Nov 2026 10:15:00 GMT"}, {"x-ratelimit-reset-tokens", "2026-11-22T10:15:12Z"}},
       "tokens per minute -1/-1/12"},
      // Groq: requests are a day's, however near the reset.
      {groq,
       {{"x-ratelimit-limit-requests", "14400"},
        {"x-ratelimit-remaining-requests", "14370"},
        {"x-ratelimit-reset-requests", "2m59.56s"},
        {"x-ratelimit-limit-tokens", "18000"},
        {"x-ratelimit-remaining-tokens", "17997"},
        {"x-ratelimit-reset-tokens", "7.66s"}},
       "tokens per minute 18000/17997/7.66; requests per day 14400/14370/179.56"},
      {groq,
       {{"x-ratelimit-limit-requests", "30"}, {"x-ratelimit-reset-requests", "2s"}},
       "requests per day 30/-1/2"},
      {cerebras,
       {{"x-ratelimit-limit-requests-day", "14400"},
        {"x-ratelimit-remaining-requests-day", "14399"},
        {"x-ratelimit-reset-requests-day", "33011.382867"},
        {"x-ratelimit-limit-tokens-minute", "60000"},
        {"x-ratelimit-remaining-tokens-minute", "59000"},
        {"x-ratelimit-reset-tokens-minute", "11.382867"}},
       "tokens per minute 60000/59000/11.3829; requests per day 14400/14399/33011.4"},
      {cerebras,
       {{"x-ratelimit-limit-requests-minute", "30"},
        {"x-ratelimit-limit-tokens-day", "1000000"},
        {"x-ratelimit-limit-tokens-hour", "60000"},
        {"x-ratelimit-limit-requests", "5"}},
       "requests per minute 30/-1/-1; tokens per day 1e+06/-1/-1"},
  };
  for (const Case& c : table)
    EXPECT_EQ(show(openai_limits(c.flavour, reply_head(200, c.fields))), c.expected);
}

TEST(OpenAiLimits, TellsOrganisationsApartByTheirHash) {
  const auto organisation = [](std::string_view name) {
    return openai_limits(openai, reply_head(200, {{"openai-organization", name}})).organisation;
  };
  EXPECT_NE(organisation("org-a"), 0U);
  EXPECT_EQ(organisation("org-a"), organisation("org-a"));
  EXPECT_NE(organisation("org-a"), organisation("org-b"));
  EXPECT_EQ(organisation(""), 0U);
  EXPECT_NE(organisation(std::string(128, 'x')), 0U);
  EXPECT_EQ(organisation(std::string(129, 'x')), 0U) << "no name of an organisation";
  EXPECT_EQ(openai_limits(openai, reply_head(200, {})).organisation, 0U);
}

}  // namespace
}  // namespace batchrun
