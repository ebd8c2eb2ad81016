#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

namespace json = boost::json;

SpeakingOf content(const std::string& path = "/v1beta/models/g:generateContent") {
  return {.endpoint = gemini_content(), .flavour = Flavour::gemini, .path = path, .model_in_path = "g"};
}

std::string body(const std::string& more = "") {
  return R"({"contents":[{"role":"user","parts":[{"text":"[[m]] hi"}]}])" + more + "}";
}

TEST(Gemini, RequestsAreReadWithTheirParts) {
  const Call call = speak(content("/v1beta/models/g:streamGenerateContent?alt=sse"), R"({
      "systemInstruction":{"parts":[{"text":"1234"}]},
      "contents":[{"parts":[{"text":"56"},{"text":"7"}]}],
      "generationConfig":{"maxOutputTokens":9,"thinkingConfig":{"thinkingBudget":0}}})")
                        .call;
  EXPECT_EQ(call.model, "g");
  EXPECT_TRUE(call.stream);
  EXPECT_FALSE(call.one_array);
  EXPECT_EQ(call.prompt_tokens, 2u + 6u);
  EXPECT_EQ(call.max_tokens, 9u);
  EXPECT_FALSE(call.thinks);
  EXPECT_EQ(call.last_user_text, "567");
  EXPECT_TRUE(speak(content("/v1beta/models/g:streamGenerateContent"), body()).call.one_array);
  EXPECT_TRUE(
      speak(content(), body(R"(,"generationConfig":{"thinkingConfig":{"thinkingBudget":-1}})")).call.thinks);
}

TEST(Gemini, MistakesAreNamed) {
  for (const char* wrong :
       {"", "[]", "{}", R"({"contents":[]})", R"({"contents":[{"role":"user","parts":[]}]})",
        R"({"contents":[{"role":"assistant","parts":[{"text":"x"}]}]})"}) {
    EXPECT_TRUE(speak(content(), wrong).problem) << wrong;
  }
}

TEST(Gemini, StreamAndPlainSayTheSame) {
  for (const std::uint32_t chunks : {0u, 1u, 3u}) {
    SpeakingOf about = content();
    about.scenario.chunks = chunks;
    about.scenario.cached_share = 0.5;
    const Spoken spoken =
        speak(about,
              body(R"(,"generationConfig":{"thinkingConfig":{"thinkingBudget":99,"includeThoughts":true}})"));
    const json::value plain = json::parse(spoken.plain);
    std::string text, thought;
    for (const std::string& data : spoken.events.data) {
      const json::value event = json::parse(data);
      for (const json::value& part : event.at("candidates").at(0).at("content").at("parts").as_array()) {
        (part.as_object().contains("thought") ? thought : text) += part.at("text").as_string();
      }
      EXPECT_EQ(event.at("usageMetadata").at("promptTokenCount"),
                plain.at("usageMetadata").at("promptTokenCount"));
      const bool last = &data == &spoken.events.data.back();
      EXPECT_EQ(event.at("candidates").at(0).as_object().contains("finishReason"), last);
      if (last) {
        EXPECT_EQ(event.at("usageMetadata"), plain.at("usageMetadata"));
      }
    }
    const auto& parts = plain.at("candidates").at(0).at("content").at("parts").as_array();
    EXPECT_EQ(parts[0].at("text").as_string(), thought);
    EXPECT_EQ(parts[1].at("text").as_string(), text);
    EXPECT_EQ(spoken.events.finish + 1, spoken.events.data.size());
    EXPECT_EQ(spoken.events.end_mark, spoken.events.data.size()) << "there is no end mark";
  }
  EXPECT_EQ(speak(content("/v1beta/models/g:streamGenerateContent?alt=sse"), body()).events.form.line_end,
            "\r\n");
}

TEST(Gemini, CandidatesAreNotCountedWhileThereAreOnlyThoughts) {
  const Spoken spoken =
      speak(content(), body(R"(,"generationConfig":{"thinkingConfig":{"includeThoughts":true}})"));
  EXPECT_FALSE(
      json::parse(spoken.events.data[0]).at("usageMetadata").as_object().contains("candidatesTokenCount"));
  const json::value total = json::parse(spoken.plain).at("usageMetadata");
  EXPECT_EQ(total.at("totalTokenCount").as_int64(), total.at("promptTokenCount").as_int64() +
                                                        total.at("candidatesTokenCount").as_int64() +
                                                        total.at("thoughtsTokenCount").as_int64());
}

TEST(Gemini, FunctionCallsHaveObjectsAndStop) {
  const Spoken spoken = speak(
      content(),
      body(
          R"(,"tools":[{"functionDeclarations":[{"name":"get","parameters":{"type":"OBJECT","properties":{"a":{"type":"INTEGER"}}}}]}])"));
  const json::value candidate = json::parse(spoken.plain).at("candidates").at(0);
  EXPECT_EQ(candidate.at("finishReason").as_string(), "STOP");
  EXPECT_EQ(candidate.at("content").at("parts").at(0).at("functionCall").at("args").at("a").as_int64(), 1);
  ASSERT_EQ(spoken.events.data.size(), 1u);
  EXPECT_EQ(json::parse(spoken.events.data[0]).at("candidates").at(0), candidate);
}

TEST(Gemini, BlockedPromptsHaveNoCandidates) {
  SpeakingOf about = content();
  about.blocked = true;
  const Spoken spoken = speak(about, body());
  for (const std::string& text : {spoken.plain, spoken.events.data.at(0)}) {
    EXPECT_FALSE(json::parse(text).as_object().contains("candidates"));
    EXPECT_EQ(json::parse(text).at("promptFeedback").at("blockReason").as_string(), "PROHIBITED_CONTENT");
  }
}

TEST(Gemini, AllSpentOnThinkingLeavesNoParts) {
  const Spoken spoken = speak(
      content(), body(R"(,"generationConfig":{"maxOutputTokens":2,"thinkingConfig":{"thinkingBudget":99}})"));
  for (const std::string& text : {spoken.plain, spoken.events.data.at(0)}) {
    const json::value candidate = json::parse(text).at("candidates").at(0);
    EXPECT_EQ(candidate.at("finishReason").as_string(), "MAX_TOKENS");
    EXPECT_FALSE(candidate.at("content").as_object().contains("parts"));
  }
}

}  // namespace
}  // namespace batchrun::mock
