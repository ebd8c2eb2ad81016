// The names of the strategies, as users write them. How a key is picked by one is lane.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/pool_spec.h"

namespace batchrun {

// "least-loaded" and "least_loaded" both name Strategy::least_loaded, and so on; nothing for any other text.
// Case matters.
std::optional<Strategy> parse_strategy(std::string_view text);

// The name with `-`, as in the configuration's documentation.
std::string_view name(Strategy strategy);

// All names with `-`.
std::vector<std::string> strategy_names();

// Whether both texts are the same name, in whichever spelling.
bool same_strategy_name(std::string_view a, std::string_view b);

}  // namespace batchrun
