// POST /v1/responses (https://platform.openai.com/docs/api-reference/responses, .../responses-streaming).
#include <fmt/format.h>

#include <iterator>

#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/dialects/openai.h"
#include "bench/mockprovider/dialects/openai_body.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

// Reads a responses body into a call.
class Reader {
 public:
  Reader(JsonView body, const Target& target, Call& out)
      : body_(body), target_(target), out_(out), prompt_(out) {}

  std::optional<Problem> read() {
    if (auto problem = read_model(body_, target_.model, out_)) return problem;
    const JsonView instructions = body_["instructions"];
    if (instructions.is_text()) {
      prompt_.message("system");
      prompt_.text(instructions.text());
    }
    if (auto problem = read_input()) return problem;
    if (auto problem = read_count(body_, "max_output_tokens", 1, out_.max_tokens)) return problem;
    if (auto problem = read_stream(body_, out_)) return problem;
    prompt_.done();
    const std::string_view effort = body_["reasoning"]["effort"].text();
    out_.thinks = !effort.empty() && effort != "none";
    read_tools();
    const JsonView format = body_["text"]["format"];
    if (format["type"].text() == "json_object") out_.json_answer = marker_as_json(out_);
    if (format["type"].text() == "json_schema") out_.json_answer = format["schema"].sample();
    return std::nullopt;
  }

 private:
  std::optional<Problem> read_input() {
    const JsonView input = body_["input"];
    if (!input.exists()) return missing_parameter("input");
    if (input.is_text()) {
      prompt_.message("user");
      prompt_.text(input.text());
      return std::nullopt;
    }
    if (!input.is_array()) return wrong_type("input", "one of a string or array of items");
    for (std::size_t i = 0; i < input.size(); ++i) {
      if (!input[i].is_object()) return wrong_type(fmt::format("input[{}]", i), "an object");
      read_item(input[i]);
    }
    return std::nullopt;
  }

  void read_item(JsonView item) {
    if (item["type"].text() == "function_call_output") {
      prompt_.message("tool");
      return prompt_.text(item["output"].text());
    }
    const std::string_view role = item["role"].text();
    prompt_.message(role.empty() ? "assistant" : role);
    const JsonView content = item["content"];
    prompt_.text(content.text());
    for (std::size_t i = 0; i < content.size(); ++i) prompt_.text(content[i]["text"].text());
  }

  void read_tools() {
    const JsonView tools = body_["tools"], choice = body_["tool_choice"];
    if (prompt_.last_is_tool() || choice.text() == "none") return;
    const std::string_view wanted = choice["name"].text();
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const std::string_view name = tools[i]["name"].text();
      if (name.empty() || (!wanted.empty() && wanted != name)) continue;
      out_.tool_name = name;
      out_.tool_arguments = tools[i]["parameters"].sample();
      return;
    }
  }

  JsonView body_;
  const Target& target_;
  Call& out_;
  PromptReader prompt_;
};

bool is_incomplete(const Completion& c) {
  return c.finish == Finish::length || c.finish == Finish::filtered;
}

std::string_view final_status(const Completion& c) {
  return is_incomplete(c) ? "incomplete" : "completed";
}

std::string usage(const Answer& answer) {
  if (!answer.frame.usage) return "null";
  const Completion& c = answer.completion;
  return fmt::format(
      R"({{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{},"cache_write_tokens":0}},)"
      R"("output_tokens":{},"output_tokens_details":{{"reasoning_tokens":{}}},"total_tokens":{}}})",
      answer.call.prompt_tokens, answer.call.cached_tokens, c.tokens, c.thought_tokens,
      answer.call.prompt_tokens + c.tokens);
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string reasoning_item(const Answer& answer) {
  return fmt::format(R"({{"id":"rs_{}","type":"reasoning","summary":[]}})", answer.frame.id);
}

std::string text_part(const Completion& c, std::string_view text) {
  if (c.is_refusal()) return fmt::format(R"({{"type":"refusal","refusal":{}}})", quoted(text));
  return fmt::format(R"({{"type":"output_text","text":{},"annotations":[],"logprobs":[]}})", quoted(text));
}

std::string item_id(const Answer& answer) {
  return fmt::format("{}_{}", answer.completion.is_tool_call() ? "fc" : "msg", answer.frame.id);
}

// The message or the function call, empty (`begins`) or whole.
std::string item(const Answer& answer, bool begins) {
  const Completion& c = answer.completion;
  const std::string_view status = begins ? "in_progress" : final_status(c);
  if (c.is_tool_call()) {
    return fmt::format(
        R"({{"id":"{}","type":"function_call","status":"{}","arguments":{},"call_id":"call_{}","name":{}}})",
        item_id(answer), status, quoted(begins ? "" : c.text), answer.frame.id,
        quoted(answer.call.tool_name));
  }
  return fmt::format(R"({{"id":"{}","type":"message","status":"{}","content":[{}],"role":"assistant"}})",
                     item_id(answer), status, begins || c.text.empty() ? "" : text_part(c, c.text));
}

// The response object while it is made (`begins`), or at its end.
std::string response(const Answer& answer, bool begins) {
  const Completion& c = answer.completion;
  std::string output;
  if (!begins) {
    if (!c.thought.empty()) output = reasoning_item(answer) + ",";
    output += item(answer, false);
  }
  std::string_view incomplete = "null";
  if (!begins && c.finish == Finish::length) incomplete = R"({"reason":"max_output_tokens"})";
  if (!begins && c.finish == Finish::filtered) incomplete = R"({"reason":"content_filter"})";
  return fmt::format(
      R"({{"id":"resp_{}","object":"response","created_at":{},"status":"{}","error":null,)"
      R"("incomplete_details":{},"instructions":null,"model":{},"output":[{}],)"
      R"("parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{},"metadata":{{}}}})",
      answer.frame.id, answer.frame.created, begins ? "in_progress" : final_status(c), incomplete,
      quoted(answer.frame.model), output, begins ? "null" : usage(answer));
}

