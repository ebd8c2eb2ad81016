#include "io/dialects/openai_decode.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

constexpr auto openai = OpenAiFlavour::openai;
constexpr auto groq = OpenAiFlavour::groq;
constexpr auto cerebras = OpenAiFlavour::cerebras;

std::optional<Fault> decode(std::string_view data, AnswerDraft& draft, OpenAiFlavour flavour = openai,
                            std::string_view event_name = "") {
  return decode_openai_event(flavour, event_name, data, draft);
}

TEST(OpenAiEvent, OpensTheGateOnlyForGeneratedContent) {
  const std::pair<std::string_view, bool> table[] = {
      {R"({"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null})",
       false},
      {R"({"choices":[{"index":0,"delta":{"role":"assistant"}}]})", false},
      {R"({"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]})",
       false},
      {R"({"choices":null})", false},
      {R"({"id":"x"})", false},
      {R"({})", false},
      {R"({"choices":[{"index":0,"delta":null}]})", false},
      {R"({"choices":[{"index":0}]})", false},
      {R"({"choices":[{"index":0,"delta":{"content":null,"tool_calls":null,"reasoning":null}}]})", false},
      {R"({"choices":[{"index":0,"delta":{"tool_calls":[]}}]})", false},
      {R"({"choices":[{"index":0,"delta":{"refusal":""},"finish_reason":""}]})", false},
      {R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}})", false},
      {R"({"x_groq":{"id":"req_01"}})", false},
      {R"({"type":"ping","unknown":[1,2]})", false},
      {"", false},
      {"   ", false},
      {R"({"choices":[{"index":0,"delta":{"content":" "}}]})", true},
      {R"({"choices":[{"delta":{"content":"x"}}]})", true},
      {R"({"choices":[{"index":0,"delta":{"reasoning":"hm"}}]})", true},
      {R"({"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]})", true},
      {R"({"choices":[{"index":0,"delta":{"refusal":"no"}}]})", true},
      {R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}}]})",
       true},
      {R"({"choices":[{"index":0,"delta":{"function_call":{"name":"f"}}}]})", true},
      {R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})", true},
      {R"({"choices":[{"index":0,"delta":null,"finish_reason":"eos"}]})", true}};
  for (const auto& [data, opens] : table) {
    AnswerDraft draft;
    EXPECT_FALSE(decode(data, draft)) << data;
    EXPECT_EQ(draft.content_seen, opens) << data;
    EXPECT_FALSE(draft.end_mark);
  }
}

TEST(OpenAiEvent, KnowsTheEndMarkByItsStart) {
  for (const std::string_view data : {"[DONE]", "[DONE] ", "[DONE]x"}) {
    AnswerDraft draft;
    EXPECT_FALSE(decode(data, draft));
    EXPECT_TRUE(draft.end_mark) << data;
  }
}

TEST(OpenAiEvent, CollectsTextOfEveryChoice) {
  AnswerDraft draft;
  for (
      const std::string_view data :
      {R"({"id":"","model":"","created":0,"choices":[]})",
       R"({"id":"c1","model":"m1","created":7,"system_fingerprint":"fp","service_tier":"default","choices":[{"index":1,"delta":{"role":"assistant","content":"B"}}]})",
       R"({"id":"c2","model":"m2","created":8,"choices":[{"index":0,"delta":{"content":"A\u00e9"}},{"index":1,"delta":{"content":"\"b"}}]})",
       R"({"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]})",
       R"({"choices":[{"index":1,"delta":{},"finish_reason":"length"}],"usage":{"prompt_tokens":5,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":4}}})"}) {
    EXPECT_FALSE(decode(data, draft));
  }
  ASSERT_EQ(draft.choices.size(), 2u);
  EXPECT_EQ(draft.id, "c1");
  EXPECT_EQ(draft.model, "m1");
  EXPECT_EQ(draft.created, 7);
  EXPECT_EQ(draft.choices[0].content,
            "A\xC3\xA9"
            "a");
  EXPECT_EQ(draft.choices[1].content, "B\"b");
  EXPECT_EQ(draft.choices[0].finish_reason, "stop");
  EXPECT_EQ(draft.choices[1].finish_reason, "length");
  EXPECT_TRUE(draft.every_choice_finished());
  EXPECT_TRUE(draft.usage.known);
  EXPECT_EQ(draft.usage.input_tokens, 5u);
  EXPECT_EQ(draft.usage.cached_tokens, 2u);
  EXPECT_EQ(draft.usage.output_tokens, 9u);
  EXPECT_EQ(draft.usage.reasoning_tokens, 4u);
}

