// What an answer costs: a provider's prices for a model, and the exact sum for a usage. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "pool/outcome.h"

namespace batchrun {

// Money in 1e-12 USD. A price per million tokens with six decimals is a whole number of these per token, so
// sums are exact; 9 million dollars fit.
using Picodollars = std::int64_t;
inline constexpr double picodollars_per_dollar = 1e12;
inline constexpr double dollars(Picodollars amount) {
  return static_cast<double>(amount) / picodollars_per_dollar;
}

// For one token each.
struct TokenPrices {
  Picodollars input = 0;
  Picodollars cached_input = 0;                     // read from the provider's cache
  Picodollars cache_write = 0, cache_write_1h = 0;  // kept in it, for 5 minutes and for an hour
  Picodollars output = 0;                           // reasoning included
};

struct Price {
  TokenPrices base;
  // Of requests with at least `long_from` input tokens, cached ones included: for the whole request.
  std::optional<TokenPrices> long_context;
  std::uint64_t long_from = 0;
  Picodollars search = 0;  // for one search
};

// Never negative: of each kind no more than 100 million tokens are believed.
Picodollars cost_of(const Price& price, const Usage& usage);

// The most a request can cost with at most so many tokens.
Picodollars most_cost_of(const Price& price, std::uint64_t input_tokens, std::uint64_t output_tokens);

}  // namespace batchrun
