#include "io/dialects/anthropic_decode.h"

#include <algorithm>

#include "io/ascii.h"
#include "io/dialects/anthropic_errors.h"
#include "io/dialects/chat_usage.h"
#include "io/dialects/reply_fault.h"
#include "io/json_text.h"
#include "io/reply_json.h"

namespace batchrun {

namespace {

using Value = JsonTokens::Value;
using Choice = AnswerDraft::Choice;
using ToolCall = AnswerDraft::ToolCall;

std::string finish_reason_of(std::string_view stop_reason) {
  if (stop_reason == "end_turn" || stop_reason == "stop_sequence") return "stop";
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") return "length";
  if (stop_reason == "tool_use") return "tool_calls";
  if (stop_reason == "refusal") return "content_filter";
  return std::string(stop_reason);
}

// The counts as Anthropic splits the input.
struct InputParts {
  std::uint64_t fresh = 0, read = 0, written = 0, written_1h = 0;  // written: in all
};

InputParts parts_of(const Usage& usage) {
  const std::uint64_t written = usage.cache_write_tokens + usage.cache_write_1h_tokens;
  return {usage.input_tokens - usage.cached_tokens - written, usage.cached_tokens, written,
          usage.cache_write_1h_tokens};
}

void put_parts(const InputParts& parts, Usage& usage) {
  usage.input_tokens = parts.fresh + parts.read + parts.written;
  usage.cached_tokens = parts.read;
  usage.cache_write_1h_tokens = std::min(parts.written_1h, parts.written);
  usage.cache_write_tokens = parts.written - usage.cache_write_1h_tokens;
}

// The count of a member of an object, if it is there.
std::optional<std::uint64_t> count_in(const JsonTokens& tokens, Value object, std::string_view name) {
  if (tokens.first(object) != '{') return std::nullopt;
  for (ObjectWalk walk(tokens, object); walk.next();) {
    if (walk.name() == name) return count_of(tokens, walk.value());
  }
  return std::nullopt;
}

// Replaces what `object` states; what is null or absent stays.
void overwrite_usage(const JsonTokens& tokens, Value object, Usage& usage) {
  InputParts input = parts_of(usage);
  const auto overwrite = [&usage](std::optional<std::uint64_t> stated, std::uint64_t& count) {
    if (!stated) return;
    count = *stated;
    usage.known = true;
  };
  for (ObjectWalk walk(tokens, object); walk.next();) {
    const std::string_view name = walk.name();
    const Value value = walk.value();
    if (name == "input_tokens") overwrite(count_of(tokens, value), input.fresh);
    if (name == "cache_read_input_tokens") overwrite(count_of(tokens, value), input.read);
    if (name == "cache_creation_input_tokens") overwrite(count_of(tokens, value), input.written);
    if (name == "output_tokens") overwrite(count_of(tokens, value), usage.output_tokens);
    if (name == "cache_creation")
      overwrite(count_in(tokens, value, "ephemeral_1h_input_tokens"), input.written_1h);
    if (name == "output_tokens_details")
      overwrite(count_in(tokens, value, "thinking_tokens"), usage.reasoning_tokens);
  }
  put_parts(input, usage);
  usage.reasoning_tokens = std::min(usage.reasoning_tokens, usage.output_tokens);
}

// Reads what replies are made of into a draft: events, or a whole message.
class MessageReader {
 public:
  MessageReader(const JsonTokens& tokens, AnswerDraft& draft) : tokens_(tokens), draft_(draft) {
    if (draft_.choices.empty()) {
      draft_.choices.emplace_back();
      draft_.choices.front().has_content = true;
    }
  }

  void read_event() {
    Value type = JsonTokens::root, message = type, block = type, delta = type, usage = type, index = type;
    for (ObjectWalk walk(tokens_, JsonTokens::root); walk.next();) {
      const std::string_view name = walk.name();
      if (name == "type") type = walk.value();
      if (name == "message") message = walk.value();
      if (name == "content_block") block = walk.value();
      if (name == "delta") delta = walk.value();
      if (name == "usage") usage = walk.value();
      if (name == "index") index = walk.value();
    }
    const std::string_view event = string_inner(tokens_, type);
    const std::uint64_t number = index == JsonTokens::root ? 0 : count_of(tokens_, index).value_or(0);
    if (event == "message_start" && is_object(message)) {
      draft_.needs_end_mark = true;
      read_message(message);
    } else if (event == "content_block_start" && is_object(block)) {
      start_block(block, number);
    } else if (event == "content_block_delta" && is_object(delta)) {
      take_delta(delta, number);
    } else if (event == "message_delta") {
      if (is_object(delta)) take_end(delta);
      if (is_object(usage)) take_usage(usage);
    } else if (event == "message_stop") {
      draft_.end_mark = true;
    }
  }

  // False: it has no content, so it is no message.
  bool read_message(Value message) {
    bool has_content = false;
    for (ObjectWalk walk(tokens_, message); walk.next();) {
      const std::string_view name = walk.name();
      const Value value = walk.value();
      if (name == "id") draft_.id = string_of(tokens_, value);
      if (name == "model") draft_.model = string_of(tokens_, value);
      if (name == "usage" && is_object(value)) take_usage(value);
      if (name != "content" || tokens_.first(value) != '[') continue;
      has_content = true;
      std::uint64_t number = 0;
      for (ArrayWalk blocks(tokens_, value); blocks.next(); ++number) {
        if (is_object(blocks.value())) take_block(blocks.value(), number);
      }
    }
    take_end(message);
    return has_content;
  }

