#include "pool/day_return.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using namespace std::chrono_literals;

constexpr sys_seconds noon = sys_days(2026y / 6 / 10) + hours(12);
constexpr TimePoint now{hours(1)};  // it is noon then
constexpr sys_seconds epoch = noon - hours(1);

TEST(DayReturn, IsWhenTheProviderSays) {
  EXPECT_EQ(day_returns_at({DayRule::utc_midnight, epoch}, hours(3), now), now + hours(3));
  EXPECT_EQ(day_returns_at({DayRule::utc_midnight, epoch}, hours(300), now), now + hours(25));
  EXPECT_EQ(day_returns_at({DayRule::rolling, epoch}, milliseconds(1), now), now + seconds(1));
}

TEST(DayReturn, ElseAFewSecondsAfterItsDayTurns) {
  EXPECT_EQ(day_returns_at({DayRule::utc_midnight, epoch}, {}, now), now + hours(12) + seconds(5));
  EXPECT_EQ(day_returns_at({DayRule::utc_midnight, epoch}, Duration(-1), now), now + hours(12) + seconds(5));
  EXPECT_EQ(day_returns_at({DayRule::pacific_midnight, epoch}, {}, now), now + hours(19) + seconds(5));
}

TEST(DayReturn, FollowsCaliforniaThroughBothChangesOfItsClocks) {
  const sys_seconds spring = sys_days(2026y / 3 / 8) + hours(18);  // turns on the 9th at 7:00 UTC
  EXPECT_EQ(day_returns_at({DayRule::pacific_midnight, spring - hours(1)}, {}, now),
            now + hours(13) + seconds(5));
  const sys_seconds autumn = sys_days(2026y / 11 / 1) + hours(18);  // turns on the 2nd at 8:00 UTC
  EXPECT_EQ(day_returns_at({DayRule::pacific_midnight, autumn - hours(1)}, {}, now),
            now + hours(14) + seconds(5));
}

TEST(DayReturn, RightAfterTheDayTurnedTheProvidersClockIsBehind) {
  const sys_seconds midnight = sys_days(2026y / 6 / 11);
  const sys_seconds before = midnight - hours(1);
  EXPECT_EQ(day_returns_at({DayRule::utc_midnight, before}, {}, now), now + minutes(1));
  EXPECT_EQ(day_returns_at({DayRule::utc_midnight, before}, {}, now - seconds(1)), now + seconds(5));
  EXPECT_EQ(day_returns_at({DayRule::utc_midnight, before}, {}, now + minutes(10)),
            now + hours(24) + seconds(5));
}

TEST(DayReturn, OfARollingDayIsAskedAgainAfterAQuarterOfAnHour) {
  EXPECT_EQ(day_returns_at({DayRule::rolling, epoch}, {}, now), now + minutes(15));
}

}  // namespace
}  // namespace batchrun
