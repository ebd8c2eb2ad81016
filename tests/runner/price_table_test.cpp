#include "runner/price_table.h"

#include <gtest/gtest.h>

#include "runner/settings.h"

namespace batchrun {
namespace {

constexpr std::string_view today = "2026-11-22";

PriceTable table(std::string_view entries) {
  return PriceTable("{\"models\": [" + std::string(entries) + "]}", "p.json", today);
}

TEST(PriceTable, FindsAModelWithOrWithoutItsDate) {
  const PriceTable prices =
      table(R"({"provider":"openai","id":"gpt-5","input":1},{"provider":"openai","id":"gpt-5-mini","input":2},
    {"provider":"openai","id":"gpt-5-2024-05-13","input":3},{"provider":"groq","id":"gpt-5","input":4},{"provider":"serper","id":"*","search":0.001})");
  const auto input = [&](std::string_view provider, std::string_view model) {
    const Price* price = prices.find(provider, model);
    return price == nullptr ? -1 : price->base.input / 1'000'000;
  };
  EXPECT_EQ(input("openai", "gpt-5"), 1);
  EXPECT_EQ(input("openai", "gpt-5-mini"), 2);
  EXPECT_EQ(input("openai", "gpt-5-mini-2025-08-07"), 2);
  EXPECT_EQ(input("openai", "gpt-5-20250807"), 1);
  EXPECT_EQ(input("openai", "gpt-5-2024-05-13"), 3) << "a snapshot with a price of its own";
  EXPECT_EQ(input("groq", "gpt-5"), 4);
  for (const std::string_view other :
       {"gpt-5-nano", "gpt-5-", "gpt", "gpt-5-2025-08", "GPT-5", "-2024-05-13"})
    EXPECT_EQ(input("openai", other), -1) << other;
  EXPECT_EQ(input("anthropic", "gpt-5"), -1);
  EXPECT_EQ(prices.find("serper", "")->search, 1'000'000'000);
  EXPECT_TRUE(prices.names("openai", "gpt-5-mini-2025-08-07"));
  EXPECT_FALSE(prices.names("serper", "x"));
}

TEST(PriceTable, WhatIsNotSaidCostsWhatInputDoes) {
  const PriceTable prices =
      table(R"({"provider":"a","id":"b","input":2.5,"cached_input":null,"output":0.0375})");
  const TokenPrices& base = prices.find("a", "b")->base;
  EXPECT_EQ(base.cached_input, 2'500'000);
  EXPECT_EQ(base.cache_write, 2'500'000);
  EXPECT_EQ(base.cache_write_1h, 2'500'000);
  EXPECT_EQ(base.output, 37'500);
}

TEST(PriceTable, EntriesHoldForATime) {
  const PriceTable prices = table(R"({"provider":"a","id":"b","input":1,"until":"2026-11-21"},
    {"provider":"a","id":"b","input":2,"since":"2026-11-22","until":"2026-11-22"},{"provider":"a","id":"b","input":3,"since":"2026-11-23"})");
  EXPECT_EQ(prices.find("a", "b")->base.input, 2'000'000);
}

TEST(PriceTable, SaysWhereAMistakeIs) {
  struct Case {
    const char* entries;
    const char* place;
    const char* message;
  };
  const Case cases[] = {
      {R"({"provider":"a"})", "p.json:1:13", "needs a provider and an id"},
      {R"({"provider":"a","id":"b","inptu":1})", "p.json:1:38", "unknown field \"inptu\""},
      {R"({"provider":"a","id":"b","input":-1})", "p.json:1:46", "a price is a number"},
      {R"({"provider":"a","id":"b","input":"1"})", "p.json:1:46", "expected a number"},
      {R"({"provider":"a","id":"b"},{"provider":"a","id":"b"})", "p.json:1:39", "given twice"},
      {R"({"provider":"a","id":"b","long_context":{}})", "p.json:1:53", "no \"from\""},
  };
  for (const Case& c : cases) {
    try {
      table(c.entries);
      ADD_FAILURE() << c.entries;
    } catch (const UsageError& error) {
      EXPECT_EQ(error.place, c.place) << c.entries;
      EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos) << error.what();
    }
  }
}

TEST(PriceTable, OneComesWithTheProgram) {
  const PriceTable prices = PriceTable::shipped(today);
  ASSERT_TRUE(prices.find("openai", "gpt-4o-mini-2024-07-18"));
  EXPECT_EQ(prices.find("openai", "gpt-4o-mini")->base.input, 150'000);
  EXPECT_EQ(prices.find("anthropic", "claude-haiku-5-5")->long_from, 100'001u);
  EXPECT_EQ(prices.find("gemini", "gemini-2.5-flash")->base.output, 2'500'000);
  EXPECT_EQ(prices.find("gemini", "gemini-3.8-flash")->base.input, 750'000);
  EXPECT_EQ(PriceTable::shipped("2027-01-01").find("gemini", "gemini-3.8-flash")->base.input, 1'500'000);
}

}  // namespace
}  // namespace batchrun
