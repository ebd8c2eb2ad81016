#include "io/api.h"

namespace batchrun {

std::string_view name(Api api) {
  switch (api) {
    case Api::chat:
      return "a chat row";
    case Api::responses:
      return "a row for /v1/responses";
    case Api::embeddings:
      return "a row for /v1/embeddings";
    case Api::anthropic_messages:
      return "a row for /v1/messages";
    case Api::gemini_generate:
      return "a row for generateContent";
    case Api::ollama_chat:
      return "a row for /api/chat";
    case Api::search:
      return "a search row";
  }
  return "";
}

}  // namespace batchrun
