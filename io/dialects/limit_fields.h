// Header fields that state a limit, as every provider that has them writes them. Pure.
#pragma once

#include <string_view>

#include "io/dialect.h"

namespace batchrun {

struct LimitFields {
  std::string_view limit, remaining, reset;  // names of fields
};

// What the three fields state. A negative or unreadable value, and a limit of zero, is absent. A reset that
// is a time is judged against the reply's Date.
LimitReading read_limit(const ResponseHead& head, const LimitFields& fields);

// Puts a reading that states something in its place, with a reset of at most its window.
void put_limit(ServerLimits& limits, Dimension dimension, LimitReading reading);

// The name of an organisation as a number that tells it from others; 0 for none, and for one longer than such
// names are.
std::uint64_t organisation_hash(std::string_view name);

}  // namespace batchrun
