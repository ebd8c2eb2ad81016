#include "io/dialects/ollama_encode.h"

#include <gtest/gtest.h>

#include "tests/support/sent_request.h"

namespace batchrun {
namespace {

Endpoint endpoint(std::string base_path = "") {
  Endpoint result;
  result.origin = {false, "localhost", 11434, ""};
  result.base_path = std::move(base_path);
  return result;
}

std::string body_of(const std::string& line, bool stream = false) {
  static const Endpoint where = endpoint();
  return encode_ollama(*row_of(line), "llama3.2", stream, where, Credential()).body;
}

TEST(OllamaEncode, SaysEveryParameterInItsWords) {
  struct Case {
    const char *given, *sent;
  };
  for (
      const Case& one :
      {Case{R"("n":1)", ""}, Case{R"("max_tokens":64)", R"("options":{"num_predict":64})"},
       Case{R"("max_tokens":64,"max_completion_tokens":32)", R"("options":{"num_predict":32})"},
       Case{
           R"("temperature":1.5,"top_p":0.9,"top_k":40,"min_p":0.1,"seed":7,"frequency_penalty":0.5,"presence_penalty":-0.5,"repetition_penalty":1.1)",
           R"("options":{"temperature":1.5,"top_p":0.9,"top_k":40,"min_p":0.1,"seed":7,"frequency_penalty":0.5,"presence_penalty":-0.5,"repeat_penalty":1.1})"},
       Case{R"("stop":"END")", R"("options":{"stop":["END"]})"},
       Case{R"("stop":["a","b"],"seed":1)", R"("options":{"seed":1,"stop":["a","b"]})"},
       Case{R"("response_format":{"type":"json_object"})", R"("format":"json")"},
       Case{
           R"("response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}})",
           R"("format":{"type":"object"})"},
       Case{R"("reasoning_effort":"low")", R"("think":"low")"},
       Case{R"("reasoning_effort":"none")", R"("think":false)"},
       Case{
           R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},{"type":"function","function":{"name":"g"}}])",
           R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},{"type":"function","function":{"name":"g"}}])"}}) {
    const std::string more = *one.sent == '\0' ? "" : "," + std::string(one.sent);
    EXPECT_EQ(normal_json(
                  body_of(R"({"messages":[{"role":"user","content":"hi"}],)" + std::string(one.given) + "}")),
              normal_json(R"({"model":"llama3.2","messages":[{"role":"user","content":"hi"}])" + more +
                          R"(,"stream":false})"))
        << one.given;
  }
}

TEST(OllamaEncode, WritesEachMessage) {
  struct Case {
    const char *messages, *sent;
  };
  for (
      const Case& one :
      {Case{
           R"({"role":"developer","content":"A"},{"role":"user","content":"b\"\n"},{"role":"system","content":"late"})",
           R"({"role":"system","content":"A"},{"role":"user","content":"b\"\n"},{"role":"system","content":"late"})"},
       Case{
           R"({"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"this"},{"type":"image_url","image_url":{"url":"data:image/png;base64,BBBB"}}]})",
           R"({"role":"user","content":"see\nthis","images":["AAAA","BBBB"]})"},
       Case{
           R"({"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},{"role":"tool","tool_call_id":"c2","content":"two"},{"role":"tool","tool_call_id":"c9","content":"lost"})",
           R"({"role":"assistant","content":"","tool_calls":[{"id":"c1","function":{"name":"f","arguments":{"x":1}}},{"id":"c2","function":{"name":"g","arguments":{}}}]},{"role":"tool","content":"two","tool_name":"g"},{"role":"tool","content":"lost"})"},
       Case{
           R"({"role":"assistant","tool_calls":[{},{"function":{"name":"f","arguments":"{\"cut"}}]})",
           R"({"role":"assistant","content":"","tool_calls":[{"function":{"name":"","arguments":{}}},{"function":{"name":"f","arguments":"{\"cut"}}]})"}}) {
    EXPECT_EQ(
        normal_json(body_of(R"({"messages":[)" + std::string(one.messages) + "]}")),
        normal_json(R"({"model":"llama3.2","messages":[)" + std::string(one.sent) + R"(],"stream":false})"))
        << one.messages;
  }
}

TEST(OllamaEncode, SendsEveryShapeOfRow) {
  const std::string sent =
      R"({"model":"llama3.2","messages":[{"role":"system","content":"Be terse."},{"role":"user","content":"hi"}],"options":{"num_predict":8},"stream":true})";
  for (
      const std::string line :
      {R"({"id":"r1","prompt":"hi","system":"Be terse.","model":"other","max_tokens":8,"tags":["x"]})",
       R"({"custom_id":"r1","model":"other","messages":[{"role":"system","content":"Be terse."},{"role":"user","content":"hi"}],"max_tokens":8})",
       R"({"custom_id":"r1","url":"/v1/chat/completions","body":{"messages":[{"role":"system","content":"Be terse."},{"role":"user","content":"hi"}],"max_tokens":8}})"}) {
    EXPECT_EQ(normal_json(body_of(line, true)), normal_json(sent)) << line;
  }
}

TEST(OllamaEncode, PassesAChatRowOfItsOwnAsItCame) {
  EXPECT_EQ(
      body_of(
          R"({"url":"/api/chat","body":{"model":"other","keep_alive": "5m","stream":true,"messages":[],"options":{"num_ctx":8192}}})"),
      R"({"model":"llama3.2","keep_alive":"5m","messages":[],"options":{"num_ctx":8192},"stream":false})");
}

TEST(OllamaEncode, WritesTheHead) {
  const RowPtr row = row_of(R"({"prompt":"hi"})");
  const Endpoint where = endpoint();
  const SentRequest sent = as_sent(encode_ollama(*row, "m", true, where, Credential()));
  EXPECT_EQ(sent.line, "POST /api/chat HTTP/1.1");
  EXPECT_EQ(sent.fields,
            (std::map<std::string, std::string>{{"Host", "localhost:11434"},
                                                {"User-Agent", "batchrun/0.1"},
                                                {"Accept", "application/x-ndjson, application/json"},
                                                {"Accept-Encoding", "identity"},
                                                {"Content-Type", "application/json"},
                                                {"Content-Length", std::to_string(sent.body.size())}}));
}

TEST(OllamaEncode, FollowsTheEndpoint) {
  const RowPtr row = row_of(R"({"prompt":"hi"})");
  const Credential credential("key-1");
  const Endpoint cloud = endpoint("/api");
  const SentRequest sent = as_sent(encode_ollama(*row, "m", false, cloud, credential));
  EXPECT_EQ(sent.line, "POST /api/chat HTTP/1.1");
  EXPECT_EQ(sent.fields.at("Authorization"), "Bearer key-1");
  EXPECT_EQ(sent.fields.at("Accept"), "application/json");
  const Endpoint below = endpoint("/gpu1");
  EXPECT_EQ(as_sent(encode_ollama(*row, "m", false, below, credential)).line, "POST /gpu1/api/chat HTTP/1.1");
}

TEST(OllamaEncode, TriesAServerWithTheListOfItsModels) {
  const SentRequest sent = as_sent(encode_ollama_probe(endpoint(), Credential()));
  EXPECT_EQ(sent.line, "GET /api/tags HTTP/1.1");
  EXPECT_EQ(sent.fields.count("Authorization"), 0u);
  EXPECT_EQ(as_sent(encode_ollama_probe(endpoint(), Credential("k"))).fields.at("Authorization"), "Bearer k");
}

}  // namespace
}  // namespace batchrun
