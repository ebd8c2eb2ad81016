#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

namespace json = boost::json;

const SpeakingOf about{.endpoint = openai_embeddings()};

json::value reply(const std::string& input, const std::string& more = "") {
  const Spoken spoken = speak(about, R"({"model":"text-embedding-3-small","input":)" + input + more + "}");
  EXPECT_FALSE(spoken.problem) << spoken.problem->message;
  return json::parse(spoken.plain);
}

TEST(OpenAiEmbeddings, EveryFormOfInputIsTakenAndCounted) {
  const struct {
    const char* input;
    std::size_t vectors;
    int tokens;
  } cases[] = {{R"("12345")", 1, 2}, {R"(["12345","6"])", 2, 3}, {"[7,8,9]", 1, 3}, {"[[7,8],[9]]", 2, 3}};
  for (const auto& c : cases) {
    const json::value r = reply(c.input, R"(,"dimensions":4)");
    EXPECT_EQ(r.at("data").as_array().size(), c.vectors) << c.input;
    EXPECT_EQ(r.at("usage").at("prompt_tokens").as_int64(), c.tokens) << c.input;
    EXPECT_EQ(r.at("data").at(c.vectors - 1).at("index").to_number<std::size_t>(), c.vectors - 1);
    EXPECT_EQ(r.at("data").at(0).at("embedding").as_array().size(), 4u);
  }
  EXPECT_EQ(reply(R"("x")").at("data").at(0).at("embedding").as_array().size(), 1536u);
}

TEST(OpenAiEmbeddings, AVectorDependsOnItsTextAlone) {
  const json::value r = reply(R"(["a","b","a"])", R"(,"dimensions":3)");
  EXPECT_EQ(r.at("data").at(0).at("embedding"), r.at("data").at(2).at("embedding"));
  EXPECT_NE(r.at("data").at(0).at("embedding"), r.at("data").at(1).at("embedding"));
}

// Digits of the alphabet, four bytes a number: decoded here with nothing of the code under test.
TEST(OpenAiEmbeddings, Base64HoldsTheSameNumbers) {
  const json::value numbers = reply(R"("a")", R"(,"dimensions":5)").at("data").at(0).at("embedding");
  const json::value coded =
      reply(R"("a")", R"(,"dimensions":5,"encoding_format":"base64")").at("data").at(0).at("embedding");
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char c : coded.as_string()) {
    if (c == '=') break;
    for (int bit = 5; bit >= 0; --bit) bits += ((alphabet.find(c) >> bit) & 1) ? '1' : '0';
  }
  ASSERT_GE(bits.size(), 5u * 32);
  EXPECT_EQ(coded.as_string().size(), 28u) << "20 bytes";
  for (std::size_t i = 0; i < 5; ++i) {
    std::uint32_t word = 0;
    for (std::size_t byte = 0; byte < 4; ++byte) {
      word |= static_cast<std::uint32_t>(std::stoul(bits.substr(i * 32 + byte * 8, 8), nullptr, 2))
              << (8 * byte);
    }
    EXPECT_FLOAT_EQ(std::bit_cast<float>(word), static_cast<float>(numbers.at(i).as_double()));
  }
}

TEST(OpenAiEmbeddings, MistakesAreNamed) {
  for (const char* more : {R"({"model":"m"})", R"({"model":"m","input":""})", R"({"model":"m","input":[]})",
                           R"({"model":"m","input":"x","encoding_format":"hex"})",
                           R"({"model":"m","input":"x","dimensions":0})"}) {
    EXPECT_TRUE(speak(about, more).problem) << more;
  }
}

}  // namespace
}  // namespace batchrun::mock
