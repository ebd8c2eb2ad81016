#include "bench/mockprovider/completion.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace batchrun::mock {
namespace {

namespace json = boost::json;

struct Written {
  ChatRequest request;
  Completion completion;
  json::value plain;
  std::vector<json::value> events;
  StreamEvents raw;
};

Written write(const std::string& body, const Scenario& scenario = {}, Flavour flavour = Flavour::openai) {
  Written w;
  EXPECT_FALSE(parse_chat_request(body, w.request));
  make_completion(w.request, scenario, w.completion);
  const ReplyFrame frame{
      .flavour = flavour, .id = "abc", .model = model_snapshot(w.request.model), .created = 5};
  std::string text;
  append_plain(text, w.request, w.completion, frame);
  w.plain = json::parse(text);
  make_events(w.raw, w.request, w.completion, frame, scenario.chunks);
  for (const auto& event : w.raw.data) w.events.push_back(json::parse(event));
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

TEST(Completion, IsTheSameForTheSamePromptAndSeed) {
  const Written a = write(prompt("why?")), b = write(prompt("why?")), c = write(prompt("why not?"));
  EXPECT_EQ(a.completion.text, b.completion.text);
  EXPECT_NE(a.completion.text, c.completion.text);
  EXPECT_NE(a.completion.text, write(prompt("why?"), Scenario{.seed = 2}).completion.text);
}

TEST(Completion, StartsWithTheMarkerAndKeepsMaxTokens) {
  int cut = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string marker = "row-" + std::to_string(i);
    const std::uint64_t most = 1 + static_cast<std::uint64_t>(i) % 30;
    const Written w = write(prompt("[[" + marker + "]] go", ",\"max_tokens\":" + std::to_string(most)));
    EXPECT_TRUE(w.completion.text.starts_with(marker));
    EXPECT_LE(w.completion.tokens, most);
    if (w.completion.finish_reason == "length") {
      ++cut;
      EXPECT_EQ(w.completion.tokens, most);
    }
  }
  EXPECT_GT(cut, 10);
  EXPECT_LT(cut, 120);
}

TEST(Completion, ScenarioCanFixTheLength) {
  EXPECT_EQ(write(prompt("a"), Scenario{.answer_tokens = 7}).completion.tokens, 7u);
  EXPECT_EQ(write(prompt("a", ",\"max_tokens\":5"), Scenario{.answer_tokens = 7}).completion.tokens, 5u);
  EXPECT_LE(write(prompt("a", ",\"max_tokens\":100000"), Scenario{.longest_answer = 50}).completion.tokens,
            50u);
}

TEST(Completion, StreamAndPlainSayTheSame) {
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

TEST(Completion, ToolCallsAreFragmentsInAStream) {
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

TEST(Completion, OpenAiSendsUsageOnlyWhenAskedInAChunkOfItsOwn) {
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

TEST(Completion, GroqSendsUsageAlwaysInTheLastChunk) {
  const Written w = write(prompt("q", ",\"stream\":true"), {}, Flavour::groq);
  EXPECT_TRUE(w.events.front().at("x_groq").as_object().contains("id"));
  EXPECT_TRUE(w.events.back().at("x_groq").at("usage").as_object().contains("queue_time"));
  EXPECT_EQ(w.events.back().at("choices").at(0).at("finish_reason").as_string(), w.completion.finish_reason);
}

TEST(Completion, CerebrasSendsUsageAndTimesInTheLastChunk) {
  const Written w = write(prompt("q", ",\"stream\":true"), {}, Flavour::cerebras);
  EXPECT_TRUE(w.events.back().as_object().contains("usage"));
  EXPECT_TRUE(w.events.back().as_object().contains("time_info"));
  EXPECT_TRUE(w.plain.as_object().contains("time_info"));
}

TEST(Completion, AliasesAnswerAsTheirSnapshot) {
  EXPECT_EQ(write(prompt("q")).plain.at("model").as_string(), "gpt-4o-mini-2024-07-18");
  EXPECT_EQ(model_snapshot("my-model"), "my-model");
}

}  // namespace
}  // namespace batchrun::mock
