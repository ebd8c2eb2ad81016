#include "pool/limit_search.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};

TEST(LimitSearch, StartsSlowlyAndDoubles) {
  LimitSearch search;
  EXPECT_TRUE(search.starting());
  EXPECT_EQ(search.limit(start), 60);
  EXPECT_EQ(search.limit(start + seconds(4)), 60);
  EXPECT_EQ(search.limit(start + seconds(5)), 120);
  EXPECT_EQ(search.limit(start + seconds(20)), 960);
  EXPECT_EQ(search.limit(start + std::chrono::hours(3)), 60 * 65536.0);
}

TEST(LimitSearch, ComesBackToWhatWasRefusedAndGoesOnFromThere) {
  LimitSearch search;
  search.limit(start);
  TimePoint now = start + seconds(23);
  search.refused(600, now);
  EXPECT_FALSE(search.starting());
  EXPECT_NEAR(search.limit(now), 420, 1);
  EXPECT_NEAR(search.limit(now + seconds(30)), 577.5, 1);  // most of the way in half the time
  EXPECT_NEAR(search.limit(now + seconds(60)), 600, 1);
  EXPECT_GT(search.limit(now + seconds(120)), 700);
  double last = 0;
  for (int s = 0; s < 300; ++s) {
    EXPECT_GE(search.limit(now + seconds(s)), last);
    last = search.limit(now + seconds(s));
  }
}

TEST(LimitSearch, TwoRefusalsCloseToEachOtherSettleIt) {
  LimitSearch search;
  TimePoint now = start;
  search.refused(600, now);
  search.refused(100, now + seconds(1));  // of the same event
  EXPECT_NEAR(search.limit(now + seconds(60)), 600, 1);
  now += seconds(58);
  search.refused(620, now);
  EXPECT_TRUE(search.settled());
  EXPECT_NEAR(search.limit(now), 582, 1);
  EXPECT_NEAR(search.limit(now + minutes(2)), 606, 1);  // 1 % a minute after the first
  now += minutes(2);
  search.refused(400, now);  // that is far below: it has changed
  EXPECT_FALSE(search.settled());
  EXPECT_NEAR(search.limit(now), 280, 1);
}

TEST(LimitSearch, NeverGoesOverWhatItWasTold) {
  LimitSearch search = LimitSearch::below(600, start);
  EXPECT_NEAR(search.limit(start), 420, 1);
  EXPECT_FALSE(search.recovered(start + seconds(59)));
  EXPECT_EQ(search.limit(start + minutes(9)), 600);
  EXPECT_TRUE(search.recovered(start + seconds(60)));
  search.refused(300, start + seconds(10));
  EXPECT_FALSE(search.recovered(start + seconds(90)));
  EXPECT_NEAR(search.limit(start + seconds(70)), 300, 1);
  EXPECT_EQ(search.limit(start + minutes(9)), 600);
}

TEST(LimitSearch, KeepsAtLeastOneAMinute) {
  LimitSearch search = LimitSearch::below(1, start);
  for (int i = 1; i < 20; ++i) search.refused(0, start + seconds(3 * i));
  EXPECT_GE(search.limit(start + seconds(60)), 1);
}

TEST(LimitSearch, GoesOnFromWhatAnEarlierOneFound) {
  LimitSearch search = LimitSearch::around(600);
  EXPECT_FALSE(search.starting());
  EXPECT_TRUE(search.settled());
  EXPECT_NEAR(search.limit(start), 582, 1);
  EXPECT_NEAR(search.limit(start + minutes(1)), 600, 1);
  EXPECT_NEAR(search.limit(start + minutes(11)), 660, 1);
  search.refused(605, start + minutes(11));
  EXPECT_TRUE(search.settled());
  EXPECT_NEAR(search.limit(start + minutes(12)), 605, 1);
}

// Somebody else may have used up the server's first window: that says nothing of the limit, so it is soon
// looked for again.
TEST(LimitSearch, ComesUpAgainSoonWhereTheFirstRequestsWereRefused) {
  LimitSearch search;
  search.limit(start);
  search.refused(0, start + seconds(1));
  EXPECT_LE(search.limit(start + seconds(61)), 2);
  EXPECT_LE(search.limit(start + seconds(121)), 60) << "no faster than it began";
  EXPECT_GE(search.limit(start + minutes(4)), 300);
  EXPECT_GE(search.limit(start + minutes(6)), 1200);
}

}  // namespace
}  // namespace batchrun
