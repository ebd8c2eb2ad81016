#include "io/ascii.h"

#include <gtest/gtest.h>

#include <string>

namespace batchrun {
namespace {

TEST(Ascii, ComparesWithoutCase) {
  EXPECT_TRUE(ascii::same("Retry-After", "retry-AFTER"));
  EXPECT_FALSE(ascii::same("Retry-After", "retry-after "));
  EXPECT_FALSE(ascii::same("@", "`"));  // 0x20 apart, but no letters
  EXPECT_TRUE(ascii::starts_with("Request too large for x", "request TOO"));
  EXPECT_FALSE(ascii::starts_with("Req", "request"));
}

// Every byte against every byte, at every place of a name long enough for each way of comparing.
TEST(Ascii, TellsEveryPairOfBytesApart) {
  const auto letter = [](int c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  for (const std::size_t place : {0u, 3u, 7u, 8u, 15u, 16u, 18u}) {
    std::string left(19, 'x'), right(19, 'X');
    for (int a = 0; a < 256; ++a) {
      for (int b = 0; b < 256; ++b) {
        left[place] = static_cast<char>(a);
        right[place] = static_cast<char>(b);
        const bool expected = a == b || (letter(a) && letter(b) && (a ^ b) == 0x20);
        ASSERT_EQ(ascii::same(left, right), expected) << a << " " << b << " at " << place;
      }
    }
  }
}

TEST(Ascii, FindsWithoutCase) {
  EXPECT_EQ(ascii::find("please Try Again", "try"), 7u);
  EXPECT_EQ(ascii::find("tr", "try"), std::string_view::npos);
  EXPECT_EQ(ascii::find("", "x"), std::string_view::npos);
  EXPECT_EQ(ascii::find("", ""), 0u);
  EXPECT_TRUE(ascii::contains("on tokens per min (TPM): Limit", "(tpm)"));
}

TEST(Ascii, TrimsJsonsWhiteSpace) {
  EXPECT_EQ(ascii::trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(ascii::trim(" \n "), "");
}

}  // namespace
}  // namespace batchrun
