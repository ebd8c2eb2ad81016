#include "bench/mockprovider/dialect.h"

#include <cstdlib>
#include <iterator>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

const Dialect& dialect_of(Flavour flavour) {
  switch (flavour) {
    case Flavour::openai:
      return openai_dialect();
    case Flavour::groq:
      return groq_dialect();
    case Flavour::cerebras:
      return cerebras_dialect();
    case Flavour::azure:
      return azure_dialect();
    case Flavour::openrouter:
      return openrouter_dialect();
    case Flavour::vllm:
      return vllm_dialect();
    case Flavour::ollama:
      return ollama_compat_dialect();
    case Flavour::anthropic:
      return anthropic_dialect();
    case Flavour::gemini:
      return gemini_dialect();
    case Flavour::serpapi:
      return serpapi_dialect();
    case Flavour::serper:
      return serper_dialect();
  }
  return openai_dialect();
}

void Dialect::append_stream_error(StreamEvents& events, const Problem& problem) const {
  events.data.push_back(error(problem).body);
}

void Dialect::append_reply_fields(std::string& out, std::string_view id, std::string_view) const {
  out.append("x-request-id: req_").append(id).append("\r\n");
}

void Dialect::append_limit_fields(std::string&, Quota&, Now, const Refusal*) const {}

void Dialect::append_absurd_limit_fields(std::string& out) const {
  out +=
      "x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 999999999999\r\n"
      "x-ratelimit-reset-requests: soon\r\nx-ratelimit-limit-tokens: -1\r\n"
      "x-ratelimit-remaining-tokens: -1\r\nx-ratelimit-reset-tokens: 9999999h\r\n";
}

void Dialect::append_retry_after(std::string& out, Moment wait) const {
  const auto s = std::chrono::ceil<std::chrono::seconds>(wait).count();
  append_format(out, "retry-after: {}\r\n", s < 1 ? 1 : s);
}

std::string Dialect::model_list(const std::vector<std::string>& names) const {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ',';
    out += model(names[i]);
  }
  return out + "]}";
}

std::string Dialect::model(std::string_view name) const {
  std::string out = "{\"id\":";
  append_json_string(out, name);
  return out + R"(,"object":"model","created":1686935002,"owned_by":"system"})";
}

StreamForm Endpoint::form(const Call&) const {
  return {};
}

void Endpoint::make_events(StreamEvents&, const Answer&, std::uint32_t) const {
  std::abort();
}

void Endpoint::append_stream_error(StreamEvents& events, const Dialect& dialect,
                                   const Problem& problem) const {
  dialect.append_stream_error(events, problem);
}

}  // namespace batchrun::mock
