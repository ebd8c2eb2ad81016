// A row as a request for POST {base_path}/v1/messages, and the request that tries a key. Pure. Source:
// Anthropic's API reference, Create a Message.
//
// A base_path that ends in /v1 already has the version's part. anthropic-version is the endpoint's
// api_version, else 2023-06-01; from 2026-10-21 on the key goes as a bearer token, before as x-api-key.
//
// Of a chat row:
//   system messages -> system · images by URL and as data · tool_calls -> tool_use, whose input is an object
//   tool messages -> tool_result blocks, those in a row in one user message
//   tool_choice "required" -> any, a function -> tool, parallel_tool_calls false ->
//   disable_parallel_tool_use · stop -> stop_sequences · json_schema -> output_config.format
//   reasoning_effort -> output_config.effort, "none" -> thinking disabled · user -> metadata.user_id
#pragma once

#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// max_tokens is mandatory there. This is sent for a chat row that names none: within the output limit of
// every model, and Anthropic's quota counts what is produced, not what is allowed.
inline constexpr std::string_view anthropic_default_max_tokens = "4096";

// Whether the endpoint's version accepts temperature, top_p and top_k.
bool anthropic_takes_sampling(const Endpoint& endpoint);

// A chat or prompt row in translation; a messages row's body as it came. `model` and `stream` are set anew in
// all of them. REQUIRES: the endpoint's strings fit a header line.
Request encode_anthropic(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                         const Credential& credential);

// GET {base_path}/v1/models, of one model.
Request encode_anthropic_probe(const Endpoint& endpoint, const Credential& credential);

}  // namespace batchrun
