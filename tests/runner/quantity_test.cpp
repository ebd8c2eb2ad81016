#include "runner/quantity.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

TEST(Quantity, ReadsDurations) {
  EXPECT_EQ(parse_duration("200ms"), milliseconds(200));
  EXPECT_EQ(parse_duration("30s"), milliseconds(30'000));
  EXPECT_EQ(parse_duration("5m"), minutes(5));
  EXPECT_EQ(parse_duration("24h"), hours(24));
  EXPECT_EQ(parse_duration("7d"), hours(168));
  EXPECT_EQ(parse_duration("1h30m"), minutes(90));
  EXPECT_EQ(parse_duration("1.5s"), milliseconds(1500));
  EXPECT_EQ(parse_duration("0s"), Duration::zero());
  for (const char* bad : {"", "30", "s", "-1s", "+1s", "1 s", "1e3s", "1m1h", "5m5m", "1..2s", ".5s", "nan",
                          "infs", "30sec", "99999999999h", "1h ", "0x1s"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(Quantity, ReadsSizes) {
  EXPECT_EQ(parse_size("32MiB"), 32u << 20);
  EXPECT_EQ(parse_size("64KiB"), 65536u);
  EXPECT_EQ(parse_size("1GiB"), 1u << 30);
  EXPECT_EQ(parse_size("10MB"), 10'000'000u);
  EXPECT_EQ(parse_size("1000"), 1000u);
  EXPECT_EQ(parse_size("1.5KiB"), 1536u);
  for (const char* bad : {"", "MiB", "-1", "1.5", "1mib", "32 MiB", "1e9", "99999999999GiB"}) {
    EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
  }
}

TEST(Quantity, ReadsPercentagesAndCounts) {
  EXPECT_EQ(parse_percent("5%"), 0.05);
  EXPECT_EQ(parse_percent("5"), 0.05);
  EXPECT_EQ(parse_percent("100%"), 1.0);
  for (const char* bad : {"", "%", "0", "0%", "101", "-5%", "5%%", "five"})
    EXPECT_EQ(parse_percent(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_count("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", "-1", "+1", "1.0", "18446744073709551616", "1,000", " 1"}) {
    EXPECT_EQ(parse_count(bad), std::nullopt) << bad;
  }
}

TEST(Quantity, WritesWhatPeopleRead) {
  EXPECT_EQ(format_duration(milliseconds(340)), "340 ms");
  EXPECT_EQ(format_duration(milliseconds(9'940)), "9.9 s");
  EXPECT_EQ(format_duration(milliseconds(12'300)), "12 s");
  EXPECT_EQ(format_duration(milliseconds(95'000)), "1m 35s");
  EXPECT_EQ(format_duration(minutes(125)), "2h 05m");
  EXPECT_EQ(format_duration(hours(76)), "3d 04h");
  EXPECT_EQ(format_duration(-milliseconds(5)), "0 ms");
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'000), "1,000");
  EXPECT_EQ(format_count(12'345'678), "12,345,678");
  EXPECT_EQ(format_rows(0), "0 rows");
  EXPECT_EQ(format_rows(1), "1 row");
  EXPECT_EQ(format_rows(1'000), "1,000 rows");
  EXPECT_EQ(format_short(950), "950");
  EXPECT_EQ(format_short(61.24), "61.2");
  EXPECT_EQ(format_short(999.9), "1.00k");
  EXPECT_EQ(format_short(512'345), "512k");
  EXPECT_EQ(format_short(1'234'567), "1.23M");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(32u << 20), "32.0 MiB");
}

TEST(Quantity, ReadsDollars) {
  EXPECT_EQ(parse_dollars("2.50"), 2.5);
  EXPECT_EQ(parse_dollars("$0"), 0.0);
  EXPECT_EQ(parse_dollars("3USD"), 3.0);
  for (const char* wrong : {"", "$", "-1", "1e9", "2 .5", "EUR", "5%", "nan", "inf"})
    EXPECT_FALSE(parse_dollars(wrong)) << wrong;
}

}  // namespace
}  // namespace batchrun
