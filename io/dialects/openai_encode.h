// A row as a request for POST {base_path}/chat/completions, /responses or /embeddings, and the request that
// tries a key. Pure.
//
// Azure: below a base_path that does not end in /v1 these are below {base_path}/deployments/{model}, with
// api-version, the endpoint's or 2024-10-21; below /v1 api-version is sent only if the endpoint has one. The
// key goes as api-key. Source: Azure OpenAI reference.
#pragma once

#include <string_view>

#include "io/dialect.h"
#include "io/dialects/openai_flavour.h"

namespace batchrun {

// The row's body with `model` and `stream` put in place of its own and batchrun's own members taken out;
// what is left goes as it came, byte for byte, but for Ollama's max_tokens, which takes the place of
// max_completion_tokens, a word its server does not read. A prompt row becomes a system message (if it has
// one) and a user message. A row for responses or embeddings goes without stream_options, too. An empty
// credential sends no Authorization field. REQUIRES: the endpoint's strings fit a header line.
Request encode_openai(OpenAiFlavour flavour, const Row& row, std::string_view model, bool stream,
                      const Endpoint& endpoint, const Credential& credential);

// Azure's older paths: they name the deployment and want a version. Below /openai/v1 everything is OpenAI's
// own form.
bool has_deployment_paths(OpenAiFlavour flavour, const Endpoint& endpoint);

// GET {base_path}/models: every server of this kind has it, and OpenAI, Groq and Cerebras ask for the key.
Request encode_openai_probe(OpenAiFlavour flavour, const Endpoint& endpoint, const Credential& credential);

}  // namespace batchrun
