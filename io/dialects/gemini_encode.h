// A row as a request to Gemini, and the request that tries a key. Pure.
//
// Source: ai.google.dev/api/generate-content (request and GenerationConfig), .../api/caching (Content, Part,
// FunctionDeclaration, ToolConfig).
#pragma once

#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// What of a chat row can be said in Gemini's words.
FeatureSet gemini_honours();

// POST {base_path}/v1beta/models/{model}:generateContent, or :streamGenerateContent?alt=sse; a base_path that
// ends in a version (/v1beta, /v1) gets no other. The key goes in x-goog-api-key, never in the URL.
//
// A chat row is translated: system messages -> systemInstruction; assistant -> the role "model"; a data: URL
// -> inlineData; a tool call's arguments -> an object; consecutive tool messages -> one "user" content of
// functionResponse parts, each named after the call it answers, its text under "output". A native row's body
// goes as it came, without `model` and `stream`, which the URL says.
Request encode_gemini(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                      const Credential& credential);

// GET .../models?pageSize=1: asks for the key and spends nothing.
Request encode_gemini_probe(const Endpoint& endpoint, const Credential& credential);

}  // namespace batchrun
