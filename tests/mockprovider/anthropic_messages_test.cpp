#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

namespace json = boost::json;

SpeakingOf messages(const std::string& version = "2023-06-01") {
  return {.endpoint = anthropic_messages(),
          .flavour = Flavour::anthropic,
          .fields = {{"anthropic-version", version}}};
}

std::string body(const std::string& more = "", const std::string& text = "[[m]] hi") {
  return R"({"model":"claude-x","max_tokens":2000,"messages":[{"role":"user","content":")" + text + "\"}]" +
         more + "}";
}

std::vector<json::value> parsed(const StreamEvents& events) {
  std::vector<json::value> out;
  for (const std::string& data : events.data) out.push_back(json::parse(data));
  return out;
}

TEST(Anthropic, RequestsAreReadWithTheirParts) {
  const Call call = speak(messages(), R"({"model":"claude-x","max_tokens":9,"stream":true,
      "system":[{"type":"text","text":"1234"}],
      "messages":[{"role":"user","content":[{"type":"text","text":"56"},{"type":"text","text":"7"}]}]})")
                        .call;
  EXPECT_EQ(call.model, "claude-x");
  EXPECT_EQ(call.max_tokens, 9u);
  EXPECT_TRUE(call.stream);
  EXPECT_EQ(call.prompt_tokens, 2u + 6u);
  EXPECT_EQ(call.last_user_text, "567");
}

TEST(Anthropic, MistakesAreNamed) {
  const std::string ok = R"("model":"m","max_tokens":5,"messages":[{"role":"user","content":"q"}])";
  const struct {
    std::string body, message;
    std::string version = "2023-06-01";
  } cases[] = {
      {"{" + ok + "}", "anthropic-version: header is required", ""},
      {"{" + ok + "}", "anthropic-version: \"2020\" is not a valid version", "2020"},
      {"", "The request body is not valid JSON"},
      {"[]", "Input should be an object"},
      {R"({"max_tokens":5,"messages":[]})", "model: Field required"},
      {R"({"model":"m","messages":[]})", "max_tokens: Field required"},
      {R"({"model":"m","max_tokens":5})", "messages: Field required"},
      {R"({"model":"m","max_tokens":5,"messages":[]})", "messages: at least one message is required"},
      {R"({"model":"m","max_tokens":5,"messages":[{"role":"tool","content":"x"}]})",
       "messages.0.role: Input should be 'user' or 'assistant'"},
      {R"({"model":"m","max_tokens":5,"messages":[{"role":"user"}]})", "messages.0.content: Field required"},
      {"{" + ok + R"(,"temperature":1})", "temperature: Extra inputs are not permitted", "2026-10-21"},
      {"{" + ok + R"(,"top_k":1})", "top_k: Extra inputs are not permitted", "2026-10-21"},
      {"{" + ok + R"(,"response_format":{}})", "response_format: Extra inputs are not permitted"},
      {"{" + ok + R"(,"thinking":{"type":"enabled","budget_tokens":5}})",
       "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"},
      {"{" + ok + R"(,"thinking":{"type":"enabled","budget_tokens":1024}})",
       "`max_tokens` must be greater than `thinking.budget_tokens`."},
  };
  for (const auto& c : cases) {
    const Spoken spoken = speak(messages(c.version), c.body);
    ASSERT_TRUE(spoken.problem) << c.message;
    EXPECT_EQ(spoken.problem->message, c.message);
  }
  EXPECT_FALSE(speak(messages(), "{" + ok + R"(,"temperature":1})").problem) << "the old version takes it";
  EXPECT_FALSE(speak(messages("2026-10-21"), "{" + ok + "}").problem);
}

