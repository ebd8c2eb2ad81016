// Token counts as OpenAI's interfaces state them. Pure. Source: the API references of chat, responses and
// embeddings.
#pragma once

#include "io/json_tokens.h"
#include "pool/outcome.h"

namespace batchrun {

// Of a `usage` object of any of the three: prompt_tokens or input_tokens, completion_tokens or output_tokens,
// and their details, which are parts of them. Usage::known: at least one of the counts is there.
Usage openai_usage(const JsonTokens& tokens, JsonTokens::Value object);

}  // namespace batchrun
