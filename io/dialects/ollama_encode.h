// A row as a request for POST {base_path}/api/chat, and the request that tries a key. Pure. Source: Ollama's
// API documentation.
//
// A base_path that ends in /api already has that part. Of a chat row:
//   text parts -> one content, a line each · images -> images, base64 · tool_calls with arguments as an
//   object a tool message names the function of the call it answers (tool_name) max_tokens ->
//   options.num_predict · sampling, stop, seed, penalties -> options (repetition_penalty -> repeat_penalty) ·
//   json_object -> format "json", json_schema -> format, the schema reasoning_effort -> think, "none" ->
//   false
#pragma once

#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// A chat or prompt row in translation; an /api/chat row's body as it came. `model` and `stream` are set anew
// in all of them; `stream` is always said, since the server streams when nothing is. An empty credential
// sends no Authorization field: a local server asks for none. REQUIRES: the endpoint's strings fit a header
// line.
Request encode_ollama(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                      const Credential& credential);

// GET {base_path}/api/tags.
Request encode_ollama_probe(const Endpoint& endpoint, const Credential& credential);

}  // namespace batchrun
