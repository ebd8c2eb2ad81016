#include "io/dialects/gemini_decode.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/support/replay.h"

namespace batchrun {
namespace {

// As recorded: CRLF, spaces after the colons, usage on every chunk.
const std::string par =
    R"(data: {"candidates": [{"content": {"parts": [{"text": "Par"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 9,"candidatesTokenCount": 1,"totalTokenCount": 41,"thoughtsTokenCount": 31},"modelVersion": "gemini-2.5-flash","responseId": "EdDHavuSDIL"})"
    "\r\n\r\n";
const std::string is =
    R"(data: {"candidates": [{"content": {"parts": [{"text": "is \u20ac."}],"role": "model"},"finishReason": "STOP","index": 0}],"usageMetadata": {"promptTokenCount": 9,"candidatesTokenCount": 2,"totalTokenCount": 42,"thoughtsTokenCount": 31},"modelVersion": "gemini-2.5-flash","responseId": "EdDHavuSDIL"})"
    "\r\n\r\n";
const std::string thought =
    R"(data: {"candidates": [{"content": {"parts": [{"text": "Hm.","thought": true}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 9,"totalTokenCount": 20,"thoughtsTokenCount": 11},"modelVersion": "gemini-2.5-flash","responseId": "EdDHavuSDIL"})"
    "\r\n\r\n";
// Opens nothing.
const std::string empty =
    R"(data: {"candidates": [{"content": {"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 9},"responseId": "EdDHavuSDIL"})"
    "\r\n\r\n";

std::string event(const std::string& json) {
  return "data: " + json + "\r\n\r\n";
}

Recording stream(std::string body) {
  Recording recording;
  recording.kind = DialectKind::gemini;
  recording.body = std::move(body);
  return recording;
}

Recording whole(std::string body, Api api = Api::chat) {
  Recording recording = stream(std::move(body));
  recording.streamed = false;
  recording.api = api;
  recording.fields = {{"content-type", "application/json; charset=UTF-8"}};
  return recording;
}

std::string chat(const std::string& message, const std::string& finish) {
  return R"({"id":"EdDHavuSDIL","object":"chat.completion","created":0,"model":"gemini-2.5-flash","choices":[{"index":0,"message":)" +
         message + R"(,"logprobs":null,"finish_reason":")" + finish + R"("}])";
}

const std::string usage_42 =
    R"(,"usage":{"prompt_tokens":9,"completion_tokens":33,"total_tokens":42,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":31}}})";

TEST(GeminiStream, BecomesAChatCompletion) {
  const Reply reply = replay(stream(par + is));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(reply.answer.body,
            chat("{\"role\":\"assistant\",\"content\":\"Paris \xE2\x82\xAC.\",\"refusal\":null}", "stop") +
                usage_42);
  EXPECT_EQ(reply.answer.model, "gemini-2.5-flash");
  EXPECT_EQ(reply.answer.finish_reason, "stop");
  EXPECT_EQ(reply.answer.usage.input_tokens, 9u);
  EXPECT_EQ(reply.answer.usage.output_tokens, 33u);
  EXPECT_EQ(reply.answer.usage.reasoning_tokens, 31u);
  simdjson::dom::parser parser;
  EXPECT_EQ(std::string_view(parser.parse(reply.answer.body)["object"]), "chat.completion");
}

TEST(GeminiStream, AThoughtIsReasoning) {
  const Reply reply = replay(stream(empty + thought + par + is));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(reply.answer.body, chat("{\"role\":\"assistant\",\"content\":\"Paris "
                                    "\xE2\x82\xAC.\",\"refusal\":null,\"reasoning\":\"Hm.\"}",
                                    "stop") +
                                   usage_42);
}

TEST(GeminiStream, OpensTheGateWithItsFirstContent) {
  EXPECT_EQ(gate_of(stream(empty + par + is)),
            empty.size() + par.size() - 1);  // at the LF that ends the line
  EXPECT_EQ(gate_of(stream(empty + thought)), empty.size() + thought.size() - 1);
  EXPECT_EQ(gate_of(stream(empty + empty)), std::string::npos);
  const std::string blocked = event(R"({"promptFeedback":{"blockReason":"SAFETY"}})");
  EXPECT_EQ(gate_of(stream(blocked)), blocked.size() - 1);
}

TEST(GeminiStream, AChunkWithoutUsageErasesNone) {
  const Reply reply =
      replay(stream(par + event(R"({"candidates":[{"finishReason":"STOP"}],"usageMetadata":{}})") +
                    event(R"({"responseId":"x"})")));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(reply.answer.usage.input_tokens, 9u);
  EXPECT_EQ(reply.answer.usage.output_tokens, 32u);
}

