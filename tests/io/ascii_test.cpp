#include "io/ascii.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(Ascii, ComparesWithoutCase) {
  EXPECT_TRUE(ascii::same("Retry-After", "retry-AFTER"));
  EXPECT_FALSE(ascii::same("Retry-After", "retry-after "));
  EXPECT_FALSE(ascii::same("@", "`"));  // 0x20 apart, but no letters
  EXPECT_TRUE(ascii::starts_with("Request too large for x", "request TOO"));
  EXPECT_FALSE(ascii::starts_with("Req", "request"));
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
