// The rate-limit header fields of each flavour. Names and formats after the providers' rate-limit pages.
#pragma once

#include <string>

#include "bench/mockprovider/moment.h"
#include "bench/mockprovider/quota.h"
#include "bench/mockprovider/scenario.h"

namespace batchrun::mock {

// Appends the fields that tell limits, what remains and when it resets, for the limits that are set.
//   openai    requests per minute (per day when no minute limit is set), tokens per minute; Go durations
//   groq      requests per DAY and tokens per minute; nothing tells requests per minute; a refusal for
//   requests per
//             minute has no token fields
//   cerebras  the window is in the name; seconds as a decimal number
// `refusal` not null: the reply is that refusal. One that can never fit shows an untouched budget.
void append_limit_fields(std::string& out, Quota& quota, Flavour flavour, Moment now, const Refusal* refusal);

}  // namespace batchrun::mock
