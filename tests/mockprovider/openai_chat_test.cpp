#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

namespace json = boost::json;

struct Written {
  Call request;
  Completion completion;
  json::value plain;
  std::vector<json::value> events{};  // without the end mark
  StreamEvents raw{};
};

Written write(const std::string& body, const Scenario& scenario = {}, Flavour flavour = Flavour::openai) {
  Spoken spoken = speak({.endpoint = openai_chat(), .flavour = flavour, .scenario = scenario}, body);
  EXPECT_FALSE(spoken.problem) << spoken.problem->message;
  Written w{.request = spoken.call, .completion = spoken.completion, .plain = json::parse(spoken.plain)};
  EXPECT_EQ(spoken.events.data.back(), "[DONE]");
  EXPECT_EQ(spoken.events.end_mark + 1, spoken.events.data.size());
  for (std::size_t i = 0; i < spoken.events.end_mark; ++i)
    w.events.push_back(json::parse(spoken.events.data[i]));
  w.raw = std::move(spoken.events);
  return w;
}

std::string prompt(const std::string& text, const std::string& more = "") {
  return R"({"model":"gpt-4o-mini","messages":[{"role":"user","content":")" + text + "\"}]" + more + "}";
}

// What a client puts together from the stream's deltas of one choice.
std::string assembled(const Written& w, const char* member, int choice = 0) {
  std::string out;
  for (const json::value& event : w.events) {
    for (const json::value& c : event.at("choices").as_array()) {
      if (c.at("index").as_int64() != choice) continue;
      const json::object& delta = c.at("delta").as_object();
      if (std::string_view(member) == "arguments") {
        if (const json::value* calls = delta.if_contains("tool_calls")) {
          out += calls->at(0).at("function").at("arguments").as_string();
        }
      } else if (const json::value* text = delta.if_contains(member); text && text->is_string()) {
        out += text->as_string();
      }
    }
  }
  return out;
}

TEST(OpenAiChat, StreamAndPlainSayTheSame) {
  for (const char* more : {"", ",\"n\":3", R"(,"response_format":{"type":"json_object"})"}) {
    for (std::uint32_t chunks : {0u, 1u, 3u, 1000u}) {
      const Written w = write(prompt("h\xc3\xa9 \\\"quoted\\\"", more), Scenario{.chunks = chunks});
      const auto& choices = w.plain.at("choices").as_array();
      EXPECT_EQ(choices.size(), w.request.choices);
      for (std::size_t i = 0; i < choices.size(); ++i) {
        EXPECT_EQ(choices[i].at("message").at("content").as_string(),
                  assembled(w, "content", static_cast<int>(i)));
      }
      const std::size_t pieces = w.completion.piece_ends.size();
      const std::size_t expected = chunks == 0 ? pieces : std::min<std::size_t>(chunks, pieces);
      EXPECT_EQ(w.raw.contents, expected * w.request.choices);
    }
  }
}

TEST(OpenAiChat, ToolCallsAreFragmentsInAStream) {
  const std::string tools =
      R"(,"tools":[{"type":"function","function":{"name":"get","parameters":{"type":"object",
      "properties":{"city":{"type":"string"},"unit":{"enum":["\u00e9\u00e9\u00e9\u00e9\u00e9"]}}}}}])";
  const Written w = write(prompt("q", tools));
  const json::value& message = w.plain.at("choices").at(0).at("message");
  EXPECT_TRUE(message.at("content").is_null());
  EXPECT_EQ(message.at("tool_calls").at(0).at("function").at("arguments").as_string(),
            w.request.tool_arguments);
  EXPECT_EQ(assembled(w, "arguments"), w.request.tool_arguments);
  EXPECT_EQ(w.events[0]
                .at("choices")
                .at(0)
                .at("delta")
                .at("tool_calls")
                .at(0)
                .at("function")
                .at("name")
                .as_string(),
            "get");
  EXPECT_EQ(w.plain.at("choices").at(0).at("finish_reason").as_string(), "tool_calls");
}

