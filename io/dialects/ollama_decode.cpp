#include "io/dialects/ollama_decode.h"

#include "io/dialects/chat_usage.h"
#include "io/dialects/ollama_errors.h"
#include "io/dialects/reply_fault.h"
#include "io/duration_text.h"
#include "io/json_text.h"
#include "io/reply_json.h"

namespace batchrun {

namespace {

using Value = JsonTokens::Value;
using Choice = AnswerDraft::Choice;
using ToolCall = AnswerDraft::ToolCall;

// Reads one line into a draft.
class LineReader {
 public:
  LineReader(const JsonTokens& tokens, AnswerDraft& draft) : tokens_(tokens), draft_(draft) {
    if (draft_.choices.empty()) {
      draft_.choices.emplace_back();
      draft_.choices.front().has_content = true;
    }
  }

  // What is wrong with the line; "" when nothing is.
  const char* read() {
    bool done = false;
    std::string_view reason;
    for (ObjectWalk walk(tokens_, JsonTokens::root); walk.next();) {
      const std::string_view name = walk.name();
      const Value value = walk.value();
      if (name == "message" && tokens_.first(value) == '{') {
        if (!take_message(value)) return "tool_calls is not a list of calls";
      } else if (name == "model") {
        if (draft_.model.empty()) draft_.model = string_of(tokens_, value);
      } else if (name == "created_at") {
        take_time(value);
      } else if (name == "done") {
        done = tokens_.first(value) == 't';
      } else if (name == "done_reason") {
        reason = string_inner(tokens_, value);
      } else if (name == "prompt_eval_count") {
        take_count(value, draft_.usage.input_tokens);
      } else if (name == "eval_count") {
        take_count(value, draft_.usage.output_tokens);
      }
    }
    if (done) finish(reason);
    return "";
  }

  bool has_message() const { return has_message_; }

 private:
  Choice& choice() const { return draft_.choices.front(); }

  void take_text(Value value, std::string& into) {
    const std::string_view inner = string_inner(tokens_, value);
    append_json_unescaped(into, inner);
    if (!inner.empty()) draft_.content_seen = true;
  }

  bool take_message(Value message) {
    has_message_ = true;
    for (ObjectWalk walk(tokens_, message); walk.next();) {
      const std::string_view name = walk.name();
      const Value value = walk.value();
      if (name == "content") {
        take_text(value, choice().content);
      } else if (name == "thinking") {
        take_text(value, choice().reasoning);
        choice().has_reasoning = !choice().reasoning.empty();
      } else if (name == "tool_calls" && tokens_.first(value) != 'n') {
        if (!take_tool_calls(value)) return false;
      }
    }
    return true;
  }

  bool take_tool_calls(Value list) {
    if (tokens_.first(list) != '[') return false;
    for (ArrayWalk walk(tokens_, list); walk.next();) {
      if (tokens_.first(walk.value()) != '{') return false;
      take_tool_call(walk.value());
    }
    return true;
  }

  // Each comes whole.
  void take_tool_call(Value object) {
    ToolCall& call = choice().tool_calls.emplace_back();
    for (ObjectWalk walk(tokens_, object); walk.next();) {
      if (walk.name() == "id") call.id = string_of(tokens_, walk.value());
      if (walk.name() == "function" && tokens_.first(walk.value()) == '{') take_function(walk.value(), call);
    }
    if (call.id.empty()) call.id = "call_" + std::to_string(choice().tool_calls.size() - 1);
    if (call.arguments.empty()) call.arguments = "{}";
    draft_.content_seen = true;
  }

  void take_function(Value function, ToolCall& call) {
    for (ObjectWalk walk(tokens_, function); walk.next();) {
      if (walk.name() == "name") call.name = string_of(tokens_, walk.value());
      if (walk.name() == "arguments" && tokens_.first(walk.value()) == '{')
        append_json_raw(call.arguments, tokens_.raw(walk.value()));
    }
  }

  void take_time(Value value) {
    const auto time_ns = parse_rfc3339(string_inner(tokens_, value));
    if (draft_.created == 0 && time_ns) draft_.created = *time_ns / 1'000'000'000;
  }

  void take_count(Value value, std::uint64_t& into) {
    const auto count = count_of(tokens_, value);
    if (!count) return;
    into = *count;
    draft_.usage.known = true;
  }

  void finish(std::string_view reason) {
    const bool calls = !choice().tool_calls.empty();
    if (reason.empty()) reason = "stop";  // servers before 2024 do not say
    choice().finish_reason = calls && reason == "stop" ? "tool_calls" : std::string(reason);
    if (draft_.usage.known) draft_.usage_json = chat_usage_json(draft_.usage);
    draft_.content_seen = true;
    draft_.end_mark = true;
  }

  const JsonTokens& tokens_;
  AnswerDraft& draft_;
  bool has_message_ = false;
};

bool says_error(const JsonTokens& tokens) {
  for (ObjectWalk walk(tokens, JsonTokens::root); walk.next();) {
    if (walk.name() == "error" && is_truthy(tokens, walk.value())) return true;
  }
  return false;
}

// "load", "unload": the same request would come to nothing again.
std::optional<Fault> no_answer(const AnswerDraft& draft) {
  const std::string& reason = draft.choices.front().finish_reason;
  if (reason != "load" && reason != "unload") return std::nullopt;
  Fault fault;
  fault.kind = FaultKind::bad_request;
  fault.message = "the server only did \"" + reason + "\" with the model: the request has no messages";
  return fault;
}

std::optional<Fault> read_whole(const JsonTokens& tokens, AnswerDraft& draft) {
  LineReader reader(tokens, draft);
  if (const char* problem = reader.read(); *problem != '\0') return malformed(problem);
  if (!reader.has_message()) return malformed("the reply is no chat reply: it has no message");
  if (!draft.end_mark) return malformed("the reply is not whole: it does not say done");
  return no_answer(draft);
}

}  // namespace

std::optional<Fault> decode_ollama_line(std::string_view line, AnswerDraft& draft) {
  const ReplyJson json = scan_reply(line);
  if (auto fault = wrong_event(json, "a line")) return fault;
  if (says_error(*json.tokens)) return ollama_line_fault(line);
  const char* problem = LineReader(*json.tokens, draft).read();
  if (*problem != '\0') return malformed(problem);
  return no_answer(draft);
}

std::optional<Fault> decode_ollama_body(Api api, const ResponseHead& head, std::string_view body,
                                        Answer& answer) {
  const ReplyJson json = scan_reply(body);
  if (auto fault = wrong_body(body, json)) return fault;
  if (says_error(*json.tokens)) return ollama_fault(head, body);
  AnswerDraft draft;
  if (auto fault = read_whole(*json.tokens, draft)) return fault;
  if (api == Api::ollama_chat) append_json_raw(draft.body, json.text);
  answer = draft.finish();
  return std::nullopt;
}

}  // namespace batchrun