TEST(GeminiStream, CallsAreTranslated) {
  const Reply reply = replay(stream(
      event(
          R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a": [1, "x"]}}}]}}],"responseId":"R"})") +
      event(
          R"({"candidates":[{"content":{"parts":[{"functionCall":{"id":"own","name":"g"}}]},"finishReason":"STOP"}]})")));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(
      reply.answer.body,
      R"({"id":"R","object":"chat.completion","created":0,"model":"","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[)"
      R"({"id":"call_R_0_0","type":"function","function":{"name":"f","arguments":"{\"a\": [1, \"x\"]}"}},)"
      R"({"id":"own","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]})");
  EXPECT_EQ(reply.answer.finish_reason, "tool_calls");
}

TEST(GeminiStream, KeepsCandidatesApart) {
  const Reply reply = replay(stream(
      event(
          R"({"candidates":[{"index":1,"content":{"parts":[{"text":"B"}]}},{"index":0,"content":{"parts":[{"text":"A"}]}}]})") +
      event(R"({"candidates":[{"index":0,"finishReason":"STOP"}]})") +
      event(R"({"candidates":[{"index":1,"finishReason":"MAX_TOKENS"}]})")));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  simdjson::dom::parser parser;
  const auto choices = parser.parse(reply.answer.body)["choices"];
  EXPECT_EQ(std::string_view(choices.at(0)["message"]["content"]), "A");
  EXPECT_EQ(std::string_view(choices.at(1)["message"]["content"]), "B");
  EXPECT_EQ(std::string_view(choices.at(1)["finish_reason"]), "length");
}

TEST(GeminiStream, IsNoAnswerWithoutAFinishReason) {
  for (const std::string& body : {par, empty, std::string(), par + "data: {\"candi"}) {
    const Reply reply = replay(stream(body));
    ASSERT_TRUE(reply.fault) << body;
    EXPECT_TRUE(reply.fault->kind == FaultKind::truncated_reply ||
                reply.fault->kind == FaultKind::malformed_reply);
  }
}

// The three forms an error can have, before and after the gate.
TEST(GeminiStream, AnErrorIsFoundInEveryForm) {
  const std::string error =
      R"({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})";
  const std::string pretty =
      "{\r\n  \"error\": {\r\n    \"code\": 503,\r\n    \"message\": \"The model is overloaded.\",\r\n    "
      "\"status\": \"UNAVAILABLE\"\r\n  }\r\n}\r\n";
  for (const std::string& form :
       {event(error), error, pretty, "[" + pretty + "]", event("[" + error + "]")}) {
    for (const std::string& before : {std::string(), empty, par}) {
      const Reply reply = replay(stream(before + form));
      ASSERT_TRUE(reply.fault) << before + form;
      EXPECT_EQ(reply.fault->kind, FaultKind::overloaded) << before + form;
      EXPECT_EQ(reply.fault->message, "The model is overloaded.");
    }
    Recording json = whole(form.substr(form.find_first_of("{[")));
    json.streamed = true;
    EXPECT_EQ(replay(json).fault.value_or(Fault()).kind, FaultKind::overloaded) << form;
  }
}

TEST(GeminiStream, FinishReasonsAreOpenAis) {
  const std::pair<const char*, const char*> table[] = {
      {"STOP", "stop"},
      {"MAX_TOKENS", "length"},
      {"CONTINUATION", "length"},
      {"SAFETY", "content_filter"},
      {"RECITATION", "content_filter"},
      {"BLOCKLIST", "content_filter"},
      {"PROHIBITED_CONTENT", "content_filter"},
      {"SPII", "content_filter"},
      {"LANGUAGE", "content_filter"},
      {"OTHER", "content_filter"},
      {"IMAGE_SAFETY", "content_filter"},
      {"SOMETHING_NEW", "something_new"},
  };
  for (const auto& [reason, finish] : table) {
    const Reply reply =
        replay(stream(event(R"({"candidates":[{"finishReason":")" + std::string(reason) + "\"}]}")));
    ASSERT_FALSE(reply.fault) << reason;
    EXPECT_EQ(reply.answer.finish_reason, finish) << reason;
  }
  for (const char* reason :
       {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"}) {
    const Reply reply = replay(stream(par + event(R"({"candidates":[{"finishReason":")" +
                                                  std::string(reason) + "\",\"finishMessage\":\"why\"}]}")));
    ASSERT_TRUE(reply.fault) << reason;
    EXPECT_EQ(reply.fault->kind, FaultKind::model_stumbled);
    EXPECT_EQ(reply.fault->message, "the model ended with " + std::string(reason) + ": why");
  }
}

