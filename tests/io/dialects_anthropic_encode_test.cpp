#include "io/dialects/anthropic_encode.h"

#include <gtest/gtest.h>

#include "tests/support/sent_request.h"

namespace batchrun {
namespace {

const Credential credential("sk-ant-test");

Endpoint endpoint(std::string base_path = "", std::string version = "") {
  Endpoint result;
  result.origin.host = "api.anthropic.com";
  result.base_path = std::move(base_path);
  result.api_version = std::move(version);
  return result;
}

std::string body_of(const std::string& line, bool stream = false) {
  static const Endpoint where = endpoint();
  return encode_anthropic(*row_of(line), "claude-x", stream, where, credential).body;
}

// A chat row with the user's "hi" and more members, and the members that are sent besides those every such
// request has.
TEST(AnthropicEncode, SaysEveryParameterInItsWords) {
  struct Case {
    const char *given, *sent;
  };
  const Case table[] = {
      {R"("stream":true,"stream_options":{"include_usage":true},"n":1)", R"("max_tokens":4096)"},
      {R"("max_tokens":64)", R"("max_tokens":64)"},
      {R"("max_tokens":64,"max_completion_tokens":32)", R"("max_tokens":32)"},
      {R"("temperature":0.20,"top_p":0.9,"top_k":40)",
       R"("max_tokens":4096,"temperature":0.20,"top_p":0.9,"top_k":40)"},
      {R"("stop":"END")", R"("max_tokens":4096,"stop_sequences":["END"])"},
      {R"("stop":["a","b\u00e9","c","d","e","f"])",
       R"("max_tokens":4096,"stop_sequences":["a","bé","c","d","e","f"])"},
      {R"("user":"u-1")", R"("max_tokens":4096,"metadata":{"user_id":"u-1"})"},
      {R"("reasoning_effort":"high")", R"("max_tokens":4096,"output_config":{"effort":"high"})"},
      {R"("reasoning_effort":"none")", R"("max_tokens":4096,"thinking":{"type":"disabled"})"},
      {R"("response_format":{"type":"text"})", R"("max_tokens":4096)"},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"object"}}})",
       R"("max_tokens":4096,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})"},
      {R"("reasoning_effort":"low","response_format":{"type":"json_schema","json_schema":{"schema":{}}})",
       R"("max_tokens":4096,"output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}})"},
      {R"("tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,"parameters":{"type":"object"}}},{"type":"function","function":{"name":"g","strict":false}}])",
       R"("max_tokens":4096,"tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true},{"name":"g","input_schema":{"type":"object","properties":{}}}])"},
      {R"("tool_choice":"required")", R"("max_tokens":4096)"},  // without tools there is nothing to choose
  };
  for (const Case& one : table) {
    const std::string members = one.sent;
    const std::size_t after_limit = std::min(members.find(','), members.size());
    const std::string expected = R"({"model":"claude-x",)" + members.substr(0, after_limit) +
                                 R"(,"messages":[{"role":"user","content":"hi"}])" +
                                 members.substr(after_limit) + "}";
    EXPECT_EQ(normal_json(
                  body_of(R"({"messages":[{"role":"user","content":"hi"}],)" + std::string(one.given) + "}")),
              normal_json(expected))
        << one.given;
  }
}

