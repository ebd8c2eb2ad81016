#include "runner/cost_estimate.h"

#include <gtest/gtest.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

RowPtr row(const std::string& text) {
  auto parsed = parse_row(text, 1);
  return std::move(std::get<RowPtr>(parsed));
}

TEST(TokenBound, IsAByteATokenAndSomeAroundEachMessage) {
  const TokenBound one = token_bound(*row(R"({"prompt":"four","max_tokens":7})"));
  EXPECT_EQ(one.input, 4u + 2 * 16);
  EXPECT_EQ(one.output, 7u);
  const TokenBound two = token_bound(*row(
      R"({"messages":[{"role":"system","content":"ab"},{"role":"user","content":"cde"}],"max_tokens":7,"n":3})"));
  EXPECT_EQ(two.input, 5u + 3 * 16);
  EXPECT_EQ(two.output, 21u);
}

TEST(TokenBound, TakesAnAnswerWithoutALimitForALongOne) {
  EXPECT_EQ(token_bound(*row(R"({"prompt":"x"})")).output, 16'384u);
}

TEST(PriceOf, IsTheConfigsForASearchElseTheTables) {
  Settings settings;
  Provider provider;
  provider.price_name = "serper";
  EXPECT_EQ(price_of(settings, provider, ""), nullptr) << "no table";
  settings.prices.emplace(
      R"({"models":[{"provider":"serper","id":"*","search":0.5},{"provider":"openai","id":"m","input":1}]})",
      "prices.json", "2026-11-22");
  ASSERT_NE(price_of(settings, provider, ""), nullptr);
  EXPECT_EQ(price_of(settings, provider, "")->search, 500'000'000'000);
  provider.search_price.emplace().search = 7;
  EXPECT_EQ(price_of(settings, provider, "")->search, 7);
  Provider other;
  other.price_name = "openai";
  EXPECT_EQ(price_of(settings, other, "m")->base.input, 1'000'000);
  EXPECT_EQ(price_of(settings, other, "unheard-of"), nullptr);
}

}  // namespace
}  // namespace batchrun