TEST(OpenAiEvent, PutsToolCallsTogether) {
  AnswerDraft draft;
  for (
      const std::string_view data :
      {R"({"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}}]})",
       R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}},{"index":1,"id":"call_2","function":{"name":"g"}}]}}]})",
       R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"","function":{"arguments":"1}"}},{"index":1,"function":{"arguments":"{}"}}]}}]})"}) {
    EXPECT_FALSE(decode(data, draft));
  }
  const auto& calls = draft.choices.at(0).tool_calls;
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].id, "call_1");
  EXPECT_EQ(calls[0].type, "function");
  EXPECT_EQ(calls[0].name, "f");
  EXPECT_EQ(calls[0].arguments, "{\"a\":1}");
  EXPECT_EQ(calls[1].id, "call_2");
  EXPECT_EQ(calls[1].arguments, "{}");
}

TEST(OpenAiEvent, ToolCallsWithoutIndexAreToldApartByTheirIds) {
  AnswerDraft draft;
  EXPECT_FALSE(
      decode(R"({"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}}]})",
             draft));
  EXPECT_FALSE(decode(R"({"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"}"}}]}}]})", draft));
  EXPECT_FALSE(decode(
      R"({"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{}"}}]}}]})",
      draft));
  const auto& calls = draft.choices.at(0).tool_calls;
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, "{}");
  EXPECT_EQ(calls[1].name, "g");
}

TEST(OpenAiEvent, TakesUsageFromWhereverItIs) {
  struct Row {
    OpenAiFlavour flavour;
    std::string_view data;
  };
  for (
      const Row& row :
      {Row{groq,
           R"({"choices":[],"x_groq":{"id":"r","usage":{"queue_time":0.01,"prompt_tokens":14,"completion_tokens":3}}})"},
       Row{groq,
           R"({"usage":{"prompt_tokens":14,"completion_tokens":3},"x_groq":{"usage":{"prompt_tokens":14,"completion_tokens":3}}})"},
       Row{cerebras,
           R"({"choices":null,"usage":{"prompt_tokens":14,"completion_tokens":3,"prompt_tokens_details":null},"time_info":{}})"},
       Row{openai,
           R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":14.0,"completion_tokens":3}})"}}) {
    AnswerDraft draft;
    EXPECT_FALSE(decode(row.data, draft, row.flavour));
    EXPECT_TRUE(draft.usage.known) << row.data;
    EXPECT_EQ(draft.usage.input_tokens, 14u) << row.data;
    EXPECT_EQ(draft.usage.output_tokens, 3u) << row.data;
  }
  AnswerDraft draft;
  for (const int tokens : {1, 2, 3}) {  // on every chunk: the last counts, a chunk without erases nothing
    const std::string data =
        R"({"usage":{"prompt_tokens":10,"completion_tokens":)" + std::to_string(tokens) + "}}";
    EXPECT_FALSE(decode(data, draft));
  }
  EXPECT_FALSE(decode(R"({"usage":null})", draft));
  EXPECT_EQ(draft.usage.output_tokens, 3u);
  EXPECT_EQ(draft.usage_json, R"({"prompt_tokens":10,"completion_tokens":3})");
  AnswerDraft absurd;
  EXPECT_FALSE(decode(R"({"usage":{"prompt_tokens":-5,"completion_tokens":1e400}})", absurd));
  EXPECT_FALSE(absurd.usage.known);
}

TEST(OpenAiEvent, CollectsLogprobs) {
  AnswerDraft draft;
  EXPECT_FALSE(decode(
      R"({"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.1}],"refusal":null}}]})",
      draft));
  EXPECT_FALSE(decode(
      R"({"choices":[{"delta":{"content":"b"},"logprobs":{"content":[{"token":"b","logprob":-0.2}]}}]})",
      draft));
  EXPECT_TRUE(draft.choices[0].has_logprobs);
  EXPECT_EQ(draft.choices[0].logprobs_content,
            R"({"token":"a","logprob":-0.1},{"token":"b","logprob":-0.2})");
}

