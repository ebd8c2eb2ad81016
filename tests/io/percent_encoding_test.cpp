#include "io/percent_encoding.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace batchrun {
namespace {

std::string encoded(std::string_view text) {
  std::string out;
  append_percent_encoded(out, text);
  return out;
}

TEST(PercentEncoding, LeavesOnlyWhatIsSafeInAUrl) {
  EXPECT_EQ(encoded("Az09-._~"), "Az09-._~");
  EXPECT_EQ(encoded("caf\xC3\xA9 & bar?=#/%+"), "caf%C3%A9%20%26%20bar%3F%3D%23%2F%25%2B");
  EXPECT_EQ(encoded("a\r\nHost: x"), "a%0D%0AHost%3A%20x");
  EXPECT_EQ(encoded(""), "");
}

// Every byte comes back by the rule a server reads it by.
TEST(PercentEncoding, LosesNoByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const std::string out = encoded(text);
    if (out.size() == 1) {
      EXPECT_EQ(out, text);
      continue;
    }
    unsigned value = 0;
    ASSERT_EQ(std::sscanf(out.c_str(), "%%%2X", &value), 1);  // NOLINT(cert-err34-c)
    EXPECT_EQ(out.size(), 3u);
    EXPECT_EQ(value, static_cast<unsigned>(byte));
  }
}

TEST(PercentEncoding, InPlaceIsTheSame) {
  for (const std::string_view secret : {"", "plain", "a/b+c==", "100%", "\x01&\xFF"}) {
    std::string text = "key=&";
    const std::size_t start = text.size();
    text += secret;
    percent_encode_from(text, start);
    EXPECT_EQ(text, "key=&" + encoded(secret));
  }
}

}  // namespace
}  // namespace batchrun
