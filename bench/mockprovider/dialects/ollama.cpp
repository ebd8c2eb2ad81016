// The voices of Ollama's two interfaces, the native one and the one below /v1
// (https://github.com/ollama/ollama: server/routes.go, openai/openai.go).
#include <fmt/format.h>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

struct Worded {
  int status;
  std::string message;
};

Worded worded(const Problem& p) {
  Worded w{500, "an internal error has occurred"};
  switch (p.trouble) {
    case Trouble::invalid:
      w = {400, p.message};
      break;
    case Trouble::no_key:
    case Trouble::incorrect_key:
      w = {401, "unauthorized"};
      break;
    case Trouble::unknown_model:
      w = {404, fmt::format("model \"{}\" not found, try pulling it first", p.model)};
      break;
    case Trouble::unknown_url:
      w = {404, "404 page not found"};
      break;
    case Trouble::wrong_method:
      w = {405, "405 method not allowed"};
      break;
    case Trouble::server_error:
      break;
    case Trouble::overloaded:
      w = {503, "server busy, please try again.  maximum pending requests exceeded"};
      break;
    case Trouble::quota_gone:
      w = {429, "you have reached your usage limit, upgrade for higher limits"};
      break;
    case Trouble::context_too_long:
      w = {400, "the input length exceeds the context length"};
      break;
    case Trouble::prompt_refused:
      w = {400, "the prompt was refused"};
      break;
    case Trouble::rate_limited:
      w = {429, "too many requests"};
      break;
  }
  if (p.status > 0) w.status = p.status;
  return w;
}

class Ollama final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    const Worded w = worded(problem);
    std::string body = "{\"error\":";
    append_json_string(body, w.message);
    if (w.status == 401) body += R"(,"signin_url":"https://ollama.com/connect")";
    return {w.status, body + "}"};
  }

  void append_reply_fields(std::string&, std::string_view, std::string_view) const override {}
  void append_absurd_limit_fields(std::string&) const override {}

  // As GET /api/tags.
  std::string model_list(const std::vector<std::string>& names) const override {
    std::string out = "{\"models\":[";
    for (const std::string& name : names) {
      if (&name != &names.front()) out += ',';
      out += model(name);
    }
    return out + "]}";
  }

  std::string model(std::string_view name) const override {
    std::string quoted;
    append_json_string(quoted, name);
    return fmt::format(
        R"({{"name":{0},"model":{0},"modified_at":"2026-08-21T10:00:00.123456Z","size":2019393189,)"
        R"("digest":"a80c4f17acd5","details":{{"parent_model":"","format":"gguf","family":"llama",)"
        R"("families":["llama"],"parameter_size":"3.2B","quantization_level":"Q4_K_M"}}}})",
        quoted);
  }

  std::string_view keep_alive() const override { return "\n"; }
};

class OllamaCompat final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    const Worded w = worded(problem);
    std::string body = "{\"error\":{\"message\":";
    append_json_string(body, w.message);
    const std::string_view type = w.status == 400   ? "invalid_request_error"
                                  : w.status == 404 ? "not_found_error"
                                                    : "api_error";
    return {w.status, body + fmt::format(R"(,"type":"{}","param":null,"code":null}}}})", type)};
  }

  // The failure is invisible: an empty chunk, and no end.
  void append_stream_error(StreamEvents& events, const Problem&) const override {
    events.data.emplace_back(
        R"({"id":"chatcmpl-0","object":"chat.completion.chunk","created":0,"model":"","system_fingerprint":)"
        R"("fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})");
  }

  void append_reply_fields(std::string&, std::string_view, std::string_view) const override {}
};

}  // namespace

const Dialect& ollama_dialect() {
  static const Ollama dialect;
  return dialect;
}

const Dialect& ollama_compat_dialect() {
  static const OllamaCompat dialect;
  return dialect;
}

}  // namespace batchrun::mock
