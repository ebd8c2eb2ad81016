// What the x-ratelimit-* fields of OpenAI and its kin say. Pure. Source: the rate-limit
// pages of each.
#pragma once

#include "io/dialect.h"
#include "io/dialects/openai_flavour.h"

namespace batchrun {

// The readings a reply states.
//  - openai: six fields, without the window in their name. They are per minute, unless the reset is further
//  away than a
//    minute's budget could ever need to refill: then per day (low tiers). A project's token limit replaces
//    the organisation's when less of it is left. Azure writes bare seconds, and -1 for what it does not know.
//  - groq: the same names, requests per day and tokens per minute, always.
//  - cerebras: the window is in the name; other windows than minute and day are passed over.
// OpenAI names the organisation as well (openai-organization).
// A negative or unreadable value, and a limit of zero, is absent. A reset is at most its window.
ServerLimits openai_limits(OpenAiFlavour flavour, const ResponseHead& head);

}  // namespace batchrun
