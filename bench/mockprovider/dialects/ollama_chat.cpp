// POST /api/chat of Ollama (https://github.com/ollama/ollama/blob/main/docs/api.md).
#include <fmt/format.h>

#include <iterator>

#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/json_view.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

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
  append_format(out, R"(,"prompt_eval_count":{},"prompt_eval_duration":13074791)", answer.call.prompt_tokens);
  if (c.tokens > 0) append_format(out, R"(,"eval_count":{},"eval_duration":52479709)", c.tokens);
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

const Endpoint& ollama_chat() {
  static const NativeChat endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
