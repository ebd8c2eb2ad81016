// runner/prices.json, put into the program when it is built.
#pragma once

#include <string_view>

namespace batchrun {

extern const std::string_view shipped_prices;

}  // namespace batchrun
