#include "io/dialects/openai_responses.h"

#include "io/ascii.h"
#include "io/dialects/openai_errors.h"
#include "io/dialects/openai_usage.h"
#include "io/dialects/reply_fault.h"
#include "io/json_text.h"
#include "io/reply_json.h"

namespace batchrun {
namespace {

using Value = JsonTokens::Value;

// What is looked at of a response object.
struct ResponseView {
  std::string status, model;
  std::string incomplete_because;
  Usage usage;
  bool error = false, called = false, refused = false;
};

std::string member_text(const JsonTokens& tokens, Value object, std::string_view wanted) {
  const auto value = find_member(tokens, object, wanted);
  return value ? string_of(tokens, *value) : std::string();
}

void read_content(const JsonTokens& tokens, Value content, ResponseView& view) {
  if (tokens.first(content) != '[') return;
  for (ArrayWalk parts(tokens, content); parts.next();) {
    if (member_text(tokens, parts.value(), "type") == "refusal") view.refused = true;
  }
}

void read_output(const JsonTokens& tokens, Value output, ResponseView& view) {
  if (tokens.first(output) != '[') return;
  for (ArrayWalk items(tokens, output); items.next();) {
    if (tokens.first(items.value()) != '{') continue;
    for (ObjectWalk item(tokens, items.value()); item.next();) {
      if (item.name() == "content") read_content(tokens, item.value(), view);
      if (item.name() != "type") continue;
      const std::string_view type = string_inner(tokens, item.value());
      if (type == "function_call" || type == "custom_tool_call") view.called = true;
    }
  }
}

ResponseView view_response(const JsonTokens& tokens, Value response) {
  ResponseView view;
  for (ObjectWalk walk(tokens, response); walk.next();) {
    const std::string_view name = walk.name();
    const Value value = walk.value();
    if (name == "status") view.status = string_of(tokens, value);
    if (name == "model") view.model = string_of(tokens, value);
    if (name == "error") view.error = is_truthy(tokens, value);
    if (name == "output") read_output(tokens, value, view);
    if (name == "incomplete_details") view.incomplete_because = member_text(tokens, value, "reason");
    if (name == "usage" && tokens.first(value) == '{') view.usage = openai_usage(tokens, value);
  }
  return view;
}

bool is_answer(const ResponseView& view) {
  return !view.error && (view.status == "completed" || view.status == "incomplete");
}

std::string finish_of(const ResponseView& view) {
  if (view.status == "incomplete")
    return view.incomplete_because == "content_filter" ? "content_filter" : "length";
  if (view.refused) return "content_filter";
  return view.called ? "tool_calls" : "stop";
}

Fault no_answer(const ResponseView& view) {
  Fault fault;
  const bool later = view.status == "queued" || view.status == "in_progress";
  fault.kind = later ? FaultKind::bad_request : FaultKind::server_error;
  fault.message = later ? "the response runs in the background, where nobody waits for it"
                        : "the response was " + (view.status.empty() ? "not finished" : view.status);
  return fault;
}

std::optional<Fault> take_end(OpenAiFlavour flavour, const JsonTokens& tokens, Value response,
                              AnswerDraft& draft) {
  ResponseView view = view_response(tokens, response);
  if (view.error) return openai_event_fault(flavour, std::string(tokens.raw(response)));
  if (!is_answer(view)) return no_answer(view);
  draft.model = std::move(view.model);
  draft.usage = view.usage;
  draft.choices.resize(1);
  draft.choices[0].finish_reason = finish_of(view);
  append_json_raw(draft.body, tokens.raw(response));
  draft.content_seen = draft.end_mark = true;
  return std::nullopt;
}

}  // namespace

std::optional<Fault> decode_responses_event(OpenAiFlavour flavour, std::string_view event_name,
                                            std::string_view data, AnswerDraft& draft) {
  if (ascii::trim(data).empty() || data.starts_with("[DONE]")) return std::nullopt;
  const ReplyJson json = scan_reply(data);
  if (auto fault = wrong_event(json)) return fault;
  const JsonTokens& tokens = *json.tokens;
  std::string_view type = event_name;
  Value response = JsonTokens::root;
  bool error = false, has_delta = false;
  for (ObjectWalk walk(tokens, JsonTokens::root); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "type") type = string_inner(tokens, walk.value());
    if (name == "error") error = is_truthy(tokens, walk.value());
    if (name == "delta") has_delta = !string_inner(tokens, walk.value()).empty();
    if (name == "response" && tokens.first(walk.value()) == '{') response = walk.value();
  }
  if (error || type == "error") return openai_event_fault(flavour, data);
  const bool ends =
      type == "response.completed" || type == "response.incomplete" || type == "response.failed";
  if (!ends) {
    draft.content_seen = draft.content_seen || (has_delta && type.ends_with(".delta"));
    return std::nullopt;
  }
  if (response == JsonTokens::root) return malformed("the last event has no response");
  return take_end(flavour, tokens, response, draft);
}

std::optional<Fault> decode_responses_body(OpenAiFlavour flavour, const ResponseHead& head,
                                           std::string_view body, Answer& answer) {
  const ReplyJson json = scan_reply(body);
  if (auto fault = wrong_body(body, json)) return with_status(std::move(*fault), head.status);
  ResponseView view = view_response(*json.tokens, JsonTokens::root);
  if (view.error) return openai_fault(flavour, head, body);
  if (view.status.empty())
    return with_status(malformed("the reply is no response: it has no status"), head.status);
  if (!is_answer(view)) return with_status(no_answer(view), head.status);
  answer.model = std::move(view.model);
  answer.usage = view.usage;
  answer.finish_reason = finish_of(view);
  answer.body.clear();
  append_json_raw(answer.body, json.text);
  return std::nullopt;
}

}  // namespace batchrun
