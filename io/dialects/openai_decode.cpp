#include "io/dialects/openai_decode.h"

#include <algorithm>

#include "io/ascii.h"
#include "io/dialects/openai_errors.h"
#include "io/dialects/openai_usage.h"
#include "io/dialects/reply_fault.h"
#include "io/json_text.h"
#include "io/reply_json.h"

namespace batchrun {

namespace {

using Value = JsonTokens::Value;
using Choice = AnswerDraft::Choice;
using ToolCall = AnswerDraft::ToolCall;

constexpr std::uint64_t most_choices = 128;

bool is_null(const JsonTokens& tokens, Value value) {
  return tokens.first(value) == 'n';
}

// Reads one chunk into the draft. Each take_ returns false when something is not of its form.
class ChunkReader {
 public:
  ChunkReader(const JsonTokens& tokens, AnswerDraft& draft) : tokens_(tokens), draft_(draft) {}

  // What is wrong with the chunk; "" when nothing is.
  const char* read() {
    for (ObjectWalk walk(tokens_, JsonTokens::root); walk.next();) {
      const std::string_view name = walk.name();
      const Value value = walk.value();
      if (name == "choices") {
        if (!take_choices(value)) return problem_;
      } else if (name == "usage") {
        take_usage(value);
      } else if (name == "x_groq") {
        take_groq(value);
      } else if (name == "id") {
        keep_first(draft_.id, value);
      } else if (name == "model") {
        keep_first(draft_.model, value);
      } else if (name == "created") {
        if (draft_.created == 0)
          draft_.created = static_cast<std::int64_t>(count_of(tokens_, value).value_or(0));
      } else if (name == "system_fingerprint") {
        keep_first(draft_.system_fingerprint, value);
      } else if (name == "service_tier") {
        keep_first(draft_.service_tier, value);
      }
    }
    return "";
  }

 private:
  bool wrong(const char* problem) {
    problem_ = problem;
    return false;
  }

  void append(std::string& out, Value value) { append_json_unescaped(out, string_inner(tokens_, value)); }

  void keep_first(std::string& out, Value value) {
    if (out.empty()) append(out, value);
  }

  void take_usage(Value value) {
    if (tokens_.first(value) != '{') return;
    const Usage usage = openai_usage(tokens_, value);
    if (!usage.known) return;
    draft_.usage = usage;
    draft_.usage_json.clear();
    append_json_raw(draft_.usage_json, tokens_.raw(value));
  }

  void take_groq(Value value) {
    if (tokens_.first(value) != '{') return;
    for (ObjectWalk walk(tokens_, value); walk.next();) {
      if (walk.name() == "usage") take_usage(walk.value());
    }
  }

  bool take_choices(Value value) {
    if (is_null(tokens_, value)) return true;
    if (tokens_.first(value) != '[') return wrong("choices is not an array");
    std::uint64_t place = 0;
    for (ArrayWalk walk(tokens_, value); walk.next(); ++place) {
      if (tokens_.first(walk.value()) != '{') return wrong("a choice is not an object");
      if (!take_choice(walk.value(), place)) return false;
    }
    return true;
  }

  bool take_choice(Value object, std::uint64_t index) {
    Value delta = JsonTokens::root, finish = JsonTokens::root, logprobs = JsonTokens::root;
    for (ObjectWalk walk(tokens_, object); walk.next();) {
      const std::string_view name = walk.name();
      if (name == "index") index = count_of(tokens_, walk.value()).value_or(index);
      if (name == "delta") delta = walk.value();
      if (name == "finish_reason") finish = walk.value();
      if (name == "logprobs") logprobs = walk.value();
    }
    if (index >= most_choices) return wrong("more than 128 choices");
    if (draft_.choices.size() <= index) draft_.choices.resize(static_cast<std::size_t>(index) + 1);
    Choice& choice = draft_.choices[static_cast<std::size_t>(index)];
    if (delta != JsonTokens::root && tokens_.first(delta) == '{' && !take_delta(delta, choice)) return false;
    if (logprobs != JsonTokens::root && tokens_.first(logprobs) == '{') take_logprobs(logprobs, choice);
    if (finish == JsonTokens::root || string_inner(tokens_, finish).empty()) return true;
    choice.finish_reason = string_of(tokens_, finish);
    draft_.content_seen = true;
    return true;
  }

