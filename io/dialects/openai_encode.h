// A row as a request for POST {base_path}/chat/completions, /responses or /embeddings, and the request that
// tries a key. Pure.
#pragma once

#include <string_view>

#include "io/dialect.h"
#include "io/dialects/openai_flavour.h"

namespace batchrun {

// The row's body with `model` and `stream` put in place of its own and batchrun's own members taken out;
// what is left goes as it came, byte for byte. A prompt row becomes a system message (if it has one) and a
// user message. A row for responses or embeddings goes without stream_options, too. An empty credential sends
// no Authorization field. REQUIRES: the endpoint's strings fit a header line.
Request encode_openai(OpenAiFlavour flavour, const Row& row, std::string_view model, bool stream,
                      const Endpoint& endpoint, const Credential& credential);

// GET {base_path}/models: every server of this kind has it, and OpenAI, Groq and Cerebras ask for the key.
Request encode_openai_probe(const Endpoint& endpoint, const Credential& credential);

}  // namespace batchrun