TEST(Anthropic, EventsComeInTheirOrderAndSayWhatThePlainAnswerSays) {
  const std::string thinking = R"(,"thinking":{"type":"enabled","budget_tokens":1024})";
  const std::string tools =
      R"(,"tools":[{"name":"get","input_schema":{"type":"object","properties":{"a":{"type":"integer"}}}}])";
  for (const std::string& more : {std::string(), thinking, tools, thinking + tools}) {
    const Spoken spoken = speak(messages(), body(more));
    const json::value plain = json::parse(spoken.plain);
    const auto events = parsed(spoken.events);
    EXPECT_EQ(events.front().at("type").as_string(), "message_start");
    EXPECT_EQ(events.back().at("type").as_string(), "message_stop");
    EXPECT_EQ(spoken.events.end_mark, events.size() - 1);
    EXPECT_EQ(spoken.events.finish, events.size() - 2);
    EXPECT_EQ(events[spoken.events.finish].at("delta").at("stop_reason"), plain.at("stop_reason"));
    EXPECT_EQ(events[spoken.events.finish].at("usage").at("output_tokens"),
              plain.at("usage").at("output_tokens"));
    // Put the blocks together as a client does.
    std::vector<std::string> blocks;
    std::vector<std::string> types;
    for (const json::value& event : events) {
      const auto& type = event.at("type").as_string();
      if (type == "content_block_start") {
        types.emplace_back(event.at("content_block").at("type").as_string());
        blocks.emplace_back();
      }
      if (type != "content_block_delta") continue;
      for (const char* member : {"text", "partial_json", "thinking"}) {
        if (const json::value* v = event.at("delta").as_object().if_contains(member))
          blocks.back() += v->as_string();
      }
    }
    const auto& content = plain.at("content").as_array();
    ASSERT_EQ(types.size(), content.size()) << more;
    for (std::size_t i = 0; i < types.size(); ++i) {
      EXPECT_EQ(types[i], content[i].at("type").as_string());
      if (types[i] == "tool_use") {
        EXPECT_EQ(json::parse(blocks[i]), content[i].at("input"));
      } else {
        EXPECT_EQ(blocks[i], content[i].at(types[i]).as_string());
      }
    }
    EXPECT_EQ(content[0].at("type").as_string() == "thinking", !more.empty() && more.starts_with(thinking));
    for (const std::string& data : spoken.events.data) EXPECT_FALSE(event_type(data).empty());
  }
}

TEST(Anthropic, CachedInputIsOutsideTheInputCount) {
  SpeakingOf about = messages();
  about.scenario.cached_share = 0.5;
  const Spoken spoken = speak(about, body("", "12345678901234"));  // 4 + 3 tokens
  const json::value usage = json::parse(spoken.plain).at("usage");
  EXPECT_EQ(usage.at("input_tokens").as_int64(), 4);
  EXPECT_EQ(usage.at("cache_read_input_tokens").as_int64(), 3);
  const json::value start = json::parse(spoken.events.data[0]);
  EXPECT_EQ(start.at("message").at("usage").at("cache_read_input_tokens").as_int64(), 3);
}

TEST(Anthropic, RefusalsAndNoUsage) {
  SpeakingOf about = messages();
  about.finish = Finish::refused;
  about.usage = false;
  const Spoken spoken = speak(about, body());
  const json::value plain = json::parse(spoken.plain);
  EXPECT_EQ(plain.at("stop_reason").as_string(), "refusal");
  EXPECT_EQ(plain.at("stop_details").at("type").as_string(), "refusal");
  EXPECT_FALSE(plain.as_object().contains("usage"));
  for (const json::value& event : parsed(spoken.events)) EXPECT_FALSE(event.as_object().contains("usage"));
  about.blocked = true;
  EXPECT_TRUE(json::parse(speak(about, body()).plain).at("content").as_array().empty());
}

TEST(Anthropic, ToolsAreCalledOnce) {
  const Spoken again =
      speak(messages(), R"({"model":"m","max_tokens":50,"tools":[{"name":"get","input_schema":{}}],
      "messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"get","input":{}}]},
                  {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"21"}]}]})");
  EXPECT_EQ(again.call.tool_name, "");
  EXPECT_EQ(again.call.last_user_text, "q");
  EXPECT_EQ(speak(messages(),
                  body(R"(,"tools":[{"name":"a"},{"name":"b"}],"tool_choice":{"type":"tool","name":"b"})"))
                .call.tool_name,
            "b");
  EXPECT_EQ(
      speak(messages(), body(R"(,"tools":[{"name":"a"}],"tool_choice":{"type":"none"})")).call.tool_name, "");
}

}  // namespace
}  // namespace batchrun::mock