TEST(AnthropicEncode, ChoosesAmongTools) {
  struct Case {
    const char *given, *sent;
  };
  for (const Case& one : {
           Case{R"("tool_choice":"auto")", ""},
           Case{R"("tool_choice":"none")", R"({"type":"none"})"},
           Case{R"("tool_choice":"required")", R"({"type":"any"})"},
           Case{R"("tool_choice":{"type":"function","function":{"name":"f"}})",
                R"({"type":"tool","name":"f"})"},
           Case{R"("parallel_tool_calls":true)", ""},
           Case{R"("parallel_tool_calls":false)", R"({"type":"auto","disable_parallel_tool_use":true})"},
           Case{R"("parallel_tool_calls":false,"tool_choice":"required")",
                R"({"type":"any","disable_parallel_tool_use":true})"},
           Case{R"("parallel_tool_calls":false,"tool_choice":"none")", R"({"type":"none"})"},
       }) {
    const std::string body = normal_json(body_of(
        R"({"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}],)" +
        std::string(one.given) + "}"));
    const std::string member = std::string(",\"tool_choice\":") + one.sent + "}";
    if (*one.sent == '\0') {
      EXPECT_EQ(body.find("tool_choice"), std::string::npos) << body;
    } else {
      EXPECT_TRUE(body.ends_with(member)) << body;
    }
  }
}

TEST(AnthropicEncode, PutsEachMessageInItsPlace) {
  struct Case {
    const char *messages, *sent;
  };
  const Case table[] = {
      {R"({"role":"system","content":"Be terse."},{"role":"user","content":"a\"\n"})",
       R"("system":"Be terse.","messages":[{"role":"user","content":"a\"\n"}])"},
      {R"({"role":"developer","content":"A"},{"role":"system","content":[{"type":"text","text":"B"}]},{"role":"user","content":"a"})",
       R"("system":[{"type":"text","text":"A"},{"type":"text","text":"B"}],"messages":[{"role":"user","content":"a"}])"},
      {R"({"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":[{"type":"text","text":"c"}]})",
       R"("messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}])"},
      {R"({"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"low"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]})",
       R"("messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"url","url":"https://a/b.png"}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}])"},
      {R"({"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":[1,\"\\u00e9\"]}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},)"
       R"({"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"two"},{"type":"text","text":"three"}]},{"role":"user","content":"b"})",
       R"("messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"x":[1,"é"]}},{"type":"tool_use","id":"c2","name":"g","input":{}}]},)"
       R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"one"},{"type":"tool_result","tool_use_id":"c2","content":[{"type":"text","text":"two"},{"type":"text","text":"three"}]}]},{"role":"user","content":"b"}])"},
      {R"({"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x"},)"
       R"({"role":"assistant","content":"wait","tool_calls":[{"id":"c2","type":"function","function":{"name":"f","arguments":"{\"cut"}}]},{"role":"tool","tool_call_id":"c2","content":"y"})",
       R"("messages":[{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"x"}]},)"
       R"({"role":"assistant","content":[{"type":"text","text":"wait"},{"type":"tool_use","id":"c2","name":"f","input":"{\"cut"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c2","content":"y"}]}])"},
      // Nothing of what is missing may break the JSON.
      {R"({"role":"user","content":null},{"role":"assistant","tool_calls":[{}]},{"role":"tool"})",
       R"("messages":[{"role":"user","content":[]},{"role":"assistant","content":[{"type":"tool_use","id":"","name":"","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"","content":[]}]}])"},
  };
  for (const Case& one : table) {
    EXPECT_EQ(normal_json(body_of(R"({"max_tokens":9,"messages":[)" + std::string(one.messages) + "]}")),
              normal_json(R"({"model":"claude-x","max_tokens":9,)" + std::string(one.sent) + "}"))
        << one.messages;
  }
}

TEST(AnthropicEncode, SendsEveryShapeOfRow) {
  const std::string sent =
      R"({"model":"claude-x","max_tokens":8,"system":"Be terse.","messages":[{"role":"user","content":"hi"}],"stream":true})";
  for (
      const std::string line :
      {R"({"id":"r1","prompt":"hi","system":"Be terse.","model":"other","max_tokens":8,"tags":["x"]})",
       R"({"custom_id":"r1","model":"other","metadata":{"a":1},"messages":[{"role":"system","content":"Be terse."},{"role":"user","content":"hi"}],"max_tokens":8})",
       R"({"custom_id":"r1","method":"POST","url":"/v1/chat/completions","body":{"model":"other","stream":false,"messages":[{"role":"system","content":"Be terse."},{"role":"user","content":"hi"}],"max_tokens":8}})"}) {
    EXPECT_EQ(normal_json(body_of(line, true)), normal_json(sent)) << line;
  }
}

