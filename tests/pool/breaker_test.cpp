#include "pool/breaker.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};
constexpr RowId a{1}, b{2}, c{3}, d{4};

class BreakerOf3 : public testing::Test {
 protected:
  void open() {
    for (const RowId row : {a, b, c}) breaker.failed(row, start);
  }
  PoolSettings settings;
  Breaker breaker{settings};
};

TEST_F(BreakerOf3, OpensOnTheThirdFailureInARow) {
  EXPECT_TRUE(breaker.failed(a, start));
  EXPECT_TRUE(breaker.failed(b, start));
  breaker.succeeded(c);
  EXPECT_TRUE(breaker.failed(a, start));
  EXPECT_TRUE(breaker.failed(b, start));
  EXPECT_TRUE(breaker.closed());
  EXPECT_TRUE(breaker.failed(c, start));
  EXPECT_FALSE(breaker.closed());
  EXPECT_EQ(breaker.ready_at(), start + seconds(1));
}

TEST_F(BreakerOf3, ProbesOneAtATimeAfterOneTwoFourUpToSixtySeconds) {
  open();
  TimePoint now = start;
  for (const int wait_s : {1, 2, 4, 8, 16, 32, 60, 60}) {
    ASSERT_EQ(breaker.ready_at(), now + seconds(wait_s));
    now = breaker.ready_at();
    breaker.sent(d);
    ASSERT_EQ(breaker.ready_at(), never);
    EXPECT_FALSE(breaker.failed(d, now)) << "a probe burns no attempt";
  }
  breaker.sent(d);
  breaker.succeeded(d);
  EXPECT_TRUE(breaker.closed());
  for (const RowId row : {a, b, c}) breaker.failed(row, now);
  EXPECT_EQ(breaker.ready_at(), now + seconds(1)) << "starts over after a success";
}

TEST_F(BreakerOf3, LateFailuresOfEarlierAttemptsDoNotLengthenIt) {
  open();
  EXPECT_TRUE(breaker.failed(d, start + seconds(1)));
  EXPECT_EQ(breaker.ready_at(), start + seconds(1));
  breaker.sent(a);
  EXPECT_TRUE(breaker.failed(d, start + seconds(1)));
  EXPECT_TRUE(breaker.probing());
}

TEST_F(BreakerOf3, AProbesFailureCountsForTheRowThatAloneFailed) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(breaker.failed(a, start));
  breaker.sent(a);
  EXPECT_TRUE(breaker.failed(a, start + seconds(1)));
}

TEST_F(BreakerOf3, AnAnswerOfAnyKindClosesItIfItIsTheProbes) {
  open();
  breaker.answered(d);
  EXPECT_FALSE(breaker.closed());
  breaker.sent(d);
  breaker.answered(d);
  EXPECT_TRUE(breaker.closed());
}

TEST_F(BreakerOf3, ACancelledProbeMayBeRepeatedAtOnce) {
  open();
  breaker.sent(d);
  breaker.abandoned(d, start + seconds(3));
  EXPECT_EQ(breaker.ready_at(), start + seconds(3));
}

TEST_F(BreakerOf3, ASecond401OfTheProbeRetires) {
  breaker.refused(a, start);
  EXPECT_TRUE(breaker.suspected());
  EXPECT_EQ(breaker.ready_at(), start + seconds(5));
  breaker.refused(b, start + seconds(1));  // was in flight
  EXPECT_FALSE(breaker.retired());
  breaker.sent(c);
  breaker.refused(c, start + seconds(6));
  EXPECT_TRUE(breaker.retired());
  EXPECT_EQ(breaker.ready_at(), never);
  breaker.succeeded(b);
  EXPECT_TRUE(breaker.retired());
}

TEST_F(BreakerOf3, AGoodProbeClearsThe401ButALateAnswerDoesNot) {
  breaker.refused(a, start);
  breaker.succeeded(b);
  EXPECT_TRUE(breaker.suspected());
  breaker.sent(c);
  breaker.succeeded(c);
  EXPECT_TRUE(breaker.closed());
  EXPECT_FALSE(breaker.suspected());
}

TEST_F(BreakerOf3, AFailedProbeOfASuspectIsRepeatedAndRetiresNothing) {
  breaker.refused(a, start);
  breaker.sent(b);
  breaker.failed(b, start + seconds(5));
  EXPECT_FALSE(breaker.retired());
  EXPECT_EQ(breaker.ready_at(), start + seconds(10));
}

}  // namespace
}  // namespace batchrun
