#include "io/fault_message.h"

#include <gtest/gtest.h>

#include <random>

#include "io/utf8.h"

namespace batchrun {
namespace {

TEST(FaultMessage, IsOneLine) {
  EXPECT_EQ(fault_message("  two\r\n lines\tand \v more  "), "two lines and more");
  EXPECT_EQ(fault_message(""), "");
  EXPECT_EQ(fault_message(" \n "), "");
}

TEST(FaultMessage, LeavesNothingATerminalWouldObey) {
  EXPECT_EQ(fault_message("a\x1b[31mred\x07\x7f b"), "a[31mred b");
  EXPECT_EQ(fault_message("a\xC2\x9B"
                          "31m"),
            "a31m");  // C1
  EXPECT_EQ(fault_message("a\xE2\x80\xAE"
                          "b\xE2\x81\xA6"
                          "c"),
            "abc");  // bidi override, isolate
  EXPECT_EQ(fault_message("a\xE2\x80\xA8"
                          "b"),
            "a b");  // line separator
  EXPECT_EQ(fault_message("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
}

TEST(FaultMessage, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(fault_message("a\xFF"
                          "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(fault_message("a\xC3"), "a\xEF\xBF\xBD");
}

TEST(FaultMessage, MasksKeysAndTheirPieces) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"Incorrect API key provided: sk-abc***xyz. You can find",
       "Incorrect API key provided: [key]. You can find"},
      {"see https://serpapi.com/search.json?q=x&api_key=0123abcd&gl=us",
       "see https://serpapi.com/search.json?q=x&api_key=[key]&gl=us"},
      {"Incorrect API key provided: hunter2.", "Incorrect API key provided: [key]."},
      {"key sk-proj-ABCdef_123-456 is bad", "key [key] is bad"},
      {"(gsk_abcdefgh1234)", "([key])"},
      {"csk-abcdefgh1234,", "[key],"},
      {"'AIzaSyABCDEFG'", "'[key]'"},
      {"Bearer sk-or-v1-0123456789", "Bearer [key]"},
      {"abcd1234************wxyz", "[key]"},
      {"a task-force uses sk-learn and **bold**", "a task-force uses sk-learn and **bold**"},
      {"model gpt-4o-mini in organization org-x", "model gpt-4o-mini in organization org-x"}};
  for (const auto& [text, expected] : table) EXPECT_EQ(fault_message(text), expected);
}

TEST(FaultMessage, IsCutAtACharacter) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    for (int i = 0; i < 400; ++i) text += "\xE2\x82\xAC";
    const std::string message = fault_message(text);
    EXPECT_LE(message.size(), fault_message_bytes);
    EXPECT_GE(message.size(), fault_message_bytes - 4);
    EXPECT_TRUE(message.ends_with("\xE2\x82\xAC..."));
  }
  EXPECT_EQ(fault_message(std::string(512, 'x')), std::string(512, 'x'));
}

TEST(FaultMessage, AKeyOnTheCutIsStillMasked) {
  for (std::size_t before = 480; before < 1060; ++before) {
    const std::string message = fault_message(std::string(before, ' ') + std::string(before, 'x') +
                                              " sk-ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 end");
    EXPECT_EQ(message.find("ABCD"), std::string::npos) << before;
  }
}

TEST(FaultMessage, AnyBytesComeOutShortValidAndOnOneLine) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (std::size_t i = random() % 1500; i > 0; --i) text += static_cast<char>(random());
    const std::string message = fault_message(text);
    ASSERT_LE(message.size(), fault_message_bytes);
    for (const char* at = message.data(); at != message.data() + message.size();) {
      const std::size_t length = utf8_length(at, message.data() + message.size());
      ASSERT_NE(length, 0u) << "seed " << seed;
      ASSERT_FALSE(length == 1 && (static_cast<unsigned char>(*at) < 0x20 || *at == 0x7f)) << "seed " << seed;
      at += length;
    }
  }
}

}  // namespace
}  // namespace batchrun