  bool take_delta(Value delta, Choice& choice) {
    for (ObjectWalk walk(tokens_, delta); walk.next();) {
      const std::string_view name = walk.name();
      const Value value = walk.value();
      if (is_null(tokens_, value)) continue;
      if (name == "content") {
        if (!take_text(value, choice.content, choice.has_content)) return wrong("content is not text");
      } else if (name == "refusal") {
        if (!take_text(value, choice.refusal, choice.has_refusal)) return wrong("refusal is not text");
      } else if (name == "reasoning" || name == "reasoning_content") {
        if (!take_text(value, choice.reasoning, choice.has_reasoning)) return wrong("reasoning is not text");
      } else if (name == "role") {
        if (choice.role.empty()) append(choice.role, value);
      } else if (name == "tool_calls") {
        if (!take_tool_calls(value, choice)) return wrong("tool_calls is not a list of calls");
      } else if (name == "function_call" && tokens_.first(value) == '{') {
        if (!choice.function_call) choice.function_call = ToolCall{};
        take_function(value, *choice.function_call);
        draft_.content_seen = true;
      }
    }
    return true;
  }

  bool take_text(Value value, std::string& text, bool& has_text) {
    if (tokens_.first(value) != '"') return false;
    has_text = true;
    const std::string_view inner = tokens_.inner(value);
    if (inner.empty()) return true;
    append_json_unescaped(text, inner);
    draft_.content_seen = true;
    return true;
  }

  bool take_tool_calls(Value value, Choice& choice) {
    if (tokens_.first(value) != '[') return false;
    for (ArrayWalk walk(tokens_, value); walk.next();) {
      if (tokens_.first(walk.value()) != '{' || !take_tool_call(walk.value(), choice)) return false;
      draft_.content_seen = true;
    }
    return true;
  }

  bool take_tool_call(Value object, Choice& choice) {
    Value index_value = JsonTokens::root, id = JsonTokens::root, type = JsonTokens::root,
          function = JsonTokens::root;
    for (ObjectWalk walk(tokens_, object); walk.next();) {
      const std::string_view name = walk.name();
      if (name == "index") index_value = walk.value();
      if (name == "id") id = walk.value();
      if (name == "type") type = walk.value();
      if (name == "function") function = walk.value();
    }
    const std::size_t index = tool_call_index(index_value, id, choice);
    if (index >= most_choices) return false;
    if (choice.tool_calls.size() <= index) choice.tool_calls.resize(index + 1);
    ToolCall& call = choice.tool_calls[index];
    if (id != JsonTokens::root) keep_first(call.id, id);
    if (type != JsonTokens::root) keep_first(call.type, type);
    if (function != JsonTokens::root && tokens_.first(function) == '{') take_function(function, call);
    return true;
  }

  // Servers that send each call whole leave the index out: a new id is a new call, no id goes on with the
  // last.
  std::size_t tool_call_index(Value index, Value id, const Choice& choice) const {
    if (index != JsonTokens::root) {
      if (const auto stated = count_of(tokens_, index)) return static_cast<std::size_t>(*stated);
    }
    const bool has_id = id != JsonTokens::root && !string_inner(tokens_, id).empty();
    return has_id || choice.tool_calls.empty() ? choice.tool_calls.size() : choice.tool_calls.size() - 1;
  }

  void take_function(Value object, ToolCall& call) {
    for (ObjectWalk walk(tokens_, object); walk.next();) {
      const std::string_view name = walk.name();
      if (name == "name") keep_first(call.name, walk.value());
      if (name == "arguments") append(call.arguments, walk.value());
    }
  }

  void take_logprobs(Value object, Choice& choice) {
    for (ObjectWalk walk(tokens_, object); walk.next();) {
      const std::string_view name = walk.name();
      if (tokens_.first(walk.value()) != '[') continue;
      std::string* list = nullptr;
      if (name == "content") list = &choice.logprobs_content;
      if (name == "refusal") list = &choice.logprobs_refusal;
      if (list == nullptr) continue;
      choice.has_logprobs = true;
      for (ArrayWalk elements(tokens_, walk.value()); elements.next();) {
        if (!list->empty()) *list += ',';
        append_json_raw(*list, tokens_.raw(elements.value()));
      }
    }
  }