TEST(OpenAiChat, OpenAiSendsUsageOnlyWhenAskedInAChunkOfItsOwn) {
  const Written without = write(prompt("q", ",\"stream\":true"));
  for (const auto& event : without.events) EXPECT_FALSE(event.as_object().contains("usage"));
  const Written with = write(prompt("q", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  for (std::size_t i = 0; i + 1 < with.events.size(); ++i) EXPECT_TRUE(with.events[i].at("usage").is_null());
  const json::value& last = with.events.back();
  EXPECT_TRUE(last.at("choices").as_array().empty());
  EXPECT_EQ(last.at("usage").at("completion_tokens").to_number<std::uint64_t>(), with.completion.tokens);
  EXPECT_EQ(last.at("usage").at("total_tokens").to_number<std::uint64_t>(),
            with.completion.tokens + with.request.prompt_tokens);
}

TEST(OpenAiChat, GroqSendsUsageAlwaysInTheLastChunk) {
  const Written w = write(prompt("q", ",\"stream\":true"), {}, Flavour::groq);
  EXPECT_TRUE(w.events.front().at("x_groq").as_object().contains("id"));
  EXPECT_TRUE(w.events.back().at("x_groq").at("usage").as_object().contains("queue_time"));
  EXPECT_EQ(w.events.back().at("choices").at(0).at("finish_reason"),
            w.plain.at("choices").at(0).at("finish_reason"));
}

TEST(OpenAiChat, CerebrasSendsUsageAndTimesInTheLastChunk) {
  const Written w = write(prompt("q", ",\"stream\":true"), {}, Flavour::cerebras);
  EXPECT_TRUE(w.events.back().as_object().contains("usage"));
  EXPECT_TRUE(w.events.back().as_object().contains("time_info"));
  EXPECT_TRUE(w.plain.as_object().contains("time_info"));
}

TEST(OpenAiChat, AliasesAnswerAsTheirSnapshot) {
  EXPECT_EQ(write(prompt("q")).plain.at("model").as_string(), "gpt-4o-mini-2024-07-18");
  EXPECT_EQ(
      write(R"({"model":"mine","messages":[{"role":"user","content":"q"}]})").plain.at("model").as_string(),
      "mine");
}

std::optional<Problem> parse_chat_request(std::string_view body, Call& out,
                                          Flavour flavour = Flavour::openai) {
  HttpRequest request;
  request.body = body;
  out.clear();
  return openai_chat().read(request, {.flavour = flavour}, out);
}

TEST(OpenAiChat, IsReadWithItsParts) {
  Call r;
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

TEST(OpenAiChat, ToolsAreCalledOnceWithFittingArguments) {
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"get","parameters":{"type":"object",
      "properties":{"city":{"type":"string"},"unit":{"enum":["c","f"]},"days":{"type":"integer"}}}}},
      {"type":"function","function":{"name":"other"}}])";
  Call r;
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

TEST(OpenAiChat, ResponseFormatsGiveJson) {
  Call r;
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

TEST(OpenAiChat, MistakesAreNamed) {
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
    Call r;
    const auto error = parse_chat_request(c.body, r);
    ASSERT_TRUE(error) << c.body;
    EXPECT_EQ(error->trouble, Trouble::invalid) << c.body;
    EXPECT_EQ(error->param, c.param) << c.body;
    EXPECT_EQ(error->code, c.code) << c.body;
  }
}

TEST(OpenAiChat, OllamaReadsMaxTokensOnlyAndNoN) {
  Call r;
  ASSERT_FALSE(parse_chat_request(
      R"({"model":"m","messages":[{"role":"user","content":"q"}],"max_completion_tokens":9,"n":2})", r,
      Flavour::ollama));
  EXPECT_FALSE(r.max_tokens);
  EXPECT_EQ(r.choices, 1u);
}

TEST(OpenAiChat, EveryFlavourHasItsMarks) {
  const std::string asked =
      prompt("q", R"(,"stream":true,"reasoning_effort":"low","stream_options":{"include_usage":true})");
  const auto text = [&](Flavour flavour) {
    std::string all;
    for (const std::string& event : write(asked, {}, flavour).raw.data) all += event + "\n";
    return all;
  };
  const auto has = [](const std::string& all, std::string_view part) { return all.find(part) != all.npos; };
  EXPECT_TRUE(has(text(Flavour::openai), R"("reasoning_tokens":10)"));
  EXPECT_FALSE(has(text(Flavour::openai), R"("reasoning":")")) << "OpenAI tells only how much";
  EXPECT_TRUE(has(text(Flavour::groq), R"("delta":{"reasoning":")"));
  EXPECT_TRUE(has(text(Flavour::cerebras), R"("delta":{"reasoning":")"));
  EXPECT_TRUE(has(text(Flavour::ollama), R"("system_fingerprint":"fp_ollama")"));
  EXPECT_FALSE(has(text(Flavour::ollama), R"("usage":null)"));
  EXPECT_TRUE(has(text(Flavour::vllm), R"("prompt_tokens_details":null)"));
  EXPECT_TRUE(has(text(Flavour::openrouter), R"({"id":"gen-)"));
}

TEST(OpenAiChat, OpenRouterSendsUsageUnaskedAndACommentFirst) {
  const Written w = write(prompt("q", ",\"stream\":true"), {}, Flavour::openrouter);
  EXPECT_TRUE(w.events.back().as_object().contains("usage"));
  EXPECT_EQ(w.raw.preamble, ": OPENROUTER PROCESSING\n\n");
}

TEST(OpenAiChat, AzuresFirstChunkHasNoChoicesAndNoId) {
  const Written w = write(prompt("q", ",\"stream\":true"), {}, Flavour::azure);
  EXPECT_TRUE(w.events[0].at("choices").as_array().empty());
  EXPECT_EQ(w.events[0].at("id").as_string(), "");
  EXPECT_TRUE(w.events[0].as_object().contains("prompt_filter_results"));
  EXPECT_TRUE(w.events[w.raw.first_content].at("choices").at(0).at("delta").as_object().contains("content"));
  EXPECT_TRUE(w.events[1].at("choices").at(0).as_object().contains("content_filter_results"));
}

TEST(OpenAiChat, CachedTokensArePartOfThePrompt) {
  const Written w = write(prompt("12345678"), Scenario{.cached_share = 0.5});
  EXPECT_EQ(w.plain.at("usage").at("prompt_tokens").as_int64(), 5);
  EXPECT_EQ(w.plain.at("usage").at("prompt_tokens_details").at("cached_tokens").as_int64(), 2);
}

}  // namespace
}  // namespace batchrun::mock
