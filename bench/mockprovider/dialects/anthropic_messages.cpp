// POST /v1/messages of Anthropic (https://docs.claude.com/en/api/messages, .../build-with-claude/streaming).
#include <fmt/format.h>

#include <iterator>

#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/json_view.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

constexpr std::string_view old_version = "2023-06-01", new_version = "2026-10-21";

// Reads a messages body into a call.
class Reader {
 public:
  Reader(JsonView body, std::string_view version, Call& out)
      : body_(body), version_(version), out_(out), prompt_(out) {}

  std::optional<Problem> read() {
    for (const char* name : {"model", "max_tokens", "messages"}) {
      if (!body_[name].exists()) return invalid_request(fmt::format("{}: Field required", name));
    }
    if (auto problem = read_settings()) return problem;
    read_system();
    if (auto problem = read_messages()) return problem;
    prompt_.done();
    read_tools();
    const JsonView format = body_["output_config"]["format"];
    if (format["type"].text() == "json_schema") out_.json_answer = format["schema"].sample();
    return std::nullopt;
  }

 private:
  std::optional<Problem> read_settings() {
    out_.model = body_["model"].text();
    if (out_.model.empty()) return invalid_request("model: Input should be a valid string");
    out_.max_tokens = body_["max_tokens"].whole();
    if (!out_.max_tokens) return invalid_request("max_tokens: Input should be a valid integer");
    const JsonView stream = body_["stream"];
    if (stream.exists() && !stream.is_bool())
      return invalid_request("stream: Input should be a valid boolean");
    out_.stream = stream.is_true();
    for (const char* name : {"temperature", "top_p", "top_k"}) {
      if (version_ == new_version && body_[name].exists())
        return invalid_request(fmt::format("{}: Extra inputs are not permitted", name));
    }
    for (const char* name : {"n", "seed", "stream_options", "response_format"}) {
      if (body_[name].exists())
        return invalid_request(fmt::format("{}: Extra inputs are not permitted", name));
    }
    return read_thinking();
  }

  std::optional<Problem> read_thinking() {
    const JsonView thinking = body_["thinking"];
    const std::string_view type = thinking["type"].text();
    out_.thinks = type == "enabled" || type == "adaptive";
    if (type != "enabled") return std::nullopt;
    const auto budget = thinking["budget_tokens"].whole();
    if (budget.value_or(0) < 1024)
      return invalid_request("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
    if (*budget >= *out_.max_tokens)
      return invalid_request("`max_tokens` must be greater than `thinking.budget_tokens`.");
    return std::nullopt;
  }

  void read_system() {
    const JsonView system = body_["system"];
    if (!system.exists()) return;
    prompt_.message("system");
    read_content(system);
  }

  std::optional<Problem> read_messages() {
    const JsonView messages = body_["messages"];
    if (messages.size() == 0) return invalid_request("messages: at least one message is required");
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const std::string_view role = messages[i]["role"].text();
      if (role != "user" && role != "assistant" && role != "system")
        return invalid_request(fmt::format("messages.{}.role: Input should be 'user' or 'assistant'", i));
      const JsonView content = messages[i]["content"];
      if (!content.is_text() && !content.is_array())
        return invalid_request(fmt::format("messages.{}.content: Field required", i));
      prompt_.message(holds_tool_result(content) ? "tool" : role);
      read_content(content);
    }
    return std::nullopt;
  }

  static bool holds_tool_result(JsonView content) {
    for (std::size_t i = 0; i < content.size(); ++i) {
      if (content[i]["type"].text() == "tool_result") return true;
    }
    return false;
  }

  void read_content(JsonView content) {
    prompt_.text(content.text());
    for (std::size_t i = 0; i < content.size(); ++i) {
      prompt_.text(content[i]["text"].text());
      prompt_.text(content[i]["content"].text());
    }
  }

