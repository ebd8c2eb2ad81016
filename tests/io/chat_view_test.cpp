// Rows in, what they say out: by way of the parser, as they come in a run.
#include "io/chat_view.h"

#include <gtest/gtest.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

using Role = ChatView::Message::Role;
using Kind = ChatView::Part::Kind;

struct Viewed {
  explicit Viewed(const std::string& line) {
    auto parsed = parse_row(line, 1);
    if (auto* good = std::get_if<RowPtr>(&parsed)) row = std::move(*good);
    if (!row) throw std::runtime_error(std::get<RowError>(parsed).message);
    view = view_chat(*row);
  }
  RowPtr row;
  ChatView view;
};

TEST(ChatView, TakesAPromptForTwoMessages) {
  const Viewed v(R"({"prompt":"a \"b\"","system":"s","max_tokens":5,"temperature":0.50})");
  ASSERT_EQ(v.view.messages.size(), 2u);
  EXPECT_EQ(v.view.messages[0].role, Role::system);
  EXPECT_EQ(v.view.messages[0].parts.at(0).text, "\"s\"");
  EXPECT_EQ(v.view.messages[1].role, Role::user);
  EXPECT_EQ(v.view.messages[1].parts.at(0).text, R"("a \"b\"")");
  EXPECT_EQ(v.view.max_output_tokens, "5");
  EXPECT_EQ(v.view.temperature, "0.50");
}

TEST(ChatView, ReadsMessagesOfEveryKind) {
  const Viewed v(R"({"custom_id":"x","body":{"model":"m","messages":[
    {"role":"developer","content":"d"},
    {"role":"user","content":[{"type":"text","text":"t\n"},
      {"type":"image_url","image_url":{"url":"https://h/i.png","detail":"low"}},
      {"type":"image_url","image_url":{"url":"data:image\/png;base64,QUJD"}}]},
    {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
      "function":{"name":"f","arguments":"{\"a\":1}"}}]},
    {"role":"tool","tool_call_id":"c1","content":"42"}]}})");
  const auto& m = v.view.messages;
  ASSERT_EQ(m.size(), 4u);
  EXPECT_EQ(m[0].role, Role::system);
  ASSERT_EQ(m[1].parts.size(), 3u);
  EXPECT_EQ(m[1].parts[0].text, R"("t\n")");
  EXPECT_EQ(m[1].parts[1].kind, Kind::image_url);
  EXPECT_EQ(m[1].parts[1].url, R"("https://h/i.png")");
  EXPECT_EQ(m[1].parts[2].kind, Kind::image_data);
  EXPECT_EQ(m[1].parts[2].media_type, "image/png");
  EXPECT_EQ(m[1].parts[2].data, "QUJD");
  EXPECT_TRUE(m[2].parts.empty());
  ASSERT_EQ(m[2].tool_calls.size(), 1u);
  EXPECT_EQ(m[2].tool_calls[0].id, "\"c1\"");
  EXPECT_EQ(m[2].tool_calls[0].name, "\"f\"");
  EXPECT_EQ(text_of(m[2].tool_calls[0].arguments), "{\"a\":1}");
  EXPECT_EQ(m[3].role, Role::tool);
  EXPECT_EQ(m[3].tool_call_id, "\"c1\"");
  EXPECT_EQ(m[3].parts.at(0).text, "\"42\"");
}

TEST(ChatView, ReadsParameters) {
  const Viewed v(R"({"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":
    {"name":"f","description":"d","parameters":{"type":"object"},"strict":true}},{"type":"function","function":{"name":"g"}}],
    "tool_choice":{"type":"function","function":{"name":"g"}},"parallel_tool_calls":false,
    "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"a":[1,2]}}},"stop":["a","b"],
    "max_tokens":5,"max_completion_tokens":6,"seed":9,"user":"u","top_p":null})");
  ASSERT_EQ(v.view.tools.size(), 2u);
  EXPECT_EQ(v.view.tools[0].parameters, R"({"type":"object"})");
  EXPECT_EQ(v.view.tools[0].strict, "true");
  EXPECT_EQ(v.view.tools[1].name, "\"g\"");
  EXPECT_EQ(v.view.tools[1].parameters, "");
  EXPECT_EQ(v.view.tool_choice, ChatView::ToolChoice::one);
  EXPECT_EQ(v.view.chosen_tool, "\"g\"");
  EXPECT_TRUE(v.view.serial_tool_calls);
  EXPECT_EQ(v.view.format, ChatView::Format::json_schema);
  EXPECT_EQ(v.view.schema_name, "\"n\"");
  EXPECT_EQ(v.view.schema, R"({"a":[1,2]})");
  EXPECT_EQ(v.view.stop, (std::vector<std::string_view>{"\"a\"", "\"b\""}));
  EXPECT_EQ(v.view.max_output_tokens, "6");
  EXPECT_EQ(v.view.seed, "9");
  EXPECT_EQ(v.view.user, "\"u\"");
  EXPECT_EQ(v.view.top_p, "");
}

TEST(ChatView, ReadsTheShortForms) {
  EXPECT_EQ(Viewed(R"({"prompt":"x","tool_choice":"required"})").view.tool_choice,
            ChatView::ToolChoice::required);
  EXPECT_EQ(Viewed(R"({"prompt":"x","tool_choice":"none"})").view.tool_choice, ChatView::ToolChoice::none);
  EXPECT_EQ(Viewed(R"({"prompt":"x","tool_choice":"auto"})").view.tool_choice,
            ChatView::ToolChoice::automatic);
  EXPECT_EQ(Viewed(R"({"prompt":"x","response_format":{"type":"json_object"}})").view.format,
            ChatView::Format::json_object);
  EXPECT_EQ(Viewed(R"({"prompt":"x","stop":"a"})").view.stop, (std::vector<std::string_view>{"\"a\""}));
  EXPECT_EQ(Viewed(R"({"prompt":"x","st\u006fp":"a"})").view.stop.size(), 1u);
}

TEST(ChatView, HandsOnArgumentsAsTheObjectTheyHold) {
  const auto arguments = [](std::string_view json_string) {
    std::string out;
    append_arguments(out, json_string);
    return out;
  };
  EXPECT_EQ(arguments(R"("{\"a\":1}")"), R"({"a":1})");
  EXPECT_EQ(arguments(R"("")"), "{}");
  EXPECT_EQ(arguments(""), "{}");
  EXPECT_EQ(arguments(R"("[1]")"), R"("[1]")");
  EXPECT_EQ(arguments(R"("{")"), R"("{")");
}

}  // namespace
}  // namespace batchrun