// Makes the events of one stream, numbered.
class EventWriter {
 public:
  EventWriter(StreamEvents& out, const Answer& answer) : out_(out), answer_(answer) {}

  void write(std::uint32_t chunks) {
    const Completion& c = answer_.completion;
    add("response.created", "\"response\":" + response(answer_, true));
    add("response.in_progress", "\"response\":" + response(answer_, true));
    if (!c.thought.empty()) {
      add_item("response.output_item.added", reasoning_item(answer_));
      add_item("response.output_item.done", reasoning_item(answer_));
      ++index_;
    }
    add_item("response.output_item.added", item(answer_, true));
    c.is_tool_call() ? write_arguments(chunks) : write_text(chunks);
    add_item("response.output_item.done", item(answer_, false));
    out_.finish = out_.data.size();
    add(is_incomplete(c) ? "response.incomplete" : "response.completed",
        "\"response\":" + response(answer_, false));
    out_.end_mark = out_.data.size();
  }

 private:
  void add(std::string_view type, std::string_view members) {
    out_.data.push_back(
        fmt::format(R"({{"type":"{}","sequence_number":{},{}}})", type, out_.data.size(), members));
  }
  void add_item(std::string_view type, std::string_view item_json) {
    add(type, fmt::format(R"("output_index":{},"item":{})", index_, item_json));
  }
  std::string place() const {
    return fmt::format(R"("item_id":"{}","output_index":{})", item_id(answer_), index_);
  }

  void write_deltas(std::uint32_t chunks, std::string_view type, std::string_view more) {
    out_.first_content = out_.data.size();
    for_each_chunk(answer_.completion, chunks, [&](std::string_view piece, std::size_t, bool) {
      add(type, fmt::format("{},\"delta\":{}{}", place(), quoted(piece), more));
    });
    out_.contents = out_.data.size() - out_.first_content;
  }

  void write_arguments(std::uint32_t chunks) {
    write_deltas(chunks, "response.function_call_arguments.delta", "");
    add("response.function_call_arguments.done",
        fmt::format("{},\"arguments\":{}", place(), quoted(answer_.completion.text)));
  }

  void write_text(std::uint32_t chunks) {
    const Completion& c = answer_.completion;
    const bool refusal = c.is_refusal();
    const std::string content_place = R"(,"content_index":0)";
    add("response.content_part.added", place() + content_place + ",\"part\":" + text_part(c, ""));
    write_deltas(chunks, refusal ? "response.refusal.delta" : "response.output_text.delta",
                 refusal ? content_place : content_place + R"(,"logprobs":[])");
    add(refusal ? "response.refusal.done" : "response.output_text.done",
        place() + content_place + (refusal ? ",\"refusal\":" : R"(,"logprobs":[],"text":)") + quoted(c.text));
    add("response.content_part.done", place() + content_place + ",\"part\":" + text_part(c, c.text));
  }

  StreamEvents& out_;
  const Answer& answer_;
  int index_ = 0;
};

class Responses final : public Endpoint {
 public:
  std::optional<Problem> read(const HttpRequest& request, const Target& target, Call& out) const override {
    return read_openai_body(request.body, [&](JsonView body) { return Reader(body, target, out).read(); });
  }

  std::string_view plain_member() const override { return "output"; }

  void append_plain(std::string& out, const Answer& answer) const override { out += response(answer, false); }

  StreamForm form(const Call&) const override { return {.named = true, .content_member = "delta"}; }

  void make_events(StreamEvents& out, const Answer& answer, std::uint32_t chunks) const override {
    EventWriter(out, answer).write(chunks);
  }

  // A flat event, usually. Variants: "nested", as everywhere else; "failed", the terminal event that says so.
  void append_stream_error(StreamEvents& events, const Dialect&, const Problem& problem) const override {
    const OpenAiError error = openai_error(problem);
    const std::string_view code = error.code.empty() ? std::string_view(error.type) : error.code;
    const std::string members = fmt::format(R"("code":"{}","message":{})", code, quoted(error.message));
    const std::size_t number = events.data.size();
    if (problem.variant == "nested") {
      events.data.push_back(fmt::format(R"({{"type":"error","error":{{{},"param":null}}}})", members));
    } else if (problem.variant == "failed") {
      events.data.push_back(
          fmt::format(R"({{"type":"response.failed","sequence_number":{},"response":{{"id":"resp_{}",)"
                      R"("object":"response","created_at":0,"status":"failed","error":{{{}}},)"
                      R"("incomplete_details":null,"model":{},"output":[],"usage":null}}}})",
                      number, problem.reply_id, members, quoted(problem.model)));
    } else {
      events.data.push_back(
          fmt::format(R"({{"type":"error","sequence_number":{},{},"param":null}})", number, members));
    }
  }
};

}  // namespace

const Endpoint& openai_responses() {
  static const Responses endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
