#include "io/reply_json.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(ReplyJson, TakesOneValueWithWhiteSpaceAndABom) {
  const ReplyJson json = scan_reply("\xEF\xBB\xBF \r\n {\"a\":1} \n");
  ASSERT_TRUE(json);
  EXPECT_TRUE(json.is_object());
  EXPECT_EQ(json.text, "{\"a\":1}");
  EXPECT_FALSE(scan_reply("[1]").is_object());
}

// The byte after the text is none of it, whatever it is.
TEST(ReplyJson, StopsAtTheEndOfTheText) {
  const std::string_view longer = R"({"a":[1,[2,{"b":"c"}]],"d":{}} )";
  for (std::size_t size = 0; size + 2 <= longer.size(); ++size) {
    EXPECT_FALSE(scan_reply(longer.substr(0, size))) << longer.substr(0, size);
  }
  EXPECT_TRUE(scan_reply(longer));
}

TEST(ReplyJson, SaysWhatIsWrong) {
  for (const std::string_view text :
       {"", "  ", "<html>", "{\"a\":1", "{\"a\":1}}", "{'a':1}", "\"\xFF\"", "nul", "{\"a\":01}"}) {
    const ReplyJson json = scan_reply(text);
    EXPECT_FALSE(json) << text;
    EXPECT_FALSE(json.is_object()) << text;
    EXPECT_NE(std::string_view(json.wrong), "") << text;
  }
}

TEST(ReplyJson, NestsAtMost128Deep) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(scan_reply(nested(127)));
  EXPECT_FALSE(scan_reply(nested(130)));
  EXPECT_FALSE(scan_reply(std::string(100'000, '[')));
}

TEST(ReplyJson, LeavesNumbersOfAnySizeAlone) {
  const std::string text = "{\"a\":1e400,\"b\":-0,\"c\":18446744073709551616123,\"d\":1E-999}";
  const ReplyJson json = scan_reply(text);
  ASSERT_TRUE(json);
  EXPECT_EQ(json.text, text);
}

TEST(ReplyJson, MendsSurrogatesWithoutPartner) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {R"(["\ud83d"])", R"(["\ufffd"])"},
      {R"(["\uDE00x"])", R"(["\ufffdx"])"},
      {R"(["\ud83d\ud83d\ude00"])", R"(["\ufffd\ud83d\ude00"])"},
      {R"(["\\\ud83d\\ud83d"])", R"(["\\\ufffd\\ud83d"])"},
      {R"(["\ud83d\u0041"])", R"(["\ufffd\u0041"])"}};
  for (const auto& [text, expected] : table) {
    const ReplyJson json = scan_reply(text);
    ASSERT_TRUE(json) << text;
    EXPECT_EQ(json.text, expected);
  }
  EXPECT_EQ(scan_reply(R"(["\ud83d\ude00"])").text, R"(["\ud83d\ude00"])");
}

TEST(ReplyJson, StaysUsableAfterAVeryLargeText) {
  const std::string large = "[\"" + std::string(5u << 20, 'x') + "\"]";
  EXPECT_TRUE(scan_reply(large));
  EXPECT_TRUE(scan_reply("[1]"));
  EXPECT_FALSE(scan_reply("[1"));
}

TEST(ReplyJson, ReadsStringsAndCounts) {
  const std::string text = R"(["a\nb\u00e9", 14, 14.0, 1e3, -1, 1.5, 9007199254740993, 1e400, "5", null, 0])";
  const ReplyJson json = scan_reply(text);
  ASSERT_TRUE(json);
  std::vector<JsonTokens::Value> values;
  for (ArrayWalk walk(*json.tokens, JsonTokens::root); walk.next();) values.push_back(walk.value());
  EXPECT_EQ(string_of(*json.tokens, values[0]), "a\nb\xC3\xA9");
  EXPECT_EQ(string_inner(*json.tokens, values[0]), R"(a\nb\u00e9)");
  EXPECT_EQ(string_of(*json.tokens, values[1]), "");
  EXPECT_EQ(count_of(*json.tokens, values[1]), 14u);
  EXPECT_EQ(count_of(*json.tokens, values[2]), 14u);
  EXPECT_EQ(count_of(*json.tokens, values[3]), 1000u);
  for (std::size_t i = 4; i < 10; ++i) EXPECT_EQ(count_of(*json.tokens, values[i]), std::nullopt) << i;
  EXPECT_EQ(count_of(*json.tokens, values[10]), 0u);
}

TEST(ReplyJson, KnowsWhatIsTruthy) {
  const std::string text = R"([null, false, 0, 0.0, -0, "", true, 1, -1, 1.5, "x", {}, []])";
  const ReplyJson json = scan_reply(text);
  ASSERT_TRUE(json);
  std::string seen;
  for (ArrayWalk walk(*json.tokens, JsonTokens::root); walk.next();) {
    seen += is_truthy(*json.tokens, walk.value()) ? '1' : '0';
  }
  EXPECT_EQ(seen, "0000001111111");
}

}  // namespace
}  // namespace batchrun
