#include "io/dialects/ollama_decode.h"

#include <simdjson.h>

#include "tests/support/replay.h"
#include "tests/support/sent_request.h"

namespace batchrun {
namespace {

const ResponseHead ok = reply_head(200, {{"content-type", "application/json"}});

constexpr std::string_view par =
    R"({"model":"llama3.2","created_at":"2026-11-22T10:00:00.097767Z","message":{"role":"assistant","content":"Par"},"done":false})"
    "\n";
constexpr std::string_view is =
    R"({"model":"llama3.2","created_at":"2026-11-22T10:00:00.109172Z","message":{"role":"assistant","content":"is."},"done":false})"
    "\n";
constexpr std::string_view done =
    R"({"model":"llama3.2","created_at":"2026-11-22T10:00:00.121485Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":174560334,"load_duration":101397084,"prompt_eval_count":11,"prompt_eval_duration":13074791,"eval_count":3,"eval_duration":52479709})"
    "\n";

Recording recording(std::string body) {
  Recording result;
  result.kind = DialectKind::ollama;
  result.fields = {{"content-type", "application/x-ndjson"}};
  result.body = std::move(body);
  return result;
}

std::string joined(std::initializer_list<std::string_view> lines) {
  std::string text;
  for (const std::string_view line : lines) text += line;
  return text;
}

TEST(OllamaStream, BecomesACompletion) {
  const std::string body = joined({par, is, done});
  const std::string sent =
      R"({"id":"","object":"chat.completion","created":1795341600,"model":"llama3.2","choices":[{"index":0,"message":{"role":"assistant","content":"Paris.","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}})";
  for (const std::string& lines : {body, body.substr(0, body.size() - 1)}) {  // the last LF may be missing
    const Reply reply = replay(recording(lines));
    ASSERT_FALSE(reply.fault) << reply.fault->message;
    EXPECT_EQ(normal_json(reply.answer.body), normal_json(sent));
    EXPECT_EQ(reply.answer.model, "llama3.2");
    EXPECT_EQ(reply.answer.finish_reason, "stop");
    EXPECT_TRUE(reply.answer.usage.known);
  }
}

TEST(OllamaStream, IsWholeOnlyWhenItSaysDone) {
  for (const std::string& body : {std::string(), joined({par}), joined({par, is}),
                                  joined({par, is, done.substr(0, done.size() / 2)})}) {
    const Reply reply = play(recording(body), {body});
    ASSERT_TRUE(reply.fault) << body;
    EXPECT_TRUE(reply.fault->kind == FaultKind::truncated_reply ||
                reply.fault->kind == FaultKind::malformed_reply);
  }
}

TEST(OllamaStream, EndedEarlyAnywhereIsNoAnswer) {
  expect_no_partial_answer(recording(joined({par, is, done})));
}

TEST(OllamaStream, OpensTheGateWithContentOnly) {
  EXPECT_EQ(gate_of(recording(joined({par}))), par.size());
  EXPECT_EQ(gate_of(recording(joined({done}))), done.size());
  for (
      const std::string_view line :
      {R"({"message":{"role":"assistant","thinking":"Hm"},"done":false})",
       R"({"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":false})"}) {
    EXPECT_EQ(gate_of(recording(joined({line, "\n"}))), line.size() + 1) << line;
  }
  for (const std::string_view line : {R"({"message":{"role":"assistant","content":""},"done":false})",
                                      R"({"status":"loading"})", R"({"message":null})", ""}) {
    EXPECT_EQ(gate_of(recording(joined({line, "\n"}))), std::string::npos) << line;
  }
}

TEST(OllamaStream, CollectsThinkingAndCalls) {
  const Reply reply = replay(recording(joined({
      R"({"model":"q","message":{"role":"assistant","content":"","thinking":"Let me "},"done":false})",
      "\n",
      R"({"model":"q","message":{"role":"assistant","content":"","thinking":"see."},"done":false})",
      "\n",
      R"({"model":"q","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":[1,"\n"]}}},{"id":"own","function":{"index":1,"name":"g","arguments":{}}}]},"done":false})",
      "\r\n",
      R"({"model":"q","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"h"}}]},"done":false})",
      "\n",
      R"({"model":"q","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":9})",
  })));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  simdjson::dom::parser parser;
  EXPECT_EQ(
      simdjson::minify(parser.parse(reply.answer.body).at_pointer("/choices/0/message").value()),
      normal_json(
          R"({"role":"assistant","content":null,"refusal":null,"reasoning":"Let me see.","tool_calls":[)"
          R"({"id":"call_0","type":"function","function":{"name":"f","arguments":"{\"a\":[1,\"\\n\"]}"}},)"
          R"({"id":"own","type":"function","function":{"name":"g","arguments":"{}"}},{"id":"call_2","type":"function","function":{"name":"h","arguments":"{}"}}]})"));
  EXPECT_EQ(reply.answer.finish_reason, "tool_calls");
  EXPECT_EQ(reply.answer.usage.input_tokens, 0u);  // a count of zero is left out
  EXPECT_EQ(reply.answer.usage.output_tokens, 9u);
}

