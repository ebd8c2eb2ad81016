// Why a reply of Anthropic's failed, as one Fault. Pure. Source: Anthropic's pages on errors and rate limits,
// and the error codes its clients know.
//
// A stable cause is in error.details.error_code; an unknown one says nothing. The order of the decisions:
//   402, billing_error, a spend limit's code, "Your credit balance is too low", "You have reached your
//   specified ..." -> quota_exhausted
//   429 of Anthropic's own without retry-after that names no limit per minute: a tier's monthly cap, which
//   every other 429 of theirs is told from by that field -> quota_exhausted
//   organization_on_hold, authentication_error -> unauthorized
//   404 not_found_error, 403 about a model -> model_unavailable
//   "content filtering policy" -> content_refused
//   overloaded_error -> overloaded
//   else what the status says (reply_fault.h, also for x-should-retry and the waits).
#pragma once

#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// Of a reply that is not 2xx, or a 2xx reply whose body is an error.
Fault anthropic_fault(const ResponseHead& head, std::string_view body);

// Of an error event in a stream. The fault's status is 0.
Fault anthropic_event_fault(std::string_view data);

}  // namespace batchrun
