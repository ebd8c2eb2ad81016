// Ollama's replies into values: one line of a stream, or a whole reply, which is one such line. Pure. Source:
// Ollama's API documentation and server.
//
// done_reason in OpenAI's words: stop -> stop, or tool_calls when there are any · length -> length. "load"
// and "unload" say that a model was loaded or let go, since the request had no messages: no answer. A count
// that is zero is left out there. Calls without an id get one that tells them apart.
#pragma once

#include <optional>
#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// A line of a chat row's stream into `draft`. Text, thinking, a tool call or `done` sets content_seen; `done`
// is the end mark. A truthy `error` is a fault.
std::optional<Fault> decode_ollama_line(std::string_view line, AnswerDraft& draft);

// A whole 2xx body into `answer`: a chat.completion for a chat row, else the body as it came, on one line.
// Nothing is left in `answer` when there is a fault.
std::optional<Fault> decode_ollama_body(Api api, const ResponseHead& head, std::string_view body,
                                        Answer& answer);

}  // namespace batchrun
