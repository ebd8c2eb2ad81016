#include "bench/mockprovider/dialects/routes.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

using Kind = Route::Kind;

Route route(std::string_view method, std::string_view target, bool version_field = false) {
  HttpRequest request;
  request.method = method;
  request.target = target;
  if (version_field) request.fields.emplace_back("Anthropic-Version", "2023-06-01");
  return route_of(request);
}

TEST(Routes, PathsTellEndpointFlavourAndModel) {
  const struct {
    const char *method, *target;
    Kind kind;
    const Endpoint* endpoint;
    std::optional<Flavour> flavour;
    const char* model = "";
  } cases[] = {
      {"POST", "/v1/chat/completions", Kind::call, &openai_chat(), {}},
      {"POST", "/v1/responses", Kind::call, &openai_responses(), {}},
      {"POST", "/v1/embeddings", Kind::call, &openai_embeddings(), {}},
      {"POST", "/openai/v1/chat/completions", Kind::call, &openai_chat(), Flavour::groq},
      {"POST", "/api/v1/chat/completions", Kind::call, &openai_chat(), Flavour::openrouter},
      {"POST", "/openai/deployments/my%2Dgpt/chat/completions?api-version=2024-06-01", Kind::call,
       &openai_chat(), Flavour::azure, "my-gpt"},
      {"POST", "/openai/deployments/e/embeddings?api-version=1", Kind::call, &openai_embeddings(),
       Flavour::azure, "e"},
      {"POST", "/openai/deployments/my-gpt/chat/completions", Kind::unknown, nullptr, Flavour::azure,
       "my-gpt"},
      {"POST", "/v1/messages", Kind::call, &anthropic_messages(), Flavour::anthropic},
      {"POST", "/v1beta/models/g-2.5:generateContent", Kind::call, &gemini_content(), Flavour::gemini,
       "g-2.5"},
      {"POST", "/v1beta/models/g:streamGenerateContent?alt=sse", Kind::call, &gemini_content(),
       Flavour::gemini, "g"},
      {"POST", "/v1beta/models/g:embedContent", Kind::unknown, nullptr, Flavour::gemini, "g"},
      {"POST", "/api/chat", Kind::call, &ollama_chat(), Flavour::ollama},
      {"GET", "/api/tags", Kind::models, nullptr, Flavour::ollama},
      {"GET", "/search.json?q=x", Kind::call, &serpapi_search(), Flavour::serpapi},
      {"GET", "/search?q=x", Kind::call, &serpapi_search(), Flavour::serpapi},
      {"POST", "/search", Kind::call, &serper_search(), Flavour::serper},
      {"GET", "/account.json?api_key=k", Kind::account, nullptr, Flavour::serpapi},
      {"GET", "/v1/models", Kind::models, nullptr, {}},
      {"GET", "/v1/models/org/m2", Kind::models, nullptr, {}, "org/m2"},
      {"GET", "/v1beta/models/g", Kind::models, nullptr, Flavour::gemini, "g"},
      {"GET", "/v1/modelsx", Kind::unknown, nullptr, {}},
      {"POST", "/v1/models", Kind::wrong_method, nullptr, {}},
      {"GET", "/v1/chat/completions", Kind::wrong_method, nullptr, {}},
      {"DELETE", "/search", Kind::wrong_method, nullptr, Flavour::serpapi},
      {"POST", "/", Kind::unknown, nullptr, {}},
  };
  for (const auto& c : cases) {
    const Route r = route(c.method, c.target);
    EXPECT_EQ(r.kind, c.kind) << c.target;
    if (c.kind == Kind::call) {
      EXPECT_EQ(r.endpoint, c.endpoint) << c.target;
    }
    EXPECT_EQ(r.flavour, c.flavour) << c.target;
    EXPECT_EQ(r.model, c.model) << c.target;
    EXPECT_EQ(r.dialect != nullptr, c.flavour == Flavour::ollama) << c.target;
  }
  EXPECT_EQ(route("GET", "/v1/models", true).flavour, Flavour::anthropic) << "its clients name the version";
}

TEST(Routes, KeysAreWhereTheProviderLooksForThem) {
  HttpRequest request;
  request.target = "/x?key=query%2Dkey&api_key=serp";
  request.fields = {{"Authorization", "Bearer bearer"}, {"X-Api-Key", "x"}, {"api-key", "azure"}};
  EXPECT_EQ(credential_of(request, {}), "bearer");
  EXPECT_EQ(credential_of(request, Flavour::anthropic), "x") << "x-api-key counts when there are both";
  EXPECT_EQ(credential_of(request, Flavour::serper), "x");
  EXPECT_EQ(credential_of(request, Flavour::serpapi), "serp");
  EXPECT_EQ(credential_of(request, Flavour::gemini), "query-key");
  request.fields = {{"api-key", "azure"}, {"x-goog-api-key", "goog"}, {"Authorization", "Basic nonsense"}};
  EXPECT_EQ(credential_of(request, Flavour::azure), "azure");
  EXPECT_EQ(credential_of(request, Flavour::gemini), "goog");
  EXPECT_EQ(credential_of(request, Flavour::anthropic), "");
}

}  // namespace
}  // namespace batchrun::mock
