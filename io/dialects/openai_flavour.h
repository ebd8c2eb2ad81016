// The kin of OpenAI's chat format. Source: providers' API references; the differences stand where they are
// made.
#pragma once

#include <cstdint>

namespace batchrun {

enum class OpenAiFlavour : std::uint8_t { openai, groq, cerebras, azure, ollama };

}  // namespace batchrun
