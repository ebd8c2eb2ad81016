// Replies of OpenAI's responses interface into values: one event of a stream, or a whole body. Pure. Source:
// the API reference of responses and of its streaming events.
//
// The answer's body is the response object as the provider wrote it; of a stream, that of the event that ends
// it. finish_reason in OpenAI's words of chat: completed -> stop, with a function call tool_calls, with a
// refusal content_filter · incomplete -> length, or content_filter if it says so.
#pragma once

#include <optional>
#include <string_view>

#include "io/dialect.h"
#include "io/dialects/openai_flavour.h"

namespace batchrun {

// An event into `draft`. Text, arguments, a refusal or reasoning that comes (a "...delta" with something in
// it) sets content_seen; response.completed and response.incomplete set end_mark too. response.failed and an
// error event are faults. [DONE] alone ends nothing: the answer has not come.
std::optional<Fault> decode_responses_event(OpenAiFlavour flavour, std::string_view event_name,
                                            std::string_view data, AnswerDraft& draft);

// A whole 2xx body into `answer`. A response that failed is a fault by its error's code; one that is only
// queued (background) is no answer, and nobody waits for it: bad_request.
std::optional<Fault> decode_responses_body(OpenAiFlavour flavour, const ResponseHead& head,
                                           std::string_view body, Answer& answer);

}  // namespace batchrun
