// What an answer may cost before it has come: what a cap on cost reserves, and what `plan` tells. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "io/row.h"
#include "pool/price.h"
#include "runner/settings.h"

namespace batchrun {

// The most a row can use: its input has at most as many tokens as its text has bytes, and some around each
// message; an answer without a limit of its own is taken for output_if_unlimited tokens.
struct TokenBound {
  std::uint64_t input = 0, output = 0;
};
inline constexpr std::uint64_t output_if_unlimited = 16'384;
TokenBound token_bound(const Row& row);

// What the provider asks for the model; nothing when that is not known. Lives as long as the settings.
const Price* price_of(const Settings& settings, const Provider& provider, std::string_view model);

}  // namespace batchrun
