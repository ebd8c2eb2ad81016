#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

namespace json = boost::json;

SpeakingOf chat() {
  return {.endpoint = ollama_chat(), .flavour = Flavour::ollama};
}

std::string body(const std::string& more = "") {
  return R"({"model":"llama3.2","messages":[{"role":"user","content":"[[m]] hi"}])" + more + "}";
}

TEST(Ollama, StreamsUnlessToldNotTo) {
  EXPECT_TRUE(speak(chat(), body()).call.stream);
  EXPECT_FALSE(speak(chat(), body(R"(,"stream":false)")).call.stream);
  const Call call = speak(chat(), body(R"(,"options":{"num_predict":7},"think":true)")).call;
  EXPECT_EQ(call.max_tokens, 7u);
  EXPECT_TRUE(call.thinks);
  EXPECT_FALSE(speak(chat(), body(R"(,"options":{"num_predict":-1})")).call.max_tokens);
}

TEST(Ollama, MistakesAreNamed) {
  EXPECT_EQ(speak(chat(), "").problem->message, "missing request body");
  EXPECT_EQ(speak(chat(), "{").problem->message, "unexpected EOF");
  EXPECT_EQ(speak(chat(), "{}").problem->message, "model is required");
  EXPECT_EQ(speak(chat(), R"({"model":"m","messages":[{"role":"king","content":""}]})").problem->message,
            "invalid role: king, must be one of [system, user, assistant, tool]");
}

TEST(Ollama, TheLastLineIsTheEndAndCarriesTheCounts) {
  for (const char* more : {"", R"(,"think":true)", R"(,"format":"json")"}) {
    const Spoken spoken = speak(chat(), body(more));
    const json::value plain = json::parse(spoken.plain);
    std::string text, thinking;
    for (std::size_t i = 0; i < spoken.events.data.size(); ++i) {
      const json::value line = json::parse(spoken.events.data[i]);
      text += line.at("message").at("content").as_string();
      if (const json::value* t = line.at("message").as_object().if_contains("thinking"))
        thinking += t->as_string();
      EXPECT_EQ(line.at("done").as_bool(), i == spoken.events.finish);
    }
    EXPECT_EQ(text, plain.at("message").at("content").as_string());
    EXPECT_EQ(thinking.empty(), !plain.at("message").as_object().contains("thinking"));
    const json::value last = json::parse(spoken.events.data.back());
    EXPECT_EQ(last.at("eval_count"), plain.at("eval_count"));
    EXPECT_EQ(last.at("prompt_eval_count").to_number<std::uint64_t>(), spoken.call.prompt_tokens);
    EXPECT_GT(last.at("total_duration").as_int64(), 1'000'000) << "nanoseconds";
    EXPECT_EQ(last.at("created_at").as_string(), "1970-01-01T00:00:05.097767Z");
  }
}

TEST(Ollama, ToolArgumentsAreAnObject) {
  const Spoken spoken = speak(
      chat(),
      body(
          R"(,"tools":[{"type":"function","function":{"name":"get","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}])"));
  for (const std::string& text : {spoken.plain, spoken.events.data.at(0)}) {
    const json::value call = json::parse(text).at("message").at("tool_calls").at(0).at("function");
    EXPECT_EQ(call.at("name").as_string(), "get");
    EXPECT_EQ(call.at("arguments").at("a").as_int64(), 1);
  }
  EXPECT_EQ(json::parse(spoken.plain).at("done_reason").as_string(), "stop");
}

TEST(Ollama, WithoutMessagesItOnlyLoads) {
  const Spoken spoken = speak(chat(), R"({"model":"m"})");
  EXPECT_EQ(json::parse(spoken.plain).at("done_reason").as_string(), "load");
  EXPECT_FALSE(json::parse(spoken.plain).as_object().contains("eval_count")) << "0 is left out";
  EXPECT_EQ(spoken.events.data.size(), 1u);
}

}  // namespace
}  // namespace batchrun::mock
