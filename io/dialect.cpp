#include "io/dialect.h"

#include <array>

#include "io/dialects/anthropic.h"
#include "io/dialects/gemini.h"
#include "io/dialects/ollama.h"
#include "io/dialects/openai.h"
#include "io/dialects/serpapi.h"
#include "io/dialects/serper.h"

namespace batchrun {
namespace {

constexpr std::array<std::string_view, 10> names = {"openai",    "groq",   "cerebras", "azure",   "ollama_v1",
                                                    "anthropic", "gemini", "ollama",   "serpapi", "serper"};

}  // namespace

std::optional<Fault> Dialect::judge_probe(const ResponseHead& head, std::string_view body) const {
  if (head.status >= 200 && head.status < 300) return std::nullopt;
  return classify(head, body);
}

std::string_view name(DialectKind kind) {
  return names[static_cast<std::size_t>(kind)];
}

std::optional<DialectKind> dialect_named(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<DialectKind>(i);
  }
  return std::nullopt;
}

std::span<const std::string_view> dialect_names() {
  return names;
}

std::unique_ptr<Dialect> make_dialect(DialectKind kind) {
  switch (kind) {
    case DialectKind::openai:
      return make_openai_dialect(OpenAiFlavour::openai);
    case DialectKind::groq:
      return make_openai_dialect(OpenAiFlavour::groq);
    case DialectKind::cerebras:
      return make_openai_dialect(OpenAiFlavour::cerebras);
    case DialectKind::azure:
      return make_openai_dialect(OpenAiFlavour::azure);
    case DialectKind::ollama_v1:
      return make_openai_dialect(OpenAiFlavour::ollama);
    case DialectKind::anthropic:
      return make_anthropic_dialect();
    case DialectKind::gemini:
      return make_gemini_dialect();
    case DialectKind::ollama:
      return make_ollama_dialect();
    case DialectKind::serpapi:
      return make_serpapi_dialect();
    case DialectKind::serper:
      return make_serper_dialect();
  }
  return nullptr;
}

}  // namespace batchrun
