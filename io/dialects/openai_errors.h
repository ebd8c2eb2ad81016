// Why a reply in OpenAI's format failed: status, header fields and whatever body came, as one Fault. Pure.
//
// The body may be anything: an error object, an error string, a flat object (Cerebras, older vLLM), FastAPI's
// "detail", HTML of a CDN, nothing. JSON is never required to classify.
//
// The order of the decisions (providers.md 1.4; sections 2.4, 6, 7, 9, 10 for the replies behind each):
//   a redirect -> bad_request · money gone, 402 -> quota_exhausted · refused content -> content_refused
//   401, invalid key -> unauthorized · 400/403/404 that is about the model -> model_unavailable
//   403 -> unauthorized; without JSON it is a CDN's and no verdict on the key -> server_error
//   "Request too large" of 429/413 -> exceeds_window · 429, Groq's 498 -> rate_limited
//   503, 529 -> overloaded · other 5xx, 408, 409, 425, 499 -> server_error
//   Groq's json_validate_failed, tool_use_failed: bad luck in sampling -> malformed_reply · other 4xx ->
//   bad_request
// Then x-should-retry: `false` makes a transient fault permanent for the row, and a rate limit one that
// waiting does not cure on this key (exceeds_window); `true` makes a bad request worth another try
// (server_error).
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
