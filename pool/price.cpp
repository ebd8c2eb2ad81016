#include "pool/price.h"

#include <algorithm>

namespace batchrun {
namespace {

// A reply that speaks of more is wrong, and must not make the sums overflow.
constexpr std::uint64_t most_tokens = 100'000'000;

Picodollars times(std::uint64_t count, Picodollars each) {
  return static_cast<Picodollars>(std::min(count, most_tokens)) * each;
}

Picodollars dearest_input(const TokenPrices& prices) {
  return std::max({prices.input, prices.cached_input, prices.cache_write, prices.cache_write_1h});
}

}  // namespace

Picodollars cost_of(const Price& price, const Usage& usage) {
  const bool is_long = price.long_context && usage.input_tokens >= price.long_from;
  const TokenPrices& each = is_long ? *price.long_context : price.base;
  const std::uint64_t apart = usage.cached_tokens + usage.cache_write_tokens + usage.cache_write_1h_tokens;
  const std::uint64_t plain = usage.input_tokens - std::min(apart, usage.input_tokens);
  return times(plain, each.input) + times(usage.cached_tokens, each.cached_input) +
         times(usage.cache_write_tokens, each.cache_write) +
         times(usage.cache_write_1h_tokens, each.cache_write_1h) + times(usage.output_tokens, each.output) +
         times(usage.searches, price.search);
}

Picodollars most_cost_of(const Price& price, std::uint64_t input_tokens, std::uint64_t output_tokens) {
  const bool may_be_long = price.long_context && input_tokens >= price.long_from;
  const TokenPrices& each = may_be_long ? *price.long_context : price.base;
  return times(input_tokens, dearest_input(each)) + times(output_tokens, each.output) + price.search;
}

}  // namespace batchrun
