#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

namespace json = boost::json;

const SpeakingOf about{.endpoint = openai_responses()};

std::string body(const std::string& more = "") {
  return R"({"model":"gpt-5-mini","input":"[[m]] hi")" + more + "}";
}

TEST(OpenAiResponses, RequestsAreReadWithTheirParts) {
  const Call call = speak(about, R"({"model":"m","instructions":"1234","max_output_tokens":9,"stream":true,
      "input":[{"role":"user","content":[{"type":"input_text","text":"56"},{"type":"input_text","text":"7"}]}],
      "reasoning":{"effort":"low"}})")
                        .call;
  EXPECT_EQ(call.prompt_tokens, 2u + 6u);
  EXPECT_EQ(call.max_tokens, 9u);
  EXPECT_TRUE(call.stream && call.thinks);
  EXPECT_EQ(call.last_user_text, "567");
}

TEST(OpenAiResponses, MistakesAreNamed) {
  EXPECT_EQ(speak(about, R"({"model":"m"})").problem->param, "input");
  EXPECT_EQ(speak(about, R"({"model":"m","input":5})").problem->code, "invalid_type");
  EXPECT_TRUE(speak(about, R"({"input":"x"})").problem);
}

// The terminal event's response is the plain answer, and the deltas are its text.
TEST(OpenAiResponses, EventsAreNumberedAndEndWithTheWholeAnswer) {
  const std::string tool =
      R"(,"tools":[{"type":"function","name":"get","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}])";
  for (const std::string& more : {std::string(), std::string(R"(,"reasoning":{"effort":"low"})"), tool,
                                  std::string(R"(,"max_output_tokens":1)")}) {
    const Spoken spoken = speak(about, body(more));
    const json::value plain = json::parse(spoken.plain);
    std::string deltas;
    for (std::size_t i = 0; i < spoken.events.data.size(); ++i) {
      const json::value event = json::parse(spoken.events.data[i]);
      EXPECT_EQ(event.at("sequence_number").to_number<std::size_t>(), i);
      EXPECT_EQ(event.at("type").as_string(), event_type(spoken.events.data[i]));
      if (const json::value* delta = event.as_object().if_contains("delta")) deltas += delta->as_string();
    }
    const json::value last = json::parse(spoken.events.data.back());
    EXPECT_EQ(last.at("type").as_string(), "response." + std::string(plain.at("status").as_string()));
    EXPECT_EQ(last.at("response"), plain);
    const json::value& item = plain.at("output").as_array().back();
    EXPECT_EQ(deltas, more == tool ? item.at("arguments").as_string()
                                   : item.at("content").at(0).at("text").as_string());
    EXPECT_EQ(plain.at("output").at(0).at("type").as_string() == "reasoning",
              more.find("reasoning") != more.npos);
    EXPECT_EQ(
        plain.at("usage").at("total_tokens").as_int64(),
        plain.at("usage").at("input_tokens").as_int64() + plain.at("usage").at("output_tokens").as_int64());
  }
}

TEST(OpenAiResponses, RefusalsAndFilters) {
  SpeakingOf refused = about;
  refused.finish = Finish::refused;
  EXPECT_EQ(
      json::parse(speak(refused, body()).plain).at("output").at(0).at("content").at(0).at("type").as_string(),
      "refusal");
  SpeakingOf filtered = about;
  filtered.finish = Finish::filtered;
  EXPECT_EQ(json::parse(speak(filtered, body()).plain).at("incomplete_details").at("reason").as_string(),
            "content_filter");
}

}  // namespace
}  // namespace batchrun::mock
