// Gemini's replies into values: one chunk of a stream, or a whole body; both are a GenerateContentResponse.
// Pure. Source: ai.google.dev/api/generate-content (Candidate, FinishReason, UsageMetadata, PromptFeedback).
//
// As OpenAI says it:
//   text -> content · parts with "thought": true -> reasoning · functionCall -> tool_calls, each whole, with
//   an id made of the reply's when it has none · responseId -> id · modelVersion -> model prompt_tokens:
//   promptTokenCount and toolUsePromptTokenCount · completion_tokens: candidatesTokenCount and
//   thoughtsTokenCount · cached_tokens: cachedContentTokenCount
//   STOP -> stop, with a call tool_calls · MAX_TOKENS -> length · SAFETY, RECITATION, OTHER and their kin ->
//   content_filter, as a prompt that was blocked · CONTINUATION -> length: the answer is cut, what is left
//   would take another request · an unknown word -> itself in small letters
//   MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL and their kin -> model_stumbled
// There is no end mark: a stream is whole when every candidate has its finish reason.
#pragma once

#include <optional>
#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// A chunk into `draft`. Usage is cumulative: the last replaces what was there, a chunk without changes
// nothing. An error, alone or first in an array, is a fault. Empty data is passed over.
std::optional<Fault> decode_gemini_event(std::string_view data, AnswerDraft& draft);

// A whole 2xx body into `answer`: of Api::gemini_generate the text as it came, on one line; else a
// chat.completion. Without a finish reason and a blocked prompt it is no answer.
std::optional<Fault> decode_gemini_body(Api api, const ResponseHead& head, std::string_view body,
                                        Answer& answer);

}  // namespace batchrun
