// A row as a request for POST {base_path}/chat/completions. Pure.
#pragma once

#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// The row's chat body with `model` and `stream` put in place of its own and batchrun's own members taken out;
// what is left goes as it came, byte for byte. A prompt row becomes a system message (if it has one) and a
// user message. An empty credential sends no Authorization field. REQUIRES: the endpoint's strings fit a
// header line.
Request encode_openai(OpenAiFlavour flavour, const Row& row, std::string_view model, bool stream,
                      const Endpoint& endpoint, const Credential& credential);

}  // namespace batchrun
