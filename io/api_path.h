// The path a row's `url` names, as an interface. Pure. Source: the API references of each provider.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/api.h"

namespace batchrun {

struct ApiPath {
  Api api = Api::chat;
  std::string_view model;  // a part of the path, where it names one (Gemini); "" where the body does
};

// Nothing for any other path: a row chooses one of these and nothing else.
std::optional<ApiPath> parse_api_path(std::string_view path);

// All of them, for a message.
inline constexpr std::string_view api_paths =
    "/v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages, "
    "/v1beta/models/MODEL:generateContent, /api/chat";

}  // namespace batchrun
