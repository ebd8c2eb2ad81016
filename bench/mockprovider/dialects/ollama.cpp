// Ollama: POST /api/chat and the voices of its two interfaces, the native one and the one below /v1
// (https://github.com/ollama/ollama/blob/main/docs/api.md, .../docs/openai.md, server/routes.go,
// openai/openai.go).
#include <fmt/format.h>

#include <iterator>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/json_view.h"
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

// Reads a chat body into a call.
class Reader {
 public:
  Reader(JsonView body, Call& out) : body_(body), out_(out), prompt_(out) {}

  std::optional<Problem> read() {
    out_.model = body_["model"].text();
    if (out_.model.empty()) return invalid_request("model is required");
    const JsonView stream = body_["stream"];
    if (stream.exists() && !stream.is_bool())
      return invalid_request("json: cannot unmarshal into Go struct field ChatRequest.stream of type bool");
    out_.stream = !stream.exists() || stream.is_true();
    out_.max_tokens = body_["options"]["num_predict"].whole();
    const JsonView think = body_["think"];
    out_.thinks = think.is_true() || !think.text().empty();
    const JsonView messages = body_["messages"];
    if (messages.size() == 0) return load_only();
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const std::string_view role = messages[i]["role"].text();
      if (role != "user" && role != "system" && role != "assistant" && role != "tool")
        return invalid_request(
            fmt::format("invalid role: {}, must be one of [system, user, assistant, tool]", role));
      prompt_.message(role);
      prompt_.text(messages[i]["content"].text());
    }
    prompt_.done();
    read_tools();
    read_format();
    return std::nullopt;
  }

 private:
  // Without messages the model is only loaded.
  std::optional<Problem> load_only() {
    out_.max_tokens = 0;
    out_.thinks = false;
    return std::nullopt;
  }

  void read_tools() {
    const JsonView tools = body_["tools"];
    if (prompt_.last_is_tool()) return;
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const JsonView function = tools[i]["function"];
      if (function["name"].text().empty()) continue;
      out_.tool_name = function["name"].text();
      out_.tool_arguments = function["parameters"].sample();
      return;
    }
  }

  void read_format() {
    const JsonView format = body_["format"];
    if (format.is_object()) out_.json_answer = format.sample();
    if (format.text() != "json") return;
    out_.json_answer = marker_as_json(out_);
  }

  JsonView body_;
  Call& out_;
  PromptReader prompt_;
};

// {"model":...,"created_at":...,"message":{"role":"assistant",
std::string start(const Answer& answer) {
  std::string out = "{\"model\":";
  append_json_string(out, answer.frame.model);
  std::string at = rfc3339(answer.frame.created);
  at.insert(at.size() - 1, ".097767");
  return out + fmt::format(R"(,"created_at":"{}","message":{{"role":"assistant",)", at);
}

void append_content(std::string& out, std::string_view text) {
  out += "\"content\":";
  append_json_string(out, text);
}

// Arguments are an object here, not a string.
void append_tool_call(std::string& out, const Answer& answer) {
  out += R"(,"tool_calls":[{"function":{"name":)";
  append_json_string(out, answer.call.tool_name);
  out.append(",\"arguments\":").append(answer.completion.text).append("}}]");
}

// },"done":true,... A counter that is 0 is left out, as Go's omitempty does.
std::string end(const Answer& answer) {
  const Completion& c = answer.completion;
  const bool only_loaded = answer.call.prompt_tokens == 0;
  std::string out =
      fmt::format(R"(}},"done":true,"done_reason":"{}")", only_loaded                  ? "load"
                                                          : c.finish == Finish::length ? "length"
                                                                                       : "stop");
  if (only_loaded || !answer.frame.usage) return out + "}";
  out += R"(,"total_duration":174560334,"load_duration":101397084)";
  auto to = std::back_inserter(out);
  fmt::format_to(to, R"(,"prompt_eval_count":{},"prompt_eval_duration":13074791)", answer.call.prompt_tokens);
  if (c.tokens > 0) fmt::format_to(to, R"(,"eval_count":{},"eval_duration":52479709)", c.tokens);
  return out + "}";
}

class NativeChat final : public Endpoint {
 public:
  std::optional<Problem> read(const HttpRequest& request, const Target&, Call& out) const override {
    std::optional<Problem> problem;
    const bool parsed = with_json(request.body, [&](JsonView body) {
      problem = body.is_object() ? Reader(body, out).read()
                                 : invalid_request("json: cannot unmarshal into Go value");
    });
    return parsed ? problem
                  : invalid_request(request.body.empty() ? "missing request body" : "unexpected EOF");
  }

  std::string_view plain_member() const override { return "message"; }

  void append_plain(std::string& out, const Answer& answer) const override {
    const Completion& c = answer.completion;
    out += start(answer);
    append_content(out, c.is_tool_call() ? "" : c.text);
    if (!c.thought.empty()) {
      out += ",\"thinking\":";
      append_json_string(out, c.thought);
    }
    if (c.is_tool_call()) append_tool_call(out, answer);
    out += end(answer);
  }

  StreamForm form(const Call&) const override {
    return {.framing = StreamForm::Framing::ndjson,
            .content_type = "application/x-ndjson",
            .content_member = "message"};
  }

  // The last line is both: the finish and the end.
  void make_events(StreamEvents& out, const Answer& answer, std::uint32_t chunks) const override {
    const Completion& c = answer.completion;
    const auto add = [&](auto append) {
      std::string line = start(answer);
      append(line);
      out.data.push_back(line + "},\"done\":false}");
    };
    if (!c.thought.empty()) {
      add([&](std::string& line) {
        line += "\"content\":\"\",\"thinking\":";
        append_json_string(line, c.thought);
      });
    }
    out.first_content = out.data.size();
    if (c.is_tool_call()) {
      add([&](std::string& line) {
        append_content(line, "");
        append_tool_call(line, answer);
      });
    } else {
      for_each_chunk(c, chunks, [&](std::string_view piece, std::size_t, bool) {
        add([&](std::string& line) { append_content(line, piece); });
      });
    }
    out.finish = out.data.size();
    out.contents = out.finish - out.first_content;
    std::string last = start(answer);
    append_content(last, "");
    out.data.push_back(last + end(answer));
    out.end_mark = out.data.size();
  }
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

const Endpoint& ollama_chat() {
  static const NativeChat endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
