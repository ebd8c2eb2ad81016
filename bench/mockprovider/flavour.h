// Which provider is simulated, and what is known of each beyond its words: how it charges requests against
// limits.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace batchrun::mock {

enum class Flavour : std::uint8_t {
  openai,
  groq,
  cerebras,
  azure,
  openrouter,
  vllm,
  ollama,
  anthropic,
  gemini,
  serpapi,
  serper
};

inline constexpr std::array<std::pair<std::string_view, Flavour>, 11> flavour_names = {
    {{"openai", Flavour::openai},
     {"groq", Flavour::groq},
     {"cerebras", Flavour::cerebras},
     {"azure", Flavour::azure},
     {"openrouter", Flavour::openrouter},
     {"vllm", Flavour::vllm},
     {"ollama", Flavour::ollama},
     {"anthropic", Flavour::anthropic},
     {"gemini", Flavour::gemini},
     {"serpapi", Flavour::serpapi},
     {"serper", Flavour::serper}}};

// It answers /v1/chat/completions in its own way.
constexpr bool speaks_chat(Flavour flavour) {
  return flavour <= Flavour::ollama;
}

// What a request costs in tokens. Limits of input tokens count the prompt, limits of output tokens what
// `output` says.
enum class Charging : std::uint8_t {
  reserves_max_tokens,  // prompt + max_tokens at admission, nothing given back (OpenAI, Azure, Groq,
                        // Cerebras)
  actual,               // prompt at admission, output as it is produced (Anthropic)
  input_only,           // prompt at admission, output never (Gemini)
};

constexpr Charging charging_of(Flavour flavour) {
  if (flavour == Flavour::anthropic) return Charging::actual;
  if (flavour == Flavour::gemini) return Charging::input_only;
  return Charging::reserves_max_tokens;
}

// Input read from a cache does not count against token limits (rate-limit pages of Anthropic and Groq).
constexpr bool cached_reads_are_free(Flavour flavour) {
  return flavour == Flavour::anthropic || flavour == Flavour::groq;
}

}  // namespace batchrun::mock
