// The providers this version knows by name. Source: the API references of OpenAI, Groq and Cerebras.
#pragma once

#include <span>
#include <string_view>

#include "io/dialect.h"

namespace batchrun {

struct KnownProvider {
  std::string_view name;
  std::string_view env_prefix;  // of its variables: OPENAI in OPENAI_API_KEY
  std::string_view base_url;
  OpenAiFlavour flavour;
};

std::span<const KnownProvider> known_providers();

// nullptr for any other name.
const KnownProvider* find_known_provider(std::string_view name);

}  // namespace batchrun
