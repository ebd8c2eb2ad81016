// Replies of OpenAI's embeddings interface into values. Pure. Source: the API reference of embeddings.
#pragma once

#include <optional>
#include <string_view>

#include "io/dialect.h"
#include "io/dialects/openai_flavour.h"

namespace batchrun {

// A whole 2xx body into `answer`, whose body is the text as it came, on one line, and whose finish reason is
// empty. A list without an embedding is no answer.
std::optional<Fault> decode_embeddings_body(OpenAiFlavour flavour, const ResponseHead& head,
                                            std::string_view body, Answer& answer);

}  // namespace batchrun