TEST(OpenAiEvent, FailsOnErrorsWhereverTheyAreSaid) {
  struct Row {
    OpenAiFlavour flavour;
    std::string_view name, data;
    FaultKind kind;
  };
  using enum FaultKind;
  for (
      const Row& row :
      {Row{openai, "",
           R"({"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}})",
           server_error},
       Row{openai, "error", R"({"error":{"message":"m","type":"rate_limit_error"}})", rate_limited},
       Row{openai, "error", R"({"message":"flat","type":"overloaded_error"})", overloaded},
       Row{openai, "error", "not json", server_error}, Row{openai, "", R"({"error":"text"})", server_error},
       Row{openai, "",
           R"({"error":{"code":502,"message":"down"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]})",
           server_error},
       Row{openai, "", R"({"choices":[{"delta":{"content":""},"finish_reason":"error"}]})", server_error},
       Row{groq, "",
           R"({"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","error":"over capacity"}})",
           server_error},
       Row{cerebras, "",
           R"({"error":{"message":"m","type":"t","param":null,"code":"c","id":"i"},"status_code":429})",
           rate_limited},
       Row{cerebras, "error", R"({"error":{"message":"m"},"status_code":503})", overloaded}}) {
    AnswerDraft draft;
    const auto fault = decode(row.data, draft, row.flavour, row.name);
    ASSERT_TRUE(fault) << row.data;
    EXPECT_EQ(name(fault->kind), name(row.kind)) << row.data;
    EXPECT_FALSE(fault->message.empty());
  }
  for (const std::string_view harmless : {R"({"error":null})", R"({"error":""})", R"({"error":false})",
                                          R"({"error":0})", R"({"x_groq":{"error":null}})"}) {
    AnswerDraft draft;
    EXPECT_FALSE(decode(harmless, draft)) << harmless;
  }
}

