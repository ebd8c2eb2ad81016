#include "io/api_path.h"

#include <algorithm>

namespace batchrun {
namespace {

struct Known {
  std::string_view path;
  Api api;
};
constexpr Known known[] = {
    {"/v1/chat/completions", Api::chat},
    {"/chat/completions", Api::chat},
    {"/openai/v1/chat/completions", Api::chat},
    {"/v1/responses", Api::responses},
    {"/v1/embeddings", Api::embeddings},
    {"/v1/messages", Api::anthropic_messages},
    {"/api/chat", Api::ollama_chat},
};

// It becomes a part of the request's path.
bool is_model_name(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 256 && std::all_of(text.begin(), text.end(), good) &&
         text.find("..") == std::string_view::npos;
}

// "/v1beta/models/gemini-2.5-flash:generateContent"
std::optional<ApiPath> parse_gemini(std::string_view path) {
  bool found = false;
  for (const std::string_view prefix : {"/v1beta/models/", "/v1/models/"}) {
    if (!path.starts_with(prefix)) continue;
    path.remove_prefix(prefix.size());
    found = true;
    break;
  }
  if (!found) return std::nullopt;
  const std::size_t colon = path.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view method = path.substr(colon + 1);
  const std::string_view model = path.substr(0, colon);
  if (method != "generateContent" && method != "streamGenerateContent") return std::nullopt;
  if (!is_model_name(model)) return std::nullopt;
  return ApiPath{Api::gemini_generate, model};
}

}  // namespace

std::optional<ApiPath> parse_api_path(std::string_view path) {
  for (const Known& one : known) {
    if (one.path == path) return ApiPath{one.api, {}};
  }
  return parse_gemini(path);
}

}  // namespace batchrun
