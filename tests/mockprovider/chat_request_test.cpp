#include "bench/mockprovider/chat_request.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

TEST(ChatRequest, IsReadWithItsParts) {
  ChatRequest r;
  ASSERT_FALSE(parse_chat_request(R"({"model":"m","messages":[
      {"role":"system","content":"1234"},
      {"role":"user","content":[{"type":"text","text":"56"},{"type":"image_url","image_url":{"url":"u"}},
                                {"type":"text","text":"7"}]}],
      "max_completion_tokens":9,"max_tokens":8,"n":2,"stream":true,"stream_options":{"include_usage":true}})",
                                  r));
  EXPECT_EQ(r.model, "m");
  EXPECT_EQ(r.prompt_tokens, 2u + 6u);  // ceil(7 / 4), and 3 for each message
  EXPECT_EQ(r.max_tokens, 9u);
  EXPECT_EQ(r.choices, 2u);
  EXPECT_TRUE(r.stream);
  EXPECT_TRUE(r.include_usage);
  EXPECT_EQ(r.last_user_text, "567");
  EXPECT_EQ(r.marker, "567");
  EXPECT_FALSE(r.marker_given);
}

TEST(ChatRequest, AnEmptyPromptStillCostsAToken) {
  ChatRequest r;
  ASSERT_FALSE(parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":""}]})", r));
  EXPECT_EQ(r.prompt_tokens, 1u + 3u);
}

TEST(ChatRequest, MarkersAreFound) {
  ChatRequest r;
  parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"say [[row \u00e9 7]] now"}]})", r);
  EXPECT_TRUE(r.marker_given);
  EXPECT_EQ(r.marker, "row \xc3\xa9 7");
  EXPECT_EQ(execution_id(r), execution_id_of_marker("row \xc3\xa9 7"));
  const std::string long_text = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" +
                                std::string(63, 'a') + "\xc3\xa9\"}]}";
  parse_chat_request(long_text, r);
  EXPECT_EQ(r.marker, std::string(63, 'a'));
}

TEST(ChatRequest, EveryReadStartsFromNothing) {
  ChatRequest r;
  parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"[[x]]"}],"n":3,"stream":true,
      "tools":[{"type":"function","function":{"name":"f"}}]})",
                     r);
  EXPECT_EQ(r.tool_name, "f");
  parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"y"}]})", r);
  ChatRequest fresh;
  parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"y"}]})", fresh);
  EXPECT_EQ(r.tool_name, "");
  EXPECT_EQ(r.choices, 1u);
  EXPECT_FALSE(r.stream);
  EXPECT_FALSE(r.marker_given);
  EXPECT_EQ(r.content_hash, fresh.content_hash);
}

TEST(ChatRequest, DifferentPromptsAreDifferentExecutions) {
  ChatRequest a, b, c;
  parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"a"}]})", a);
  parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"b"}]})", b);
  parse_chat_request(R"({"model":"other","max_tokens":5,"messages":[{"role":"user","content":"a"}]})", c);
  EXPECT_NE(execution_id(a), execution_id(b));
  EXPECT_EQ(execution_id(a), execution_id(c));
}

TEST(ChatRequest, ToolsAreCalledOnceWithFittingArguments) {
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"get","parameters":{"type":"object",
      "properties":{"city":{"type":"string"},"unit":{"enum":["c","f"]},"days":{"type":"integer"}}}}},
      {"type":"function","function":{"name":"other"}}])";
  ChatRequest r;
  parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"q"}],)" + tools + "}", r);
  EXPECT_EQ(r.tool_name, "get");
  EXPECT_EQ(r.tool_arguments, R"({"city":"sample","unit":"c","days":1})");
  parse_chat_request(
      R"({"model":"m","messages":[{"role":"user","content":"q"}],"tool_choice":{"function":{"name":"other"}},)" +
          tools + "}",
      r);
  EXPECT_EQ(r.tool_name, "other");
  parse_chat_request(
      R"({"model":"m","messages":[{"role":"user","content":"q"}],"tool_choice":"none",)" + tools + "}", r);
  EXPECT_EQ(r.tool_name, "");
  parse_chat_request(
      R"({"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null},
      {"role":"tool","content":"21"}],)" +
          tools + "}",
      r);
  EXPECT_EQ(r.tool_name, "");
}

TEST(ChatRequest, ResponseFormatsGiveJson) {
  ChatRequest r;
  parse_chat_request(
      R"({"model":"m","messages":[{"role":"user","content":"q\"q"}],"response_format":{"type":"json_object"}})",
      r);
  EXPECT_EQ(r.json_answer, R"({"answer":"q\"q"})");
  parse_chat_request(
      R"({"model":"m","messages":[{"role":"user","content":"q"}],"response_format":{"type":"json_schema",
      "json_schema":{"name":"x","schema":{"type":"object","properties":{"ok":{"type":"boolean"}}}}}})",
      r);
  EXPECT_EQ(r.json_answer, R"({"ok":true})");
}

TEST(ChatRequest, MistakesAreNamed) {
  const std::string ok = R"("model":"m","messages":[{"role":"user","content":"q"}])";
  const struct {
    std::string body;
    const char* param;
    const char* code;
  } cases[] = {
      {"", "", ""},
      {"{\"model\":", "", ""},
      {"{\"model\":\"\xff\"}", "", ""},
      {"[]", "body", "invalid_type"},
      {R"({"messages":[]})", "", ""},
      {R"({"model":"m"})", "messages", "missing_required_parameter"},
      {R"({"model":"m","messages":"hi"})", "messages", "invalid_type"},
      {R"({"model":"m","messages":[]})", "messages", "invalid_value"},
      {R"({"model":"m","messages":[3]})", "messages[0]", "invalid_type"},
      {R"({"model":"m","messages":[{"role":"king","content":"x"}]})", "messages[0].role", "invalid_value"},
      {R"({"model":"m","messages":[{"role":"user"}]})", "messages[0].content", "invalid_type"},
      {R"({"model":"m","messages":[{"role":"user","content":5}]})", "messages[0].content", "invalid_type"},
      {"{" + ok + R"(,"max_tokens":0})", "max_tokens", "invalid_value"},
      {"{" + ok + R"(,"max_tokens":"9"})", "max_tokens", "invalid_type"},
      {"{" + ok + R"(,"n":1000})", "n", "invalid_value"},
      {"{" + ok + R"(,"stream":1})", "stream", "invalid_type"},
      {"{" + ok + R"(,"stream_options":{"include_usage":true}})", "stream_options", ""},
  };
  for (const auto& c : cases) {
    ChatRequest r;
    const auto error = parse_chat_request(c.body, r);
    ASSERT_TRUE(error) << c.body;
    EXPECT_EQ(error->status, 400) << c.body;
    EXPECT_EQ(error->param, c.param) << c.body;
    EXPECT_EQ(error->code, c.code) << c.body;
  }
}

}  // namespace
}  // namespace batchrun::mock
