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

TEST(Text, DatesAsRfc3339) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(1'795'000'000), "2026-11-18T11:06:40Z");
}

// The turns of 2026 and 2027, from the published tables: 8 March and 14 March, 1 November and 7 November.
TEST(Text, CaliforniasClocksTurnWhenTheyDo) {
  const struct {
    std::int64_t unix_s;
    int hours;
  } cases[] = {
      {1'772'963'999, -8},  // 2026-03-08T09:59:59Z
      {1'772'964'000, -7},  // 2026-03-08T10:00:00Z
      {1'793'523'599, -7},  // 2026-11-01T08:59:59Z
      {1'793'523'600, -8},  // 2026-11-01T09:00:00Z
      {1'805'018'400, -7},  // 2027-03-14T10:00:00Z
      {1'825'577'999, -7},  // 2027-11-07T08:59:59Z
      {1'825'578'000, -8},
  };
  for (const auto& c : cases) EXPECT_EQ(pacific_offset_s(c.unix_s), c.hours * 3600) << c.unix_s;
}

TEST(Text, PercentSignsAreTakenBack) {
  EXPECT_EQ(percent_decoded("a%20b+c%2Bd"), "a b c+d");
  EXPECT_EQ(percent_decoded("caf%C3%A9"), "caf\xc3\xa9");
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%zz%4"), "%zz%4");
}

}  // namespace
}  // namespace batchrun::mock
