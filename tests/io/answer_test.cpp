#include "io/answer.h"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace batchrun {
namespace {

simdjson::dom::element parse(simdjson::dom::parser& parser, const Answer& answer) {
  EXPECT_EQ(answer.body.find('\n'), std::string::npos);
  simdjson::dom::element root;
  EXPECT_EQ(parser.parse(answer.body).get(root), simdjson::SUCCESS) << answer.body;
  return root;
}

std::string_view text_at(simdjson::dom::element root, std::string_view pointer) {
  const auto text = root.at_pointer(pointer).get_string();
  return text.error() != simdjson::SUCCESS ? "(absent)" : text.value_unsafe();
}

AnswerDraft text_draft() {
  AnswerDraft draft;
  draft.id = "chatcmpl-1";
  draft.model = "gpt-4o-mini-2024-07-18";
  draft.created = 1763800000;
  draft.choices.resize(1);
  draft.choices[0].role = "assistant";
  draft.choices[0].content = "Paris \"\\\n\x01 \xE2\x82\xAC";
  draft.choices[0].has_content = true;
  draft.choices[0].finish_reason = "stop";
  return draft;
}

TEST(AnswerDraft, FinishesAsAChatCompletion) {
  AnswerDraft draft = text_draft();
  draft.usage = {14, 2, 3, 1, true};
  draft.usage_json = R"({"prompt_tokens":14,"completion_tokens":3,"total_tokens":17})";
  draft.system_fingerprint = "fp_1";
  draft.service_tier = "default";
  const Answer answer = draft.finish();
  simdjson::dom::parser parser;
  const auto root = parse(parser, answer);
  EXPECT_EQ(text_at(root, "/id"), "chatcmpl-1");
  EXPECT_EQ(text_at(root, "/object"), "chat.completion");
  EXPECT_EQ(text_at(root, "/model"), "gpt-4o-mini-2024-07-18");
  EXPECT_EQ(std::int64_t(root["created"]), 1763800000);
  EXPECT_EQ(text_at(root, "/choices/0/message/role"), "assistant");
  EXPECT_EQ(text_at(root, "/choices/0/message/content"), draft.choices[0].content);
  EXPECT_TRUE(root.at_pointer("/choices/0/message/refusal").is_null());
  EXPECT_TRUE(root.at_pointer("/choices/0/logprobs").is_null());
  EXPECT_EQ(text_at(root, "/choices/0/finish_reason"), "stop");
  EXPECT_EQ(std::int64_t(root.at_pointer("/usage/total_tokens")), 17);
  EXPECT_EQ(text_at(root, "/system_fingerprint"), "fp_1");
  EXPECT_EQ(text_at(root, "/service_tier"), "default");
  EXPECT_EQ(answer.model, draft.model);
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(answer.usage.input_tokens, 14u);
  EXPECT_TRUE(answer.usage.known);
}

TEST(AnswerDraft, LeavesOutWhatNeverCame) {
  AnswerDraft draft = text_draft();
  draft.choices[0].has_content = false;
  draft.choices[0].role.clear();
  draft.choices[0].finish_reason.clear();
  const Answer answer = draft.finish();
  simdjson::dom::parser parser;
  const auto root = parse(parser, answer);
  EXPECT_EQ(root["usage"].error(), simdjson::NO_SUCH_FIELD);
  EXPECT_EQ(root["service_tier"].error(), simdjson::NO_SUCH_FIELD);
  EXPECT_EQ(root["system_fingerprint"].error(), simdjson::NO_SUCH_FIELD);
  EXPECT_EQ(text_at(root, "/choices/0/message/role"), "assistant");
  EXPECT_TRUE(root.at_pointer("/choices/0/message/content").is_null());
  EXPECT_TRUE(root.at_pointer("/choices/0/finish_reason").is_null());
  EXPECT_FALSE(answer.usage.known);
}

TEST(AnswerDraft, WritesToolCallsRefusalsReasoningAndLogprobs) {
  AnswerDraft draft = text_draft();
  draft.choices.resize(3);
  draft.choices[0].content.clear();
  draft.choices[0].tool_calls = {{"call_1", "function", "f", "{\"x\":\"\\n\"}"}, {"call_2", "", "g", ""}};
  draft.choices[1].has_refusal = true;
  draft.choices[1].refusal = "no";
  draft.choices[1].has_reasoning = true;
  draft.choices[1].reasoning = "because";
  draft.choices[2].has_logprobs = true;
  draft.choices[2].logprobs_content = R"({"token":"a","logprob":-0.5},{"token":"b","logprob":-1})";
  draft.choices[2].function_call = AnswerDraft::ToolCall{"", "", "old", "{}"};
  simdjson::dom::parser parser;
  const Answer answer = draft.finish();
  const auto root = parse(parser, answer);
  EXPECT_TRUE(root.at_pointer("/choices/0/message/content").is_null());
  EXPECT_EQ(text_at(root, "/choices/0/message/tool_calls/0/id"), "call_1");
  EXPECT_EQ(text_at(root, "/choices/0/message/tool_calls/0/function/arguments"), "{\"x\":\"\\n\"}");
  EXPECT_EQ(text_at(root, "/choices/0/message/tool_calls/1/type"), "function");
  EXPECT_EQ(text_at(root, "/choices/0/message/tool_calls/1/function/name"), "g");
  EXPECT_EQ(text_at(root, "/choices/1/message/refusal"), "no");
  EXPECT_EQ(text_at(root, "/choices/1/message/reasoning"), "because");
  EXPECT_EQ(std::int64_t(root.at_pointer("/choices/1/index")), 1);
  EXPECT_EQ(text_at(root, "/choices/2/logprobs/content/1/token"), "b");
  EXPECT_TRUE(root.at_pointer("/choices/2/logprobs/refusal").is_null());
  EXPECT_EQ(text_at(root, "/choices/2/message/function_call/name"), "old");
}

TEST(AnswerDraft, IsFinishedWhenEveryChoiceIs) {
  AnswerDraft draft;
  EXPECT_FALSE(draft.every_choice_finished());
  draft.choices.resize(2);
  draft.choices[1].finish_reason = "stop";
  EXPECT_FALSE(draft.every_choice_finished());
  draft.choices[0].finish_reason = "length";
  EXPECT_TRUE(draft.every_choice_finished());
}

}  // namespace
}  // namespace batchrun
