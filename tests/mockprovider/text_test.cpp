#include "bench/mockprovider/text.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;

TEST(Text, GoDurationsAreWrittenAsProvidersDo) {
  const struct {
    Moment duration;
    const char* text;
  } cases[] = {{0s, "0s"},
               {-1s, "0s"},
               {1ns, "1ms"},
               {120ms, "120ms"},
               {1s, "1s"},
               {7660ms, "7.66s"},
               {6min, "6m0s"},
               {59s + 1ms, "59.001s"},
               {1h + 123500ms, "1h2m3.5s"},
               {25h, "25h0m0s"},
               {999ms, "999ms"},
               {999'000'001ns, "1s"}};
  for (const auto& c : cases) EXPECT_EQ(go_duration(c.duration), c.text);
}

TEST(Text, JsonStringsAreEscaped) {
  std::string out;
  append_json_string(out, std::string_view("a\"b\\c\n\t\x01h\xc3\xa9\0", 12));
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\n\\t\\u0001h\xc3\xa9\\u0000\"");
}

TEST(Text, DatesAreHttpDates) {
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(1445412480), "Wed, 21 Oct 2015 07:28:00 GMT");
}

TEST(Text, PrefixesKeepCodePointsWhole) {
  EXPECT_EQ(utf8_prefix("abc", 5), "abc");
  EXPECT_EQ(utf8_prefix("a\xc3\xa9", 2), "a");
  EXPECT_EQ(utf8_prefix("\xf0\x9f\x98\x80", 3), "");
  EXPECT_EQ(utf8_prefix("a\xc3\xa9z", 3), "a\xc3\xa9");
}

}  // namespace
}  // namespace batchrun::mock
