// What can be told of a body in a provider's own words without understanding it: its size. Pure.
#pragma once

#include <cstdint>

#include "io/json_tokens.h"
#include "io/row_members.h"

namespace batchrun {

// What an image counts for in bytes of text that would cost about as many tokens.
inline constexpr std::uint32_t bytes_of_an_image = 3000;

struct NativeSizes {
  std::uint32_t content_bytes = 0;  // of all text in it, names aside; what looks like base64 counts little
  std::uint32_t media_count = 0;    // what looks like base64, and addresses and names of files
  std::uint64_t max_output_tokens = 0;  // 0: it does not say
};

// max_tokens (Anthropic), max_output_tokens (responses), generationConfig.maxOutputTokens (Gemini),
// options.num_predict (Ollama).
NativeSizes sizes_of_native_body(const JsonTokens& tokens, JsonTokens::Value body, const RowMembers& members);

}  // namespace batchrun
