// What an answer may cost before it has come: what a cap on cost reserves, and what `plan` tells; and whether
// a request that failed may have cost something. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "io/row.h"
#include "io/transport_ending.h"
#include "pool/price.h"
#include "runner/settings.h"

namespace batchrun {

// The most a row can use: its input has at most as many tokens as its text has bytes, some around each
// message, and for each image, file or recording those of the dearest image; an answer without a limit of its
// own is taken for output_if_unlimited tokens.
struct TokenBound {
  std::uint64_t input = 0, output = 0;
};
inline constexpr std::uint64_t output_if_unlimited = 16'384;
TokenBound token_bound(const Row& row);

// What the provider asks for the model; nothing when that is not known. Lives as long as the settings.
const Price* price_of(const Settings& settings, const Provider& provider, std::string_view model);

// Whether the provider may have worked for a request that failed with this, so that it may bill it: it was
// sent, and no reply said that it failed before there was an answer. An answer that broke off, or was too
// late for us or for a gateway (504, 524), may be billed in full. Sources: Anthropic bills requests whose
// client has gone; Gemini does not bill what it answers with 400 or 500.
bool may_be_billed(const Fault& fault, const Ending& ending);

}  // namespace batchrun
