// The interfaces of providers a row can be written for.
#pragma once

#include <cstdint>
#include <string_view>

namespace batchrun {

enum class Api : std::uint8_t {
  chat,                // OpenAI's chat completions: answered by every provider of models, in OpenAI's words
  responses,           // OpenAI's responses; this and those below: passed as they are, answered as they are
  embeddings,          // OpenAI's embeddings
  anthropic_messages,  // Anthropic's messages
  gemini_generate,     // Gemini's generateContent
  ollama_chat,         // Ollama's own chat
  search,              // a web search
};

// As messages call a row of it: "a chat row", "an embeddings row".
std::string_view name(Api api);

}  // namespace batchrun
