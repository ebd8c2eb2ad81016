#include "pool/day_limit.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace batchrun {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr TimePoint start{hours(1)};

// 1 October 2026, 06:00 UTC, an hour before midnight in California.
constexpr std::chrono::sys_seconds evening =
    std::chrono::sys_days(std::chrono::year(2026) / 10 / 1) + hours(6);

TEST(DayLimit, ARollingDayGivesBackWhatIsADayOld) {
  DayLimit limit(Dimension::requests_per_day, 10, {});
  limit.count(6, start, start);
  limit.count(4, start + hours(3), start + hours(3));
  EXPECT_EQ(limit.room(start + hours(4)), 0);
  const TimePoint when = limit.ready_at(5, start + hours(4));
  EXPECT_GE(when, start + hours(24));
  EXPECT_LE(when, start + hours(24) + minutes(5));
  EXPECT_EQ(limit.room(when), 6);
  EXPECT_EQ(limit.ready_at(11, start), never);
}

TEST(DayLimit, ACalendarDayGivesBackAllAtItsTurn) {
  DayLimit limit(Dimension::tokens_per_day, 1000, {DayRule::pacific_midnight, evening - hours(1)});
  limit.count(900, start, start);
  EXPECT_EQ(limit.ready_at(100, start), start);
  EXPECT_EQ(limit.ready_at(101, start), start + hours(1));
  EXPECT_EQ(limit.spent_until(), start + hours(1));
  EXPECT_EQ(limit.room(start + hours(1)), 1000);
  EXPECT_EQ(limit.used_at(start + hours(1)), 0);
  EXPECT_EQ(limit.ready_at(1, start + hours(1)), start + hours(1));
  EXPECT_EQ(limit.spent_until(), start + hours(1)) << "is kept";
  limit.count(-300, start, start + hours(2));  // of yesterday: nothing to give back
  EXPECT_EQ(limit.room(start + hours(2)), 1000);
  limit.count(1000, start + hours(2), start + hours(2));
  EXPECT_EQ(limit.ready_at(1, start + hours(2)), start + hours(25));
}

// A plain list of what was sent as the oracle.
TEST(DayLimit, AgreesWithAListOverRandomUse) {
  std::mt19937 random(4);
  for (int round = 0; round < 20; ++round) {
    DayLimit limit(Dimension::tokens_per_day, 5000, {});
    std::deque<std::pair<TimePoint, double>> sent;
    TimePoint now = start;
    for (int step = 0; step < 500; ++step) {
      now += minutes(random() % 40);
      const double units = 1 + static_cast<double>(random() % 600);
      double strict = 0, lenient = 0;
      for (const auto& [at, was] : sent) {
        strict += at > now - hours(24) ? was : 0;
        lenient += at > now - hours(24) - minutes(5) ? was : 0;
      }
      ASSERT_LE(limit.room(now), 5000 - strict);
      ASSERT_GE(limit.room(now), 5000 - lenient);
      const TimePoint when = limit.ready_at(units, now);
      ASSERT_EQ(when <= now, limit.room(now) >= units);
      if (when > now) continue;
      limit.count(units, now, now);
      sent.emplace_back(now, units);
    }
  }
}

TEST(DayLimit, AbsorbsAnotherWithTheLowerLimitAndBothUses) {
  for (const Calendar& calendar : {Calendar{}, Calendar{DayRule::pacific_midnight, evening}}) {
    DayLimit ours(Dimension::requests_per_day, 20, calendar),
        theirs(Dimension::requests_per_day, 10, calendar);
    ours.count(3, start, start);
    theirs.count(4, start, start);
    ours.absorb(theirs, start + minutes(1));
    EXPECT_EQ(ours.limit(), 10);
    EXPECT_EQ(ours.room(start + minutes(1)), 3);
  }
}

}  // namespace
}  // namespace batchrun
