// Usage as OpenAI's chat.completion has it, for answers translated into that form. Pure.
#pragma once

#include <string>

#include "pool/outcome.h"

namespace batchrun {

// {"prompt_tokens":..,"completion_tokens":..,"total_tokens":..,"prompt_tokens_details":{"cached_tokens":..},
//  "completion_tokens_details":{"reasoning_tokens":..}}
std::string chat_usage_json(const Usage& usage);

}  // namespace batchrun