  void read_tools() {
    const JsonView tools = body_["tools"], choice = body_["tool_choice"];
    if (prompt_.last_is_tool() || choice["type"].text() == "none") return;
    const std::string_view wanted = choice["name"].text();
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const std::string_view name = tools[i]["name"].text();
      if (name.empty() || (!wanted.empty() && wanted != name)) continue;
      out_.tool_name = name;
      out_.tool_arguments = tools[i]["input_schema"].sample();
      return;
    }
  }

  JsonView body_;
  std::string_view version_;
  Call& out_;
  PromptReader prompt_;
};

std::string_view stop_reason(const Completion& completion) {
  switch (completion.finish) {
    case Finish::stop:
      return "end_turn";
    case Finish::length:
      return "max_tokens";
    case Finish::tool_call:
      return "tool_use";
    case Finish::filtered:
    case Finish::refused:
      return "refusal";
  }
  return "end_turn";
}

// "stop_reason":...,"stop_sequence":null,"stop_details":...
std::string stop_members(const Completion& c) {
  const bool refused = c.finish == Finish::refused || c.finish == Finish::filtered;
  return fmt::format(
      R"("stop_reason":"{}","stop_sequence":null,"stop_details":{})", stop_reason(c),
      refused ? R"({"type":"refusal","category":"cyber","explanation":"This cannot be answered."})" : "null");
}

// "input_tokens":...,"cache_creation_input_tokens":...,"cache_read_input_tokens":...,"output_tokens":...
std::string usage_members(const Call& call, std::uint64_t output_tokens) {
  return fmt::format(R"("input_tokens":{},"cache_creation_input_tokens":0,"cache_read_input_tokens":{},)"
                     R"("output_tokens":{})",
                     call.prompt_tokens - call.cached_tokens, call.cached_tokens, output_tokens);
}

std::string thinking_details(const Completion& c) {
  return fmt::format(R"("output_tokens_details":{{"thinking_tokens":{}}})", c.thought_tokens);
}

constexpr std::string_view signature = "EqQBCgIYAhIkMTIzNDU2Nzg5MGFiY2RlZg==";

std::string tool_use_start(const Answer& answer) {
  std::string out = fmt::format(R"({{"type":"tool_use","id":"toolu_{}","name":)", answer.frame.id);
  append_json_string(out, answer.call.tool_name);
  return out;
}

void append_blocks(std::string& out, const Answer& answer) {
  const Completion& c = answer.completion;
  if (!c.thought.empty()) {
    out += R"({"type":"thinking","thinking":)";
    append_json_string(out, c.thought);
    out.append(R"(,"signature":")").append(signature).append("\"}");
  }
  if (c.text.empty()) return;
  if (!c.thought.empty()) out += ',';
  if (c.is_tool_call()) {
    out.append(tool_use_start(answer)).append(",\"input\":").append(c.text).append("}");
  } else {
    out += R"({"type":"text","text":)";
    append_json_string(out, c.text);
    out += R"(,"citations":null})";
  }
}

// Makes the events of one stream.
class EventWriter {
 public:
  EventWriter(StreamEvents& out, const Answer& answer) : out_(out), answer_(answer) {}

  void message_start() {
    std::string event = fmt::format(
        R"({{"type":"message_start","message":{{"id":"msg_{}","type":"message","role":"assistant","model":)",
        answer_.frame.id);
    append_json_string(event, answer_.frame.model);
    event += R"(,"content":[],"stop_reason":null,"stop_sequence":null)";
    if (answer_.frame.usage) event += ",\"usage\":{" + usage_members(answer_.call, 1) + "}";
    add(event + "}}");
  }

  void thinking() {
    start_block(R"({"type":"thinking","thinking":"","signature":""})");
    std::string delta = R"({"type":"thinking_delta","thinking":)";
    append_json_string(delta, answer_.completion.thought);
    add_delta(delta + "}");
    add_delta(fmt::format(R"({{"type":"signature_delta","signature":"{}"}})", signature));
    stop_block();
  }