TEST(OpenAiEvent, RefusesWhatIsNoChunk) {
  for (const std::string& data :
       {std::string("{"), std::string("<html>"), std::string("[1]"), std::string("3"),
        std::string("{\"choices\":{}}"), std::string(R"({"choices":[1]})"),
        std::string(R"({"choices":[{"index":128,"delta":{}}]})"),
        std::string(R"({"choices":[{"delta":{"content":["x"]}}]})"),
        std::string(R"({"choices":[{"delta":{"tool_calls":{}}}]})"),
        std::string(R"({"choices":[{"delta":{"tool_calls":[{"index":99999999}]}}]})"),
        std::string("{\"a\":\"\xFF\"}"), std::string(100'000, '[')}) {
    AnswerDraft draft;
    const auto fault = decode(data, draft);
    ASSERT_TRUE(fault) << data.substr(0, 80);
    EXPECT_EQ(fault->kind, FaultKind::malformed_reply) << data.substr(0, 80);
  }
}

TEST(OpenAiEvent, MendsACharacterCutInTwo) {
  AnswerDraft draft;
  EXPECT_FALSE(decode(R"({"choices":[{"delta":{"content":"a\ud83d"}}]})", draft));
  EXPECT_EQ(draft.choices[0].content, "a\xEF\xBF\xBD");
}

const ResponseHead ok = reply_head(200, {{"content-type", "application/json"}});

constexpr std::string_view completion =
    R"({"id":"chatcmpl-AbC123","object":"chat.completion","created":1763800000,"model":"gpt-4o-mini-2024-07-18",)"
    R"("choices":[{"index":0,"message":{"role":"assistant","content":"Paris.","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":14,"completion_tokens":3,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":2},)"
    R"("completion_tokens_details":{"reasoning_tokens":1}},"system_fingerprint":"fp"})";

TEST(OpenAiBody, IsKeptAsItCame) {
  Answer answer;
  ASSERT_FALSE(decode_openai_body(openai, ok, completion, answer));
  EXPECT_EQ(answer.body, completion);
  EXPECT_EQ(answer.model, "gpt-4o-mini-2024-07-18");
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_TRUE(answer.usage.known);
  EXPECT_EQ(answer.usage.input_tokens, 14u);
  EXPECT_EQ(answer.usage.cached_tokens, 2u);
  EXPECT_EQ(answer.usage.output_tokens, 3u);
  EXPECT_EQ(answer.usage.reasoning_tokens, 1u);
}

TEST(OpenAiBody, ComesOutOnOneLine) {
  Answer answer;
  const std::string body =
      "\xEF\xBB\xBF\r\n{\n  \"choices\": [\r\n{\"message\": {\"content\": \"a\\nb\"}}]\n}\n\n";
  ASSERT_FALSE(decode_openai_body(openai, ok, body, answer));
  EXPECT_EQ(answer.body.find_first_of("\r\n"), std::string::npos);
  simdjson::dom::parser parser;
  EXPECT_EQ(std::string_view(parser.parse(answer.body).at_pointer("/choices/0/message/content")), "a\nb");
}

TEST(OpenAiBody, PassesNumbersThroughAsTheyAre) {
  const std::string body =
      R"({"seed":18446744073709551617,"x":1e400,"y":-0,"choices":[{"message":{"content":""},"finish_reason":"length"}]})";
  Answer answer;
  ASSERT_FALSE(decode_openai_body(openai, ok, body, answer));
  EXPECT_EQ(answer.body, body);
  EXPECT_EQ(answer.finish_reason, "length");
  EXPECT_FALSE(answer.usage.known);
}

TEST(OpenAiBody, TakesGroqsUsage) {
  Answer answer;
  ASSERT_FALSE(decode_openai_body(
      groq, ok,
      R"({"choices":[{"message":{}}],"x_groq":{"id":"r","usage":{"prompt_tokens":4,"completion_tokens":1}}})",
      answer));
  EXPECT_EQ(answer.usage.input_tokens, 4u);
}

TEST(OpenAiBody, NoAnswerIsNoAnswer) {
  struct Row {
    std::string body;
    FaultKind kind;
    std::string_view in_message;
  };
  using enum FaultKind;
  for (const Row& row :
       {Row{"", malformed_reply, "empty"}, Row{" \r\n ", malformed_reply, "empty"},
        Row{"<!doctype html><title>Log in to the wifi</title>", malformed_reply, "Log in to the wifi"},
        Row{"null", malformed_reply, "no JSON object"}, Row{"[]", malformed_reply, "no JSON object"},
        Row{"{}", malformed_reply, "no choices"}, Row{R"({"choices":[]})", malformed_reply, "no choices"},
        Row{R"({"choices":null})", malformed_reply, "no choices"},
        Row{R"({"choices":{}})", malformed_reply, "no choices"},
        Row{R"({"choices":[{}]})", malformed_reply, "without a message"},
        Row{R"({"choices":[{"message":{}},{"message":null}]})", malformed_reply, "without a message"},
        Row{R"({"choices":[{"message":{"content":"x"},"finish_reason":"error"}]})", server_error, "error"},
        Row{R"({"choices":[{"message":{"content":"x"},"error":{"code":502}}]})", server_error, "error"},
        Row{R"({"error":{"code":429,"message":"slow"}})", rate_limited, "slow"},
        Row{R"({"error":{"message":"Overloaded","type":"overloaded_error"},"choices":[]})", overloaded,
            "Overloaded"},
        Row{std::string(completion) + "x", malformed_reply, "no JSON"},
        Row{"{\"choices\":" + std::string(100'000, '['), malformed_reply, "no JSON"}}) {
    Answer answer;
    const auto fault = decode_openai_body(openai, ok, row.body, answer);
    ASSERT_TRUE(fault) << row.body.substr(0, 80);
    EXPECT_EQ(name(fault->kind), name(row.kind)) << row.body.substr(0, 80);
    EXPECT_EQ(fault->status, 200);
    EXPECT_NE(fault->message.find(row.in_message), std::string::npos) << fault->message;
    EXPECT_TRUE(answer.body.empty());
  }
}

TEST(OpenAiBody, CutShortIsNeverAnAnswer) {
  for (std::size_t size = 0; size < completion.size(); ++size) {
    Answer answer;
    const auto fault = decode_openai_body(openai, ok, completion.substr(0, size), answer);
    ASSERT_TRUE(fault) << size;
    EXPECT_EQ(fault->kind, FaultKind::malformed_reply);
  }
}

}  // namespace
}  // namespace batchrun
