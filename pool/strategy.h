// The names of the strategies, as users write them. How a key is picked by one is lane.h.
#pragma once

#include <optional>
#include <string_view>

#include "pool/pool_spec.h"

namespace batchrun {

// "least-loaded" and "least_loaded" both name Strategy::least_loaded, and so on; nothing for any other text.
// Case matters.
std::optional<Strategy> parse_strategy(std::string_view text);

// The name with `-`, as in the configuration's documentation.
std::string_view name(Strategy strategy);

// All names with `-`, separated by ", ": for messages.
std::string_view strategy_names();

}  // namespace batchrun
