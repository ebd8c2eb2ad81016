#include "runner/known_provider.h"

#include <array>

namespace batchrun {

std::span<const KnownProvider> known_providers() {
  using Kind = DialectKind;
  // Each in its own protocol: the OpenAI-compatible sides of Gemini, Anthropic and Ollama leave out much of
  // what those can do.
  static constexpr std::array<KnownProvider, 8> table{{
      {.name = "openai",
       .env_prefix = "OPENAI",
       .base_url = "https://api.openai.com/v1",
       .dialect = Kind::openai},
      {.name = "anthropic",
       .env_prefix = "ANTHROPIC",
       .base_url = "https://api.anthropic.com",
       .dialect = Kind::anthropic},
      {.name = "gemini",
       .env_prefix = "GEMINI",
       .base_url = "https://generativelanguage.googleapis.com",
       .dialect = Kind::gemini,
       .tier = 1,
       .day = DayRule::pacific_midnight},
      {.name = "groq",
       .env_prefix = "GROQ",
       .base_url = "https://api.groq.com/openai/v1",
       .dialect = Kind::groq},
      {.name = "cerebras",
       .env_prefix = "CEREBRAS",
       .base_url = "https://api.cerebras.ai/v1",
       .dialect = Kind::cerebras},
      {.name = "ollama",
       .env_prefix = "OLLAMA",
       .base_url = "http://127.0.0.1:11434",
       .dialect = Kind::ollama,
       .tier = 0,
       .keyless = true},
      {.name = "serpapi",
       .env_prefix = "SERP",
       .base_url = "https://serpapi.com",
       .dialect = Kind::serpapi,
       .counts_searches = true},
      {.name = "serper",
       .env_prefix = "SERPER",
       .base_url = "https://google.serper.dev",
       .dialect = Kind::serper,
       .counts_searches = true},
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
