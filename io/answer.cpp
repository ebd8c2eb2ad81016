#include "io/answer.h"

#include <algorithm>
#include <string_view>

#include "io/json_text.h"

namespace batchrun {

namespace {

using Choice = AnswerDraft::Choice;
using ToolCall = AnswerDraft::ToolCall;

void append_member(std::string& out, std::string_view quoted_name_and_colon, std::string_view text) {
  out += quoted_name_and_colon;
  append_json_string(out, text);
}

void append_function(std::string& out, const ToolCall& call) {
  append_member(out, "{\"name\":", call.name);
  append_member(out, ",\"arguments\":", call.arguments);
  out += '}';
}

void append_tool_calls(std::string& out, const std::vector<ToolCall>& calls) {
  out += ",\"tool_calls\":[";
  for (const ToolCall& call : calls) {
    if (&call != &calls.front()) out += ',';
    append_member(out, "{\"id\":", call.id);
    append_member(out, ",\"type\":", call.type.empty() ? "function" : std::string_view(call.type));
    out += ",\"function\":";
    append_function(out, call);
    out += '}';
  }
  out += ']';
}

void append_message(std::string& out, const Choice& choice) {
  append_member(out, "{\"role\":", choice.role.empty() ? "assistant" : std::string_view(choice.role));
  // A tool call's chunks carry empty text only, where the whole reply has null.
  const bool calls = !choice.tool_calls.empty() || choice.function_call;
  if (choice.has_content && !(calls && choice.content.empty())) {
    append_member(out, ",\"content\":", choice.content);
  } else {
    out += ",\"content\":null";
  }
  if (choice.has_refusal) {
    append_member(out, ",\"refusal\":", choice.refusal);
  } else {
    out += ",\"refusal\":null";
  }
  if (choice.has_reasoning) append_member(out, ",\"reasoning\":", choice.reasoning);
  if (!choice.tool_calls.empty()) append_tool_calls(out, choice.tool_calls);
  if (choice.function_call) {
    out += ",\"function_call\":";
    append_function(out, *choice.function_call);
  }
  out += '}';
}

void append_logprobs(std::string& out, const Choice& choice) {
  if (!choice.has_logprobs) {
    out += ",\"logprobs\":null";
    return;
  }
  out.append(",\"logprobs\":{\"content\":[").append(choice.logprobs_content).append("],\"refusal\":");
  if (choice.logprobs_refusal.empty()) {
    out += "null}";
  } else {
    out.append("[").append(choice.logprobs_refusal).append("]}");
  }
}

void append_choice(std::string& out, std::size_t index, const Choice& choice) {
  out += "{\"index\":";
  append_json_number(out, index);
  out += ",\"message\":";
  append_message(out, choice);
  append_logprobs(out, choice);
  if (choice.finish_reason.empty()) {
    out += ",\"finish_reason\":null}";
  } else {
    append_member(out, ",\"finish_reason\":", choice.finish_reason);
    out += '}';
  }
}

std::size_t size_of(const AnswerDraft& draft) {
  std::size_t size = 320 + draft.usage_json.size();
  for (const Choice& choice : draft.choices) {
    size += 160 + choice.content.size() + choice.reasoning.size() + choice.logprobs_content.size();
  }
  return size;
}

}  // namespace

bool AnswerDraft::every_choice_finished() const {
  return !choices.empty() && std::all_of(choices.begin(), choices.end(),
                                         [](const Choice& c) { return !c.finish_reason.empty(); });
}

Answer AnswerDraft::finish() const {
  Answer answer;
  answer.model = model;
  answer.usage = usage;
  if (!choices.empty()) answer.finish_reason = choices.front().finish_reason;
  if (!body.empty()) {
    answer.body = body;
    return answer;
  }
  std::string& out = answer.body;
  out.reserve(size_of(*this));
  append_member(out, "{\"id\":", id);
  out += ",\"object\":\"chat.completion\",\"created\":";
  append_json_number(out, created);
  append_member(out, ",\"model\":", model);
  out += ",\"choices\":[";
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += ',';
    append_choice(out, i, choices[i]);
  }
  out += ']';
  if (!usage_json.empty()) out.append(",\"usage\":").append(usage_json);
  if (!service_tier.empty()) append_member(out, ",\"service_tier\":", service_tier);
  if (!system_fingerprint.empty()) append_member(out, ",\"system_fingerprint\":", system_fingerprint);
  out += '}';
  return answer;
}

}  // namespace batchrun
