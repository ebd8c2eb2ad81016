#include "runner/known_provider.h"

#include <array>

namespace batchrun {

std::span<const KnownProvider> known_providers() {
  static constexpr std::array<KnownProvider, 3> table{{
      {"openai", "OPENAI", "https://api.openai.com/v1", OpenAiFlavour::openai},
      {"groq", "GROQ", "https://api.groq.com/openai/v1", OpenAiFlavour::groq},
      {"cerebras", "CEREBRAS", "https://api.cerebras.ai/v1", OpenAiFlavour::cerebras},
  }};
  return table;
}

const KnownProvider* find_known_provider(std::string_view name) {
  for (const KnownProvider& provider : known_providers()) {
    if (provider.name == name) return &provider;
  }
  return nullptr;
}

}  // namespace batchrun
