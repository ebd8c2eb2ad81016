#include "io/api_path.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(ApiPath, KnowsWhatARowMayName) {
  struct Case {
    std::string_view path;
    Api api;
    std::string_view model;
  };
  const Case table[] = {
      {"/v1/chat/completions", Api::chat, ""},
      {"/chat/completions", Api::chat, ""},
      {"/openai/v1/chat/completions", Api::chat, ""},
      {"/v1/responses", Api::responses, ""},
      {"/v1/embeddings", Api::embeddings, ""},
      {"/v1/messages", Api::anthropic_messages, ""},
      {"/api/chat", Api::ollama_chat, ""},
      {"/v1beta/models/gemini-2.5-flash:generateContent", Api::gemini_generate, "gemini-2.5-flash"},
      {"/v1beta/models/g:streamGenerateContent", Api::gemini_generate, "g"},
      {"/v1/models/g_1:generateContent", Api::gemini_generate, "g_1"},
  };
  for (const Case& c : table) {
    const auto path = parse_api_path(c.path);
    ASSERT_TRUE(path) << c.path;
    EXPECT_EQ(path->api, c.api) << c.path;
    EXPECT_EQ(path->model, c.model) << c.path;
  }
}

TEST(ApiPath, KnowsNothingElse) {
  for (const std::string_view path :
       {"", "/", "/v1/chat/completions/", "/v1/messages?x=1", "/v1/messages/batches", "//api/chat",
        "/api/generate", "/v1beta/models/:generateContent", "/v1beta/models/a/b:generateContent",
        "/v1beta/models/../x:generateContent", "/v1beta/models/a%2f:generateContent",
        "/v1beta/models/a:countTokens", "/v1beta/models/a:generateContent?key=x", "/v1beta/models/a",
        "/v1beta/models/a b:generateContent"}) {
    EXPECT_FALSE(parse_api_path(path)) << path;
  }
}

}  // namespace
}  // namespace batchrun