  const JsonTokens& tokens_;
  AnswerDraft& draft_;
  const char* problem_ = "";
};

// Does the object say, where errors are said, that the attempt failed?
bool says_error(const JsonTokens& tokens, Value object) {
  for (ObjectWalk walk(tokens, object); walk.next();) {
    const std::string_view name = walk.name();
    const Value value = walk.value();
    if (name == "error" && is_truthy(tokens, value)) return true;
    if (name == "x_groq" && tokens.first(value) == '{' && says_error(tokens, value)) return true;
  }
  return false;
}

Fault failed_generation() {
  Fault fault;
  fault.kind = FaultKind::server_error;
  fault.message = "the provider ended the generation with an error";
  return fault;
}

// The parts of a whole reply that are looked at.
struct BodyView {
  std::string model, finish_reason;
  Usage usage;
  const char* problem = "no choices";  // "" when the choices are an answer's
  bool choice_error = false;           // OpenRouter: a choice says that it failed
};

void read_body_choices(const JsonTokens& tokens, Value choices, BodyView& view) {
  if (tokens.first(choices) != '[') return;
  bool first = true;
  for (ArrayWalk walk(tokens, choices); walk.next(); first = false) {
    bool has_message = false;
    if (tokens.first(walk.value()) == '{') {
      for (ObjectWalk choice(tokens, walk.value()); choice.next();) {
        const std::string_view name = choice.name();
        const Value value = choice.value();
        if (name == "message") has_message = tokens.first(value) == '{';
        if (name == "error" && is_truthy(tokens, value)) view.choice_error = true;
        if (name != "finish_reason") continue;
        if (first) view.finish_reason = string_of(tokens, value);
        if (string_inner(tokens, value) == "error") view.choice_error = true;
      }
    }
    view.problem = has_message ? "" : "a choice without a message";
    if (!has_message) return;
  }
}

BodyView read_body(const JsonTokens& tokens) {
  BodyView view;
  for (ObjectWalk walk(tokens, JsonTokens::root); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "choices") read_body_choices(tokens, walk.value(), view);
    if (name == "model") view.model = string_of(tokens, walk.value());
    if (name == "usage" && tokens.first(walk.value()) == '{') view.usage = openai_usage(tokens, walk.value());
    if (name != "x_groq" || tokens.first(walk.value()) != '{' || view.usage.known) continue;
    for (ObjectWalk groq(tokens, walk.value()); groq.next();) {
      if (groq.name() == "usage" && tokens.first(groq.value()) == '{')
        view.usage = openai_usage(tokens, groq.value());
    }
  }
  return view;
}

}  // namespace

std::optional<Fault> decode_openai_event(OpenAiFlavour flavour, std::string_view event_name,
                                         std::string_view data, AnswerDraft& draft) {
  if (data.starts_with("[DONE]")) {
    draft.end_mark = true;
    return std::nullopt;
  }
  if (event_name == "error") return openai_event_fault(flavour, data);
  if (ascii::trim(data).empty()) return std::nullopt;
  const ReplyJson json = scan_reply(data);
  if (auto fault = wrong_event(json)) return fault;
  if (says_error(*json.tokens, JsonTokens::root)) return openai_event_fault(flavour, data);
  const char* problem = ChunkReader(*json.tokens, draft).read();
  if (*problem != '\0') return malformed(problem);
  const bool failed = std::any_of(draft.choices.begin(), draft.choices.end(),
                                  [](const Choice& choice) { return choice.finish_reason == "error"; });
  return failed ? std::optional(failed_generation()) : std::nullopt;
}

std::optional<Fault> decode_openai_body(OpenAiFlavour flavour, const ResponseHead& head,
                                        std::string_view body, Answer& answer) {
  const ReplyJson json = scan_reply(body);
  if (auto fault = wrong_body(body, json)) return with_status(std::move(*fault), head.status);
  if (says_error(*json.tokens, JsonTokens::root)) return openai_fault(flavour, head, body);
  BodyView view = read_body(*json.tokens);
  if (view.choice_error) return with_status(failed_generation(), head.status);
  if (*view.problem != '\0') {
    return with_status(malformed(std::string("the reply is no chat completion: ") + view.problem),
                       head.status);
  }
  answer.model = std::move(view.model);
  answer.finish_reason = std::move(view.finish_reason);
  answer.usage = view.usage;
  answer.body.clear();
  append_json_raw(answer.body, json.text);
  return std::nullopt;
}

}  // namespace batchrun
