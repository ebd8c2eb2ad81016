// Anthropic's replies into values: one event of a stream, or a whole message. Pure. Source: Anthropic's API
// reference, Messages and Streaming.
//
// Text blocks make the content, thinking blocks the reasoning, tool_use blocks the tool calls; blocks of
// other types are passed over. stop_reason in OpenAI's words: end_turn, stop_sequence -> stop · max_tokens,
// model_context_window_exceeded -> length · tool_use -> tool_calls · refusal -> content_filter, with the
// explanation as refusal. pause_turn comes of tools that run on the server, which a chat row cannot ask for:
// its answer is not whole without another request, so it is none.
//
// Usage: input_tokens is what the cache had no part in, so the whole input is the sum of it, cache reads and
// cache writes. The counts of a stream are cumulative: each replaces the one before.
#pragma once

#include <optional>
#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// An event of a chat row's stream into `draft`; what it is, its data says in `type`. Text, thinking, a
// tool_use block or a stop_reason sets content_seen; message_start, pings, empty blocks and usage do not.
// message_stop sets end_mark, and only with it the stream is whole. An error event is a fault.
std::optional<Fault> decode_anthropic_event(std::string_view event_name, std::string_view data,
                                            AnswerDraft& draft);

// A whole 2xx body into `answer`: a chat.completion for a chat row, else the body as it came, on one line.
// Nothing is left in `answer` when there is a fault.
std::optional<Fault> decode_anthropic_body(Api api, const ResponseHead& head, std::string_view body,
                                           Answer& answer);

}  // namespace batchrun
