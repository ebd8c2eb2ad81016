// Why a reply in OpenAI's format failed: status, header fields and whatever body came, as one Fault. Pure.
//
// The order of the decisions (from the error pages of OpenAI, Groq, Cerebras, Azure and OpenRouter, 2026):
//   money gone, 402 -> quota_exhausted · refused content -> content_refused · invalid key -> unauthorized
//   400/403/404 that is about the model -> model_unavailable
//   "Request too large" of 429/413 -> exceeds_window · Groq's 498 -> rate_limited
//   Groq's json_validate_failed, tool_use_failed: bad luck in sampling -> model_stumbled
//   else what the status says (reply_fault.h, also for x-should-retry and the waits).
#pragma once

#include <string_view>

#include "io/dialect.h"
#include "io/dialects/openai_flavour.h"

namespace batchrun {

// Of a reply that is not 2xx, or a 2xx reply whose body is an error (then the body's own status or words
// decide).
Fault openai_fault(OpenAiFlavour flavour, const ResponseHead& head, std::string_view body);

// Of an error event in a stream. The fault's status is 0.
Fault openai_event_fault(OpenAiFlavour flavour, std::string_view data);

}  // namespace batchrun