TEST(AnthropicEncode, PassesAMessagesRowAsItCame) {
  const std::string line =
      R"({"custom_id":"r1","url":"/v1/messages","body":{"mod\u0065l":"other","max_tokens":1024, "thinking":{"type":"adaptive"},"stream":true,"messages":[{"role":"user","content":"hi"}],"temperature":1.0}})";
  EXPECT_EQ(body_of(line), R"({"model":"claude-x","max_tokens":1024,"thinking":{"type":"adaptive"},)"
                           R"("messages":[{"role":"user","content":"hi"}],"temperature":1.0})");
}

TEST(AnthropicEncode, WritesTheHead) {
  const RowPtr row = row_of(R"({"prompt":"hi"})");
  const Endpoint where = endpoint();
  const Request request = encode_anthropic(*row, "claude-x", false, where, credential);
  const SentRequest sent = as_sent(request);
  EXPECT_EQ(sent.line, "POST /v1/messages HTTP/1.1");
  EXPECT_EQ(sent.fields,
            (std::map<std::string, std::string>{{"Host", "api.anthropic.com"},
                                                {"User-Agent", "batchrun/0.1"},
                                                {"Accept", "application/json"},
                                                {"Accept-Encoding", "identity"},
                                                {"Content-Type", "application/json"},
                                                {"Content-Length", std::to_string(request.body.size())},
                                                {"anthropic-version", "2023-06-01"},
                                                {"x-api-key", "sk-ant-test"}}));
  EXPECT_EQ(request.origin, &where.origin);
  EXPECT_EQ(request.body.find("sk-ant"), std::string::npos);
}

TEST(AnthropicEncode, FollowsTheEndpoint) {
  struct Case {
    const char *base_path, *version, *line, *sent_version, *key_field, *key;
    bool sampling;
  };
  for (const Case& one :
       {Case{"/v1", "", "POST /v1/messages HTTP/1.1", "2023-06-01", "x-api-key", "sk-ant-test", true},
        Case{"/claude", "2023-06-01", "POST /claude/v1/messages HTTP/1.1", "2023-06-01", "x-api-key",
             "sk-ant-test", true},
        Case{"", "2026-10-21", "POST /v1/messages HTTP/1.1", "2026-10-21", "Authorization",
             "Bearer sk-ant-test", false}}) {
    const Endpoint where = endpoint(one.base_path, one.version);
    const RowPtr row = row_of(R"({"prompt":"hi"})");
    const SentRequest sent = as_sent(encode_anthropic(*row, "claude-x", true, where, credential));
    EXPECT_EQ(sent.line, one.line);
    EXPECT_EQ(sent.fields.at("anthropic-version"), one.sent_version);
    EXPECT_EQ(sent.fields.at(one.key_field), one.key);
    EXPECT_EQ(sent.fields.count("x-api-key") + sent.fields.count("Authorization"), 1u);
    EXPECT_EQ(sent.fields.at("Accept"), "text/event-stream, application/json");
    EXPECT_EQ(anthropic_takes_sampling(where), one.sampling);
  }
}

TEST(AnthropicEncode, TriesAKeyWithTheListOfModels) {
  const SentRequest sent = as_sent(encode_anthropic_probe(endpoint(), credential));
  EXPECT_EQ(sent.line, "GET /v1/models?limit=1 HTTP/1.1");
  EXPECT_EQ(sent.fields.at("x-api-key"), "sk-ant-test");
  EXPECT_EQ(sent.fields.at("anthropic-version"), "2023-06-01");
  EXPECT_EQ(sent.body, "");
}

}  // namespace
}  // namespace batchrun