  void content(std::uint32_t chunks) {
    const Completion& c = answer_.completion;
    if (c.is_tool_call()) out_.first_content = out_.data.size();
    start_block(c.is_tool_call() ? tool_use_start(answer_) + R"(,"input":{}})"
                                 : R"({"type":"text","text":""})");
    if (!c.is_tool_call()) {
      add(R"({"type": "ping"})");
      out_.first_content = out_.data.size();
    }
    for_each_chunk(c, chunks, [&](std::string_view piece, std::size_t, bool) {
      std::string delta = c.is_tool_call() ? R"({"type":"input_json_delta","partial_json":)"
                                           : R"({"type":"text_delta","text":)";
      append_json_string(delta, piece);
      add_delta(delta + "}");
    });
    out_.contents = out_.data.size() - out_.first_content;
    stop_block();
  }

  void end() {
    out_.finish = out_.data.size();
    std::string event = R"({"type":"message_delta","delta":{)" + stop_members(answer_.completion) + "}";
    if (answer_.frame.usage) {
      event += ",\"usage\":{" + usage_members(answer_.call, answer_.completion.tokens) + "," +
               thinking_details(answer_.completion) + "}";
    }
    add(event + "}");
    out_.end_mark = out_.data.size();
    add(R"({"type":"message_stop"})");
  }

 private:
  void add(std::string event) { out_.data.push_back(std::move(event)); }
  void start_block(std::string_view block) {
    add(fmt::format(R"({{"type":"content_block_start","index":{},"content_block":{}}})", block_, block));
  }
  void add_delta(std::string_view delta) {
    add(fmt::format(R"({{"type":"content_block_delta","index":{},"delta":{}}})", block_, delta));
  }
  void stop_block() { add(fmt::format(R"({{"type":"content_block_stop","index":{}}})", block_++)); }

  StreamEvents& out_;
  const Answer& answer_;
  int block_ = 0;
};

class Messages final : public Endpoint {
 public:
  std::optional<Problem> read(const HttpRequest& request, const Target&, Call& out) const override {
    const std::string_view version = request.field("anthropic-version");
    if (version.empty()) return invalid_request("anthropic-version: header is required");
    if (version != old_version && version != new_version)
      return invalid_request(fmt::format("anthropic-version: \"{}\" is not a valid version", version));
    std::optional<Problem> problem;
    const bool parsed = with_json(request.body, [&](JsonView body) {
      problem =
          body.is_object() ? Reader(body, version, out).read() : invalid_request("Input should be an object");
    });
    return parsed ? problem : invalid_request("The request body is not valid JSON");
  }

  std::string_view plain_member() const override { return "content"; }

  void append_plain(std::string& out, const Answer& answer) const override {
    append_format(out, R"({{"id":"msg_{}","type":"message","role":"assistant","model":)", answer.frame.id);
    append_json_string(out, answer.frame.model);
    out += ",\"content\":[";
    append_blocks(out, answer);
    out += "]," + stop_members(answer.completion);
    if (answer.frame.usage) {
      out += ",\"usage\":{" + usage_members(answer.call, answer.completion.tokens) + "," +
             thinking_details(answer.completion) +
             R"(,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},)"
             R"("server_tool_use":null,"service_tier":"standard","inference_geo":"global"})";
    }
    out += '}';
  }

  StreamForm form(const Call&) const override {
    return {.named = true, .end_mark_needed = true, .content_member = "delta"};
  }

  void make_events(StreamEvents& out, const Answer& answer, std::uint32_t chunks) const override {
    EventWriter writer(out, answer);
    writer.message_start();
    if (!answer.completion.thought.empty()) writer.thinking();
    out.first_content = out.data.size();
    if (!answer.completion.text.empty()) writer.content(chunks);
    writer.end();
  }
};

}  // namespace

const Endpoint& anthropic_messages() {
  static const Messages endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
