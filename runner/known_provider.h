// The providers known by name: where they are, what their environment variables are called, and how they
// speak. Source: the API references of each.
#pragma once

#include <span>
#include <string_view>

#include "io/dialect.h"
#include "pool/provider_day.h"

namespace batchrun {

inline constexpr int default_tier = 2;  // of a provider that has none of its own

struct KnownProvider {
  std::string_view name;
  std::string_view env_prefix;  // of its variables: OPENAI in OPENAI_API_KEY
  std::string_view base_url;    // its own address
  DialectKind dialect;          // how it speaks
  int tier = default_tier;
  bool keyless = false;            // answers without a key too
  bool counts_searches = false;    // one search is one token: its token limits are request limits
  DayRule day = DayRule::rolling;  // when its day turns
};

std::span<const KnownProvider> known_providers();

// nullptr for any other name.
const KnownProvider* find_known_provider(std::string_view name);

}  // namespace batchrun
