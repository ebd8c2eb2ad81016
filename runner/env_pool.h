// The pool as the environment describes it: P_API_KEYS and its kin for each provider known by name.
#pragma once

#include "runner/env.h"
#include "runner/pool_config.h"

namespace batchrun {

// For each provider P of OPENAI, ANTHROPIC, GEMINI, GROQ, CEREBRAS, OLLAMA, SERP (SerpApi), SERPER:
//   P_API_KEYS=k1,k2,k3 (blanks and quotes allowed), P_API_KEY_1 .. n in order of their numbers, P_API_KEY:
//     one list, duplicates removed
//   P_MODEL_<i>, P_MAX_TOKENS_PER_MINUTE_<i>, P_MAX_TOKENS_PER_DAY_<i>, P_MAX_REQUESTS_PER_MINUTE_<i>:
//     of the i-th key of that list, from 0; 0 = not limited
//   P_BASE_URL, OLLAMA_HOST, OPENAI_ORG_ID, OPENAI_PROJECT_ID, P_KEY_ROTATION_STRATEGY
// and API_KEY_HEALTH_CHECK_INTERVAL, RATE_LIMIT_ALERT_THRESHOLD. Ollama needs no key: its address or a model
// is enough, and stands for a key without a secret. A provider is listed if any of these is set. Throws
// UsageError naming the variable; no message holds a key.
PoolConfig pool_from_environment(const Environment& environment);

}  // namespace batchrun