  bool paused_turn() const { return choice().finish_reason == "pause_turn"; }

 private:
  // The root is the event itself, which is none of its own members.
  bool is_object(Value value) const { return value != JsonTokens::root && tokens_.first(value) == '{'; }
  Choice& choice() const { return draft_.choices.front(); }

  Value member(Value object, std::string_view wanted) const {
    for (ObjectWalk walk(tokens_, object); walk.next();) {
      if (walk.name() == wanted) return walk.value();
    }
    return JsonTokens::root;
  }

  std::string_view text(Value object, std::string_view name) const {
    const Value value = member(object, name);
    return value == JsonTokens::root ? std::string_view() : string_inner(tokens_, value);
  }

  void take_usage(Value usage) {
    overwrite_usage(tokens_, usage, draft_.usage);
    if (draft_.usage.known) draft_.usage_json = chat_usage_json(draft_.usage);
  }

  void take_text(std::string_view inner, std::string& into) {
    append_json_unescaped(into, inner);
    if (!inner.empty()) draft_.content_seen = true;
  }

  void take_thinking(std::string_view inner) {
    take_text(inner, choice().reasoning);
    choice().has_reasoning = choice().has_reasoning || !inner.empty();
  }

  // A block of a stream: what it holds comes in deltas, the input of a call too.
  void start_block(Value block, std::uint64_t number) {
    const std::string_view type = text(block, "type");
    if (type == "text") take_text(text(block, "text"), choice().content);
    if (type == "thinking") take_thinking(text(block, "thinking"));
    if (type == "tool_use") start_call(block, number);
  }

  // A block of a whole message.
  void take_block(Value block, std::uint64_t number) {
    start_block(block, number);
    const Value input = member(block, "input");
    if (text(block, "type") == "tool_use" && is_object(input))
      append_json_raw(choice().tool_calls.back().arguments, tokens_.raw(input));
  }

  void start_call(Value block, std::uint64_t number) {
    ToolCall& call = choice().tool_calls.emplace_back();
    append_json_unescaped(call.id, text(block, "id"));
    append_json_unescaped(call.name, text(block, "name"));
    call.block = number;
    draft_.content_seen = true;
  }

  void take_delta(Value delta, std::uint64_t number) {
    const std::string_view type = text(delta, "type");
    if (type == "text_delta") take_text(text(delta, "text"), choice().content);
    if (type == "thinking_delta") take_thinking(text(delta, "thinking"));
    if (type != "input_json_delta") return;
    for (ToolCall& call : choice().tool_calls) {
      if (call.block == number) append_json_unescaped(call.arguments, text(delta, "partial_json"));
    }
  }

  // stop_reason and stop_details, of a message or of the delta to one.
  void take_end(Value object) {
    const std::string_view reason = text(object, "stop_reason");
    if (reason.empty()) return;
    choice().finish_reason = finish_reason_of(reason);
    draft_.content_seen = true;
    for (ToolCall& call : choice().tool_calls) {
      if (call.arguments.empty()) call.arguments = "{}";  // a call without arguments has no delta
    }
    const Value details = member(object, "stop_details");
    if (!is_object(details)) return;
    const std::string_view explanation = text(details, "explanation");
    if (explanation.empty()) return;
    choice().has_refusal = true;
    append_json_unescaped(choice().refusal, explanation);
  }

  const JsonTokens& tokens_;
  AnswerDraft& draft_;
};

bool says_error(const JsonTokens& tokens) {
  for (ObjectWalk walk(tokens, JsonTokens::root); walk.next();) {
    if (walk.name() == "error" && is_truthy(tokens, walk.value())) return true;
    if (walk.name() == "type" && string_inner(tokens, walk.value()) == "error") return true;
  }
  return false;
}

Fault needs_another_request() {
  Fault fault;
  fault.kind = FaultKind::bad_request;
  fault.message = "the model paused its turn (pause_turn): the answer needs another request";
  return fault;
}

}  // namespace

std::optional<Fault> decode_anthropic_event(std::string_view event_name, std::string_view data,
                                            AnswerDraft& draft) {
  if (event_name == "error") return anthropic_event_fault(data);
  if (ascii::trim(data).empty()) return std::nullopt;
  const ReplyJson json = scan_reply(data);
  if (auto fault = wrong_event(json)) return fault;
  if (says_error(*json.tokens)) return anthropic_event_fault(data);
  MessageReader reader(*json.tokens, draft);
  reader.read_event();
  return reader.paused_turn() ? std::optional(needs_another_request()) : std::nullopt;
}

std::optional<Fault> decode_anthropic_body(Api api, const ResponseHead& head, std::string_view body,
                                           Answer& answer) {
  const ReplyJson json = scan_reply(body);
  if (auto fault = wrong_body(body, json)) return fault;
  if (says_error(*json.tokens)) return anthropic_fault(head, body);
  AnswerDraft draft;
  MessageReader reader(*json.tokens, draft);
  if (!reader.read_message(JsonTokens::root)) return malformed("the reply is no message: it has no content");
  if (api == Api::chat && reader.paused_turn()) return needs_another_request();
  if (api == Api::anthropic_messages) append_json_raw(draft.body, json.text);
  draft.created = head.began;
  answer = draft.finish();
  return std::nullopt;
}

}  // namespace batchrun
