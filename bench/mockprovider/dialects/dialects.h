// Every provider's voice, one for each flavour.
#pragma once

#include "bench/mockprovider/dialect.h"

namespace batchrun::mock {

const Dialect& openai_dialect();
const Dialect& groq_dialect();
const Dialect& cerebras_dialect();
const Dialect& azure_dialect();
const Dialect& openrouter_dialect();
const Dialect& vllm_dialect();
const Dialect& ollama_compat_dialect();  // of /v1
const Dialect& ollama_dialect();
const Dialect& anthropic_dialect();
const Dialect& gemini_dialect();
const Dialect& serpapi_dialect();
const Dialect& serper_dialect();

// SerpApi's GET /account.json. `searches_left`: absent = without end; `per_hour`: absent = not limited.
std::string serpapi_account(std::optional<std::uint64_t> searches_left, std::uint64_t this_hour,
                            std::optional<double> per_hour);

}  // namespace batchrun::mock
