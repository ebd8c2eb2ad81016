#include "bench/mockprovider/dialects/routes.h"

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

struct FixedPath {
  std::string_view path, method;
  Route::Kind kind;
  const Endpoint& (*endpoint)() = nullptr;
  std::optional<Flavour> flavour{};
};

using enum Flavour;
using Kind = Route::Kind;

constexpr FixedPath fixed_paths[] = {
    {"/v1/chat/completions", "POST", Kind::call, openai_chat},
    {"/v1/responses", "POST", Kind::call, openai_responses},
    {"/v1/embeddings", "POST", Kind::call, openai_embeddings},
    {"/openai/v1/chat/completions", "POST", Kind::call, openai_chat, groq},
    {"/openai/v1/responses", "POST", Kind::call, openai_responses, groq},
    {"/openai/v1/embeddings", "POST", Kind::call, openai_embeddings, groq},
    {"/api/v1/chat/completions", "POST", Kind::call, openai_chat, openrouter},
    {"/v1/messages", "POST", Kind::call, anthropic_messages, anthropic},
    {"/api/chat", "POST", Kind::call, ollama_chat, ollama},
    {"/api/tags", "GET", Kind::models, nullptr, ollama},
    {"/search", "POST", Kind::call, serper_search, serper},
    {"/search", "GET", Kind::call, serpapi_search, serpapi},
    {"/search.json", "GET", Kind::call, serpapi_search, serpapi},
    {"/account.json", "GET", Kind::account, nullptr, serpapi},
    {"/account", "GET", Kind::account, nullptr, serpapi},
};

struct ModelsPath {
  std::string_view path;
  std::optional<Flavour> flavour{};
};

constexpr ModelsPath models_paths[] = {
    {"/v1/models"}, {"/openai/v1/models", groq}, {"/api/v1/models", openrouter}, {"/v1beta/models", gemini}};

std::optional<Route> fixed_route(const HttpRequest& request) {
  std::optional<Route> other_method;
  for (const FixedPath& p : fixed_paths) {
    if (p.path != request.path()) continue;
    if (p.method == request.method)
      return Route{.kind = p.kind, .endpoint = p.endpoint ? &p.endpoint() : nullptr, .flavour = p.flavour};
    other_method = Route{.kind = Kind::wrong_method, .flavour = p.flavour, .allowed = p.method};
  }
  return other_method;
}

// /v1beta/models/MODEL:generateContent
std::optional<Route> gemini_route(const HttpRequest& request) {
  constexpr std::string_view start = "/v1beta/models/";
  const std::string_view path = request.path();
  const std::size_t colon = path.rfind(':');
  if (!path.starts_with(start) || colon == path.npos) return std::nullopt;
  const std::string_view method = path.substr(colon);
  Route route{.flavour = gemini, .model = percent_decoded(path.substr(start.size(), colon - start.size()))};
  if (method != ":generateContent" && method != ":streamGenerateContent") return route;
  route.kind = request.method == "POST" ? Kind::call : Kind::wrong_method;
  route.endpoint = &gemini_content();
  return route;
}

// /openai/deployments/DEPLOYMENT/chat/completions?api-version=...
std::optional<Route> azure_route(const HttpRequest& request) {
  constexpr std::string_view start = "/openai/deployments/";
  std::string_view path = request.path();
  if (!path.starts_with(start)) return std::nullopt;
  path.remove_prefix(start.size());
  const std::size_t slash = path.find('/');
  Route route{.flavour = azure, .model = percent_decoded(path.substr(0, slash))};
  const std::string_view rest = slash == path.npos ? "" : path.substr(slash);
  if (request.query("api-version").empty()) return route;
  if (rest == "/chat/completions") route.endpoint = &openai_chat();
  if (rest == "/embeddings") route.endpoint = &openai_embeddings();
  if (route.endpoint) route.kind = request.method == "POST" ? Kind::call : Kind::wrong_method;
  return route;
}

std::optional<Route> models_route(const HttpRequest& request) {
  for (const ModelsPath& p : models_paths) {
    std::string_view rest = request.path();
    if (!rest.starts_with(p.path)) continue;
    rest.remove_prefix(p.path.size());
    if (!rest.empty() && rest.front() != '/') continue;
    Route route{.kind = Kind::models, .flavour = p.flavour};
    if (!rest.empty()) route.model = percent_decoded(rest.substr(1));
    if (!route.flavour && request.count("anthropic-version") > 0) route.flavour = anthropic;
    if (request.method == "GET") return route;
    route.kind = Kind::wrong_method;
    route.allowed = "GET";
    return route;
  }
  return std::nullopt;
}

std::string_view bearer(const HttpRequest& request) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view given = request.field("authorization");
  return given.starts_with(scheme) ? given.substr(scheme.size()) : std::string_view{};
}

std::string_view first_given(std::string_view a, std::string_view b) {
  return a.empty() ? b : a;
}

}  // namespace

Route route_of(const HttpRequest& request) {
  Route route;
  for (const auto& find : {fixed_route, gemini_route, azure_route, models_route}) {
    if (auto found = find(request)) {
      route = std::move(*found);
      break;
    }
  }
  // Ollama has two voices, and the path tells which.
  if (route.flavour == ollama) route.dialect = &ollama_dialect();
  return route;
}

std::string credential_of(const HttpRequest& request, std::optional<Flavour> flavour) {
  if (flavour == anthropic) return std::string(first_given(request.field("x-api-key"), bearer(request)));
  if (flavour == serper) return std::string(request.field("x-api-key"));
  if (flavour == serpapi) return percent_decoded(request.query("api_key"));
  if (flavour == gemini) {
    const std::string_view field = request.field("x-goog-api-key");
    return field.empty() ? percent_decoded(request.query("key")) : std::string(field);
  }
  return std::string(first_given(bearer(request), request.field("api-key")));
}

}  // namespace batchrun::mock
