#include "pool/provider_day.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace batchrun {
namespace {

using namespace std::chrono;

sys_seconds at(std::int64_t unix_time) {
  return sys_seconds(std::chrono::seconds(unix_time));
}

struct OddDay {
  std::int64_t begins;  // unix time of its midnight
  int hours;
  bool operator==(const OddDay&) const = default;
};

// Every Pacific day of 2007 to 2040 that has not 24 hours. Source: the IANA time zone database, by Python's
// zoneinfo: midnights of America/Los_Angeles.
constexpr std::int64_t first_midnight = 1167638400, last_midnight = 2240640000;  // 1 January 2007 and 2041
const std::vector<OddDay> odd_days{
    {1173600000, 23}, {1194159600, 25}, {1205049600, 23}, {1225609200, 25}, {1236499200, 23},
    {1257058800, 25}, {1268553600, 23}, {1289113200, 25}, {1300003200, 23}, {1320562800, 25},
    {1331452800, 23}, {1352012400, 25}, {1362902400, 23}, {1383462000, 25}, {1394352000, 23},
    {1414911600, 25}, {1425801600, 23}, {1446361200, 25}, {1457856000, 23}, {1478415600, 25},
    {1489305600, 23}, {1509865200, 25}, {1520755200, 23}, {1541314800, 25}, {1552204800, 23},
    {1572764400, 25}, {1583654400, 23}, {1604214000, 25}, {1615708800, 23}, {1636268400, 25},
    {1647158400, 23}, {1667718000, 25}, {1678608000, 23}, {1699167600, 25}, {1710057600, 23},
    {1730617200, 25}, {1741507200, 23}, {1762066800, 25}, {1772956800, 23}, {1793516400, 25},
    {1805011200, 23}, {1825570800, 25}, {1836460800, 23}, {1857020400, 25}, {1867910400, 23},
    {1888470000, 25}, {1899360000, 23}, {1919919600, 25}, {1930809600, 23}, {1951369200, 25},
    {1962864000, 23}, {1983423600, 25}, {1994313600, 23}, {2014873200, 25}, {2025763200, 23},
    {2046322800, 25}, {2057212800, 23}, {2077772400, 25}, {2088662400, 23}, {2109222000, 25},
    {2120112000, 23}, {2140671600, 25}, {2152166400, 23}, {2172726000, 25}, {2183616000, 23},
    {2204175600, 25}, {2215065600, 23}, {2235625200, 25},
};

TEST(ProviderDay, PacificDaysFollowEachOtherWithTheOddOnesOfTheDatabase) {
  std::vector<OddDay> odd;
  sys_seconds begins = at(first_midnight);
  while (begins < at(last_midnight)) {
    const ProviderDay day = provider_day(DayRule::pacific_midnight, begins);
    ASSERT_EQ(day.begins, begins) << "a midnight belongs to the day it begins";
    if (day.turns - day.begins != hours(24)) {
      odd.push_back({begins.time_since_epoch().count(),
                     static_cast<int>(duration_cast<hours>(day.turns - day.begins).count())});
    }
    ASSERT_GT(day.turns, begins);
    begins = day.turns;
  }
  EXPECT_EQ(begins, at(last_midnight));
  EXPECT_EQ(odd, odd_days);
}

TEST(ProviderDay, EveryHourIsInTheDayThatHoldsIt) {
  for (const DayRule rule : {DayRule::pacific_midnight, DayRule::utc_midnight}) {
    ProviderDay day = provider_day(rule, at(first_midnight));
    for (sys_seconds hour = at(first_midnight); hour < at(first_midnight) + days(4 * 365); hour += hours(1)) {
      for (const sys_seconds now : {hour, hour + std::chrono::seconds(3599)}) {
        if (now >= day.turns) day = provider_day(rule, day.turns);
        const ProviderDay found = provider_day(rule, now);
        ASSERT_EQ(found.begins, day.begins) << now.time_since_epoch().count();
        ASSERT_EQ(found.turns, day.turns) << now.time_since_epoch().count();
        ASSERT_TRUE(found.begins <= now && now < found.turns);
      }
    }
  }
}

TEST(ProviderDay, KnownMomentsOfThePacificDay) {
  struct Known {
    const char* what;
    sys_seconds now, begins;
    hours length;
  };
  const std::array<Known, 6> table{{
      {"a winter's day", sys_days(2026y / January / 15) + 12h, sys_days(2026y / January / 15) + 8h, 24h},
      {"a winter's evening, tomorrow in UTC", sys_days(2026y / January / 16) + 7h + 59min + 59s,
       sys_days(2026y / January / 15) + 8h, 24h},
      {"a summer's first second", sys_days(2026y / July / 4) + 7h, sys_days(2026y / July / 4) + 7h, 24h},
      {"the short day", sys_days(2026y / March / 8) + 10h, sys_days(2026y / March / 8) + 8h, 23h},
      {"the long day's last second", sys_days(2026y / November / 2) + 7h + 59min + 59s,
       sys_days(2026y / November / 1) + 7h, 25h},
      {"the day after the long one", sys_days(2026y / November / 2) + 8h, sys_days(2026y / November / 2) + 8h,
       24h},
  }};
  for (const Known& known : table) {
    const ProviderDay day = provider_day(DayRule::pacific_midnight, known.now);
    EXPECT_EQ(day.begins, known.begins) << known.what;
    EXPECT_EQ(day.turns - day.begins, known.length) << known.what;
  }
}

TEST(ProviderDay, UtcDaysAreDates) {
  const ProviderDay day =
      provider_day(DayRule::utc_midnight, sys_days(2028y / February / 29) + 23h + 59min + 59s);
  EXPECT_EQ(day.begins, sys_days(2028y / February / 29));
  EXPECT_EQ(day.turns, sys_days(2028y / March / 1));
}

TEST(ProviderDay, ARollingDayIsTheLast24HoursAndIsOverIn24) {
  const sys_seconds now = sys_days(2026y / March / 8) + 10h + 5s;
  const ProviderDay day = provider_day(DayRule::rolling, now);
  EXPECT_EQ(day.begins, sys_days(2026y / March / 7) + 10h + 5s);
  EXPECT_EQ(day.turns, sys_days(2026y / March / 9) + 10h + 5s);
}

}  // namespace
}  // namespace batchrun
