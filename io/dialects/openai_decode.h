// Replies in OpenAI's format into values: one event of a stream, or a whole body. Pure.
//
// Tolerated, since compatible servers do so: `choices`, `delta`, `content`, `usage` null, absent or empty; an
// id that changes; usage on any chunk, also Groq's under x_groq; unknown members, events and finish reasons.
// What cannot be understood where text would be lost is malformed_reply.
#pragma once

#include <optional>
#include <string_view>

#include "io/dialect.h"
#include "io/dialects/openai_flavour.h"

namespace batchrun {

// An event into `draft`. Text, reasoning, a tool call, a refusal or a finish reason sets content_seen; roles,
// empty text and usage do not. Data that starts with [DONE] sets end_mark. A truthy `error`, an event named
// "error", x_groq.error or the finish reason "error" is a fault. Empty data is passed over.
std::optional<Fault> decode_openai_event(OpenAiFlavour flavour, std::string_view event_name,
                                         std::string_view data, AnswerDraft& draft);

// A whole 2xx body into `answer`, whose body is the text as it came, on one line. Nothing is left in `answer`
// when there is a fault.
std::optional<Fault> decode_openai_body(OpenAiFlavour flavour, const ResponseHead& head,
                                        std::string_view body, Answer& answer);

}  // namespace batchrun
