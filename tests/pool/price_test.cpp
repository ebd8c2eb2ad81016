#include "pool/price.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

Usage usage(std::uint64_t input, std::uint64_t cached, std::uint64_t output) {
  Usage out;
  out.input_tokens = input;
  out.cached_tokens = cached;
  out.output_tokens = output;
  return out;
}

// In dollars per million tokens, as price lists have it: gpt-5.6-sol.
Price listed() {
  Price price;
  price.base = {4'000'000, 400'000, 5'000'000, 0, 20'000'000};
  price.long_context = TokenPrices{8'000'000, 800'000, 10'000'000, 0, 30'000'000};
  price.long_from = 272'000;
  return price;
}

TEST(Price, IsExact) {
  // By hand: 900 x $4 + 100 x $0.40 + 50 x $20, each a million.
  EXPECT_EQ(cost_of(listed(), usage(1000, 100, 50)), 3'600'000'000 + 40'000'000 + 1'000'000'000);
  EXPECT_EQ(cost_of(listed(), usage(0, 0, 0)), 0);
  EXPECT_DOUBLE_EQ(dollars(cost_of(listed(), usage(100'000'000, 0, 0))), 800.0);
}

TEST(Price, AnAbsurdUsageMakesNoSumOverflow) {
  const std::uint64_t absurd = (std::uint64_t{1} << 53) - 1;
  EXPECT_DOUBLE_EQ(dollars(cost_of(listed(), usage(absurd, 0, absurd))), 800.0 + 3000.0);
  EXPECT_DOUBLE_EQ(dollars(most_cost_of(listed(), absurd, absurd)), 1000.0 + 3000.0);
}

TEST(Price, ALongRequestIsDearAsAWhole) {
  EXPECT_EQ(cost_of(listed(), usage(271'999, 0, 1)), 271'999 * Picodollars{4'000'000} + 20'000'000);
  EXPECT_EQ(cost_of(listed(), usage(272'000, 2000, 1)),
            270'000 * Picodollars{8'000'000} + 2000 * Picodollars{800'000} + 30'000'000);
}

TEST(Price, CacheWritesAreApart) {
  Price claude;
  claude.base = {1'000'000, 100'000, 1'250'000, 2'000'000, 5'000'000};
  Usage written = usage(100, 10, 0);
  written.cache_write_tokens = 20;
  written.cache_write_1h_tokens = 30;
  EXPECT_EQ(cost_of(claude, written), 40 * 1'000'000 + 10 * 100'000 + 20 * 1'250'000 + 30 * 2'000'000);
}

TEST(Price, ASearchHasOne) {
  Price search;
  search.search = 1'000'000'000;
  Usage two;
  two.searches = 2;
  EXPECT_EQ(cost_of(search, two), 2'000'000'000);
}

TEST(Price, UsageThatDoesNotAddUpIsNotNegative) {
  EXPECT_EQ(cost_of(listed(), usage(10, 20, 0)), 20 * 400'000);
}

TEST(Price, TheMostIsNeverLessThanTheCost) {
  Price claude;
  claude.base = {1'000'000, 100'000, 1'250'000, 2'000'000, 5'000'000};
  for (const Price& price : {listed(), claude}) {
    for (std::uint64_t input : {0U, 7U, 271'999U, 272'000U, 1'000'000U}) {
      for (std::uint64_t part = 0; part <= input; part += input / 5 + 1) {
        Usage split = usage(input, part / 3, 100);
        split.cache_write_1h_tokens = part / 3;
        split.cache_write_tokens = part / 3;
        EXPECT_LE(cost_of(price, split), most_cost_of(price, input, 100));
      }
    }
  }
}

}  // namespace
}  // namespace batchrun
