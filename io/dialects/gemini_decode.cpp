#include "io/dialects/gemini_decode.h"

#include <algorithm>
#include <array>

#include "io/ascii.h"
#include "io/dialects/chat_usage.h"
#include "io/dialects/gemini_errors.h"
#include "io/dialects/reply_fault.h"
#include "io/json_text.h"
#include "io/reply_json.h"

namespace batchrun {
namespace {

using Value = JsonTokens::Value;
using Choice = AnswerDraft::Choice;
using Names = std::initializer_list<std::string_view>;

constexpr std::uint64_t most_choices = 128;

bool is_one_of(std::string_view text, Names names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

bool is_object(const JsonTokens& tokens, Value value) {
  return tokens.first(value) == '{';
}

// Calls take(name, value) for each member; nothing if it is no object.
template <class Take>
void for_each_member(const JsonTokens& tokens, Value object, Take take) {
  if (!is_object(tokens, object)) return;
  for (ObjectWalk walk(tokens, object); walk.next();) take(walk.name(), walk.value());
}

template <class Take>
void for_each_element(const JsonTokens& tokens, Value array, Take take) {
  if (tokens.first(array) != '[') return;
  for (ArrayWalk walk(tokens, array); walk.next();) take(walk.value());
}

std::string finish_of(std::string_view reason, bool called) {
  if (reason == "STOP") return called ? "tool_calls" : "stop";
  if (is_one_of(reason, {"MAX_TOKENS", "CONTINUATION"})) return "length";
  if (is_one_of(reason, {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE",
                         "OTHER", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
                         "IMAGE_OTHER", "NO_IMAGE"})) {
    return "content_filter";
  }
  std::string word(reason);
  std::transform(word.begin(), word.end(), word.begin(), ascii::lower);
  return word;
}

bool is_broken(std::string_view reason) {
  return is_one_of(reason, {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
                            "MALFORMED_RESPONSE"});
}

std::optional<Usage> usage_of(const JsonTokens& tokens, Value object) {
  std::uint64_t prompt = 0, tools = 0, candidates = 0, thoughts = 0, cached = 0;
  struct Count {
    std::string_view name;
    std::uint64_t& place;
  };
  const std::array<Count, 5> counts = {{{"promptTokenCount", prompt},
                                        {"toolUsePromptTokenCount", tools},
                                        {"candidatesTokenCount", candidates},
                                        {"thoughtsTokenCount", thoughts},
                                        {"cachedContentTokenCount", cached}}};
  bool known = false;
  for_each_member(tokens, object, [&](std::string_view name, Value value) {
    for (const Count& count : counts) {
      const auto stated = count.name == name ? count_of(tokens, value) : std::nullopt;
      if (!stated) continue;
      count.place = *stated;
      known = true;
    }
  });
  if (!known) return std::nullopt;
  Usage usage;
  usage.known = true;
  usage.input_tokens = prompt + tools;
  usage.cached_tokens = std::min(cached, usage.input_tokens);
  usage.output_tokens = candidates + thoughts;
  usage.reasoning_tokens = thoughts;
  return usage;
}

// Reads one GenerateContentResponse into a draft.
class ChunkReader {
 public:
  ChunkReader(const JsonTokens& tokens, AnswerDraft& draft) : tokens_(tokens), draft_(draft) {}

  // A fault: the model stumbled, or the chunk is not of its form.
  std::optional<Fault> read() {
    Value candidates = JsonTokens::root, feedback = JsonTokens::root;
    for_each_member(tokens_, JsonTokens::root, [&](std::string_view name, Value value) {
      if (name == "candidates") candidates = value;
      if (name == "promptFeedback") feedback = value;
      if (name == "usageMetadata") take_usage(value);
      if (name == "modelVersion") keep_first(draft_.model, value);
      if (name == "responseId") keep_first(draft_.id, value);
    });
    std::uint64_t place = 0;
    if (candidates != JsonTokens::root)
      for_each_element(tokens_, candidates, [&](Value candidate) { take_candidate(candidate, place++); });
    if (place == 0 && feedback != JsonTokens::root) take_feedback(feedback);
    return std::move(fault_);
  }

 private:
  void keep_first(std::string& out, Value value) {
    if (out.empty()) out = string_of(tokens_, value);
  }

  void take_usage(Value value) {
    const auto usage = usage_of(tokens_, value);
    if (!usage) return;
    draft_.usage = *usage;
    draft_.usage_json = chat_usage_json(*usage);
  }

  // No candidates, since the prompt was blocked.
  void take_feedback(Value feedback) {
    for_each_member(tokens_, feedback, [&](std::string_view name, Value value) {
      if (name != "blockReason" || string_inner(tokens_, value).empty()) return;
      if (draft_.choices.empty()) draft_.choices.emplace_back();
      for (Choice& choice : draft_.choices) choice.finish_reason = "content_filter";
      draft_.content_seen = true;
    });
  }

  void take_candidate(Value candidate, std::uint64_t index) {
    Value content = JsonTokens::root, reason = JsonTokens::root, message = JsonTokens::root;
    for_each_member(tokens_, candidate, [&](std::string_view name, Value value) {
      if (name == "index") index = count_of(tokens_, value).value_or(index);
      if (name == "content") content = value;
      if (name == "finishReason") reason = value;
      if (name == "finishMessage") message = value;
    });
    if (index >= most_choices) {
      fault_ = malformed("more than 128 candidates");
      return;
    }
    if (draft_.choices.size() <= index) draft_.choices.resize(static_cast<std::size_t>(index) + 1);
    Choice& choice = draft_.choices[static_cast<std::size_t>(index)];
    if (content != JsonTokens::root) {
      for_each_member(tokens_, content, [&](std::string_view name, Value parts) {
        if (name == "parts") for_each_element(tokens_, parts, [&](Value part) { take_part(part, choice); });
      });
    }
    if (reason != JsonTokens::root) take_finish(string_inner(tokens_, reason), message, choice);
  }

  void take_part(Value part, Choice& choice) {
    bool thought = false;
    std::string_view text;
    for_each_member(tokens_, part, [&](std::string_view name, Value value) {
      if (name == "thought") thought = is_truthy(tokens_, value);
      if (name == "text") text = string_inner(tokens_, value);
      if (name == "functionCall" && is_object(tokens_, value)) take_call(value, choice);
    });
    if (text.empty()) return;
    (thought ? choice.has_reasoning : choice.has_content) = true;
    append_json_unescaped(thought ? choice.reasoning : choice.content, text);
    draft_.content_seen = true;
  }

  void take_call(Value object, Choice& choice) {
    if (choice.tool_calls.size() >= most_choices) {
      fault_ = malformed("more than 128 function calls");
      return;
    }
    AnswerDraft::ToolCall& call = choice.tool_calls.emplace_back();
    for_each_member(tokens_, object, [&](std::string_view name, Value value) {
      if (name == "id") call.id = string_of(tokens_, value);
      if (name == "name") call.name = string_of(tokens_, value);
      if (name == "args" && is_object(tokens_, value)) append_json_raw(call.arguments, tokens_.raw(value));
    });
    if (call.arguments.empty()) call.arguments = "{}";
    draft_.content_seen = true;
  }

  void take_finish(std::string_view reason, Value message, Choice& choice) {
    if (reason.empty()) return;
    if (is_broken(reason)) {
      const std::string said = message != JsonTokens::root ? ": " + string_of(tokens_, message) : "";
      fault_ = malformed("the model ended with " + std::string(reason) + said);
      fault_->kind = FaultKind::model_stumbled;
      return;
    }
    choice.finish_reason = finish_of(reason, !choice.tool_calls.empty());
    draft_.content_seen = true;
  }

  const JsonTokens& tokens_;
  AnswerDraft& draft_;
  std::optional<Fault> fault_;
};

// Calls without an id of the provider's. Done when the reply's own id is sure to be known.
void name_calls(AnswerDraft& draft) {
  for (std::size_t c = 0; c < draft.choices.size(); ++c) {
    std::vector<AnswerDraft::ToolCall>& calls = draft.choices[c].tool_calls;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (!calls[i].id.empty()) continue;
      calls[i].id = "call_" + draft.id + "_" + std::to_string(c) + "_" + std::to_string(i);
    }
  }
}

// An error object, alone or in an array.
bool says_error(const JsonTokens& tokens, Value root) {
  bool error = false;
  for_each_element(tokens, root, [&](Value element) { error = error || says_error(tokens, element); });
  for_each_member(tokens, root, [&](std::string_view name, Value value) {
    error = error || (name == "error" && is_truthy(tokens, value));
  });
  return error;
}

}  // namespace

std::optional<Fault> decode_gemini_event(std::string_view data, AnswerDraft& draft) {
  if (ascii::trim(data).empty()) return std::nullopt;
  const ReplyJson json = scan_reply(data);
  if (!json) return wrong_event(json);
  if (says_error(*json.tokens, JsonTokens::root)) return gemini_fault(nullptr, data);
  if (auto fault = wrong_event(json)) return fault;
  if (auto fault = ChunkReader(*json.tokens, draft).read()) return fault;
  name_calls(draft);
  return std::nullopt;
}

std::optional<Fault> decode_gemini_body(Api api, const ResponseHead& head, std::string_view body,
                                        Answer& answer) {
  const ReplyJson json = scan_reply(body);
  if (!json) return with_status(*wrong_body(body, json), head.status);
  if (says_error(*json.tokens, JsonTokens::root)) return gemini_fault(&head, body);
  if (auto fault = wrong_body(body, json)) return with_status(std::move(*fault), head.status);
  AnswerDraft draft;
  if (auto fault = ChunkReader(*json.tokens, draft).read())
    return with_status(std::move(*fault), head.status);
  if (!draft.every_choice_finished())
    return with_status(malformed("the reply has no finish reason"), head.status);
  name_calls(draft);
  if (api == Api::gemini_generate) append_json_raw(draft.body, json.text);
  draft.created = head.began;
  answer = draft.finish();
  return std::nullopt;
}

}  // namespace batchrun
