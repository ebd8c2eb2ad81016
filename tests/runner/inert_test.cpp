#include "runner/inert.h"

#include <gtest/gtest.h>

#include <random>

namespace batchrun {
namespace {

TEST(Inert, LeavesPlainTextAlone) {
  for (const std::string text :
       {"", "hello", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "a\\b \"c\"", "\xc2\xa0nbsp"}) {
    EXPECT_EQ(inert(text), text);
  }
}

TEST(Inert, ShowsWhatATerminalWouldObey) {
  const struct {
    std::string text, shown;
  } cases[] = {
      {"a\x1b[31mred", "a\\x1b[31mred"},
      {"\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"},
      {"two\nlines\r\n", "two\\nlines\\r\\n"},
      {"tab\there", "tab\\there"},
      {std::string("nul\0", 4), "nul\\x00"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b"
       "31m",
       "\\u{9b}31m"},  // C1 CSI as UTF-8
      {"\x9b"
       "31m",
       "\\x9b31m"},  // and as a bare byte
      {"abc\xe2\x80\xae"
       "def",
       "abc\\u{202e}def"},                                 // right-to-left override
      {"\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}"},  // isolates
      {"\xd8\x9c", "\\u{61c}"},
      {"\xe2\x80\xa8", "\\u{2028}"},
      {"\xef\xbb\xbf", "\\u{feff}"},
      {"\xf3\xa0\x81\x81", "\\u{e0041}"},            // tag character
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // over U+10FFFF
      {"\xe2\x82", "\\xe2\\x82"},                    // cut short
  };
  for (const auto& c : cases) EXPECT_EQ(inert(c.text), c.shown);
}

TEST(Inert, NeverLetsAControlByteThroughWhateverComesIn) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? 0x80 + random() % 0x80 : random() % 0x100);
    for (const unsigned char c : inert(text)) ASSERT_TRUE(c >= 0x20 && c != 0x7f);
  }
}

TEST(Inert, CutsAtACharacterAndNeverExceedsTheCap) {
  EXPECT_EQ(inert("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(inert("abcdefghi", 8), "abcde...");
  EXPECT_EQ(inert("ab\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9), "ab\xe2\x82\xac...");
  EXPECT_EQ(inert("\x01\x02\x03", 8), "\\x01...");
  const std::string mixed = "a\xc3\xa9\x1b\xe2\x82\xac\xf0\x9f\x98\x80\nz";
  for (std::size_t cap = 0; cap < 30; ++cap) {
    const std::string out = inert(mixed, cap);
    EXPECT_LE(out.size(), cap);
    EXPECT_EQ(inert(out), out) << "a cut went through a character at cap " << cap;
  }
}

TEST(Inert, IsQuotedForMessages) {
  EXPECT_EQ(in_quotes("a\x1b"), "\"a\\x1b\"");
  EXPECT_EQ(in_quotes("abcdefghi", 8), "\"abcde...\"");
  EXPECT_EQ(in_quotes(std::string(200, 'a')).size(), 130u);
}

}  // namespace
}  // namespace batchrun