TEST(OllamaStream, FailsWhereItSaysSo) {
  using enum FaultKind;
  struct Case {
    std::string_view line;
    FaultKind kind;
  };
  for (const Case& one :
       {Case{R"({"error":"an error was encountered while running the model: CUDA error"})", server_error},
        Case{R"({"error":"server busy, please try again.  maximum pending requests exceeded"})", overloaded},
        Case{R"({"error":"model \"x\" not found, try pulling it first"})", model_unavailable},
        Case{"<html>", malformed_reply}, Case{"[1]", malformed_reply},
        Case{R"({"message":{"tool_calls":{}}})", malformed_reply},
        Case{R"({"message":{"content":""},"done":true,"done_reason":"load"})", bad_request},
        Case{R"({"message":{"content":""},"done":true,"done_reason":"unload"})", bad_request}}) {
    for (const std::string& before : {std::string(), joined({par})}) {
      const Reply reply = replay(recording(joined({before, one.line, "\n"})));
      ASSERT_TRUE(reply.fault) << one.line;
      EXPECT_EQ(name(reply.fault->kind), name(one.kind)) << one.line;
      EXPECT_EQ(reply.fault->status, 200);
    }
  }
}

constexpr std::string_view whole =
    R"({"model":"llama3.2","created_at":"2026-11-22T10:00:00Z","message":{"role":"assistant","content":"Paris."},"done":true,"done_reason":"length","prompt_eval_count":11,"eval_count":3})";

TEST(OllamaBody, BecomesACompletionForAChatRow) {
  Answer answer;
  ASSERT_FALSE(decode_ollama_body(Api::chat, ok, whole, answer));
  simdjson::dom::parser parser;
  const auto body = parser.parse(answer.body);
  EXPECT_EQ(std::string_view(body.at_pointer("/choices/0/message/content")), "Paris.");
  EXPECT_EQ(std::string_view(body.at_pointer("/choices/0/finish_reason")), "length");
  EXPECT_EQ(std::uint64_t(body.at_pointer("/usage/total_tokens")), 14u);
  EXPECT_EQ(answer.usage.input_tokens, 11u);
  EXPECT_EQ(answer.finish_reason, "length");
}

TEST(OllamaBody, IsKeptAsItCameForARowOfItsOwn) {
  Answer answer;
  ASSERT_FALSE(decode_ollama_body(Api::ollama_chat, ok, std::string(whole) + "\n", answer));
  EXPECT_EQ(answer.body, whole);
  EXPECT_EQ(answer.model, "llama3.2");
  EXPECT_EQ(answer.usage.output_tokens, 3u);
}

TEST(OllamaBody, OlderServersGiveNoReason) {
  Answer answer;
  ASSERT_FALSE(
      decode_ollama_body(Api::chat, ok, R"({"model":"m","message":{"content":"a"},"done":true})", answer));
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_FALSE(answer.usage.known);
}

TEST(OllamaBody, NoAnswerIsNoAnswer) {
  using enum FaultKind;
  struct Case {
    std::string body;
    FaultKind kind;
    std::string_view in_message;
  };
  for (const Case& one :
       {Case{"", malformed_reply, "empty"}, Case{"<html>", malformed_reply, "HTML"},
        Case{"{}", malformed_reply, "no message"}, Case{"3", malformed_reply, "no JSON object"},
        Case{R"({"message":{"content":"a"},"done":false})", malformed_reply, "done"},
        Case{R"({"message":{"content":"a"}})", malformed_reply, "done"},
        Case{R"({"message":{"content":""},"done":true,"done_reason":"load"})", bad_request, "load"},
        Case{R"({"error":"broke"})", server_error, "broke"}}) {
    for (const Api api : {Api::chat, Api::ollama_chat}) {
      Answer answer;
      const auto fault = decode_ollama_body(api, ok, one.body, answer);
      ASSERT_TRUE(fault) << one.body;
      EXPECT_EQ(name(fault->kind), name(one.kind)) << one.body;
      EXPECT_NE(fault->message.find(one.in_message), std::string::npos) << fault->message;
      EXPECT_TRUE(answer.body.empty());
    }
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Answer answer;
    EXPECT_TRUE(decode_ollama_body(Api::chat, ok, whole.substr(0, size), answer)) << size;
  }
}

}  // namespace
}  // namespace batchrun