TEST(GeminiStream, IsRefusedWhenItIsNotOfItsForm) {
  for (const std::string& body : {event("{\"candidates\":"), event("7"), event("\"x\""), event("[]"),
                                  event(R"({"candidates":[{"index":128}]})")}) {
    EXPECT_EQ(replay(stream(body)).fault.value_or(Fault()).kind, FaultKind::malformed_reply) << body;
  }
  for (const std::string& odd :
       {event(R"({"candidates":null,"promptFeedback":null,"usageMetadata":[]})"), event(""),
        event(R"({"candidates":[7,null,{"content":{"parts":[null,{"text":null}]}}]})"), event("{}")}) {
    const Reply reply = replay(stream(odd + is));
    EXPECT_TRUE(reply.fault ? reply.fault->kind == FaultKind::truncated_reply : true) << odd;
  }
}

TEST(GeminiBody, BecomesAChatCompletion) {
  const Reply reply = replay(whole(R"({
  "candidates": [
    {"content": {"role": "model", "parts": [{"text": "Paris."}]}, "finishReason": "STOP", "index": 0}
  ],
  "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 31, "totalTokenCount": 42,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}], "serviceTier": "standard"},
  "modelVersion": "gemini-2.5-flash", "responseId": "EdDHavuSDIL"})"));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(reply.answer.body,
            chat(R"({"role":"assistant","content":"Paris.","refusal":null})", "stop") + usage_42);
}

TEST(GeminiBody, CountsWhatIsBilled) {
  const Reply reply = replay(whole(
      R"({"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"toolUsePromptTokenCount":20,"cachedContentTokenCount":60,"candidatesTokenCount":5,"thoughtsTokenCount":7}})"));
  ASSERT_FALSE(reply.fault);
  EXPECT_EQ(reply.answer.usage.input_tokens, 120u);
  EXPECT_EQ(reply.answer.usage.cached_tokens, 60u);
  EXPECT_EQ(reply.answer.usage.output_tokens, 12u);
  EXPECT_EQ(reply.answer.usage.reasoning_tokens, 7u);
  EXPECT_FALSE(replay(whole(R"({"candidates":[{"finishReason":"STOP"}]})")).answer.usage.known);
}

TEST(GeminiBody, ABlockedPromptIsAnAnswer) {
  const std::string body =
      R"({"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}})";
  const Reply reply = replay(whole(body));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(reply.answer.finish_reason, "content_filter");
  EXPECT_NE(reply.answer.body.find(R"("content":null)"), std::string::npos);
  EXPECT_EQ(replay(stream(event(body))).answer.body, reply.answer.body);
}

TEST(GeminiBody, AThinkersTokensCanBeSpentBeforeAWord) {
  const Reply reply = replay(whole(
      R"({"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":9,"thoughtsTokenCount":100}})"));
  ASSERT_FALSE(reply.fault);
  EXPECT_EQ(reply.answer.finish_reason, "length");
  EXPECT_EQ(reply.answer.usage.output_tokens, 100u);
}

TEST(GeminiBody, ANativeOneIsKeptAsItCame) {
  const std::string body =
      "{\n \"candidates\": "
      "[{\"content\":{\"parts\":[{\"text\":\"h\\u00e9\"}]},\"finishReason\":\"STOP\"}],\r\n"
      " \"modelVersion\":\"m\",\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":1}, \"x\": "
      "1.50}";
  const Reply reply = replay(whole(body, Api::gemini_generate));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  std::string one_line = body;
  for (char& c : one_line) c = c == '\n' || c == '\r' ? ' ' : c;
  EXPECT_EQ(reply.answer.body, one_line);
  EXPECT_EQ(reply.answer.model, "m");
  EXPECT_EQ(reply.answer.finish_reason, "stop");
  EXPECT_EQ(reply.answer.usage.input_tokens, 3u);
}

TEST(GeminiBody, CutShortIsNeverAnAnswer) {
  const std::string body =
      R"({"candidates":[{"content":{"parts":[{"text":"Paris."}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}})";
  expect_no_partial_answer(whole(body));
  expect_no_partial_answer(whole(body, Api::gemini_generate));
  expect_no_partial_answer(stream(thought + par + is));
}

TEST(GeminiBody, IsNoAnswerWithoutAFinish) {
  for (const char* body : {"", "<html><title>502</title>", "{\"candidates\":[", "[]", "7", "{}",
                           R"({"candidates":[]})", R"({"candidates":[{"content":{"parts":[{"text":"x"}]}}]})",
                           R"({"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]})"}) {
    for (const Api api : {Api::chat, Api::gemini_generate}) {
      const Reply reply = replay(whole(body, api));
      ASSERT_TRUE(reply.fault) << body;
      const bool stumbled = std::string_view(body).find("MALFORMED") != std::string_view::npos;
      EXPECT_EQ(reply.fault->kind, stumbled ? FaultKind::model_stumbled : FaultKind::malformed_reply) << body;
      EXPECT_EQ(reply.fault->status, 200);
    }
  }
}

}  // namespace
}  // namespace batchrun
