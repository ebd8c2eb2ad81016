#include "pool/ramp.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};

// Units sent in [from, to) by somebody who sends one whenever it may.
int sent(Ramp& ramp, TimePoint from, TimePoint to) {
  int units = 0;
  for (TimePoint now = from; now < to; now += milliseconds(1)) {
    if (ramp.ready_at(now) > now) continue;
    ramp.take(1, now);
    ++units;
  }
  return units;
}

TEST(Ramp, ClimbsFromAQuarterToTheWholeLimit) {
  Ramp ramp(100, minutes(1));
  const int first = sent(ramp, start, start + seconds(10));
  EXPECT_GE(first, 300);
  EXPECT_LE(first, 345) << "a quarter and a little more, and a second's worth at once";
  EXPECT_NEAR(sent(ramp, start + seconds(10), start + seconds(50)), 40 * 100 * 0.625, 50);
  EXPECT_NEAR(sent(ramp, start + seconds(50), start + seconds(60)), 10 * 100 * 0.9375, 20);
  EXPECT_EQ(sent(ramp, start + seconds(60), start + seconds(61)), 1000) << "holds back nothing any more";
}

TEST(Ramp, StartsOverAfterAPauseAndNotBefore) {
  Ramp ramp(100, minutes(1));
  sent(ramp, start, start + minutes(1) + seconds(1));
  const TimePoint later = start + minutes(2);
  EXPECT_EQ(sent(ramp, later, later + seconds(1)), 1000) << "is still warm";
  EXPECT_LE(sent(ramp, later + minutes(2), later + minutes(2) + seconds(1)), 60);
}

TEST(Ramp, WhoWasWarmInAnEarlierRunIsWarm) {
  Ramp warm(100, minutes(1), start - seconds(20));
  EXPECT_EQ(sent(warm, start, start + seconds(1)), 1000);
  Ramp cold(100, minutes(1), start - minutes(2));
  EXPECT_LE(sent(cold, start, start + seconds(1)), 60);
}

TEST(Ramp, ALargeRequestIsPaidOffBeforeTheNext) {
  Ramp ramp(100, minutes(1));
  ramp.take(500, start);
  EXPECT_GT(ramp.ready_at(start), start + seconds(15));
}

}  // namespace
}  // namespace batchrun
