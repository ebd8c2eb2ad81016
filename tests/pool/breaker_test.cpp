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
    for (const RowId row : {a, b, c}) breaker.failed(row, start, 3);
  }
  PoolSettings settings;
  Breaker breaker{settings};
};

TEST_F(BreakerOf3, OpensOnTheThirdFailureInARow) {
  EXPECT_TRUE(breaker.failed(a, start, 3));
  EXPECT_TRUE(breaker.failed(b, start, 3));
  breaker.succeeded(c);
  EXPECT_TRUE(breaker.failed(a, start, 3));
  EXPECT_TRUE(breaker.failed(b, start, 3));
  EXPECT_TRUE(breaker.closed());
  EXPECT_TRUE(breaker.failed(c, start, 3));
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
    EXPECT_FALSE(breaker.failed(d, now, 3)) << "a probe burns no attempt";
  }
  breaker.sent(d);
  breaker.succeeded(d);
  EXPECT_TRUE(breaker.closed());
  for (const RowId row : {a, b, c}) breaker.failed(row, now, 3);
  EXPECT_EQ(breaker.ready_at(), now + seconds(1)) << "starts over after a success";
}

TEST_F(BreakerOf3, LateFailuresOfEarlierAttemptsDoNotLengthenIt) {
  open();
  EXPECT_TRUE(breaker.failed(d, start + seconds(1), 3));
  EXPECT_EQ(breaker.ready_at(), start + seconds(1));
  breaker.sent(a);
  EXPECT_TRUE(breaker.failed(d, start + seconds(1), 3));
  EXPECT_TRUE(breaker.probing());
}

TEST_F(BreakerOf3, AProbesFailureCountsForTheRowThatAloneFailed) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(breaker.failed(a, start, 3));
  breaker.sent(a);
  EXPECT_TRUE(breaker.failed(a, start + seconds(1), 3));
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

TEST_F(BreakerOf3, ASecond401CountsIfItIsTheProbes) {
  EXPECT_FALSE(breaker.refused(a, start));
  EXPECT_TRUE(breaker.suspected());
  EXPECT_EQ(breaker.suspected_since(), start);
  EXPECT_EQ(breaker.ready_at(), start + seconds(5));
  EXPECT_FALSE(breaker.refused(b, start + seconds(1))) << "was in flight";
  breaker.sent(c);
  EXPECT_TRUE(breaker.refused(c, start + seconds(6)));
  breaker.retire();
  EXPECT_EQ(breaker.ready_at(), never);
  breaker.succeeded(b);
  EXPECT_TRUE(breaker.retired());
  EXPECT_FALSE(breaker.refused(d, start + seconds(7)));
}

TEST_F(BreakerOf3, ADoubted401IsProbedAgainWithGrowingPauses) {
  breaker.refused(a, start);
  TimePoint now = start + seconds(5);
  for (const int wait_s : {10, 20, 40, 60, 60}) {
    breaker.sent(c);
    ASSERT_TRUE(breaker.refused(c, now));
    breaker.doubt(now);
    ASSERT_EQ(breaker.ready_at(), now + seconds(wait_s));
    now = breaker.ready_at();
  }
  EXPECT_EQ(breaker.suspected_since(), start);
  breaker.pardon();
  EXPECT_TRUE(breaker.closed());
}

TEST_F(BreakerOf3, AForgivenFailureClosesACircuitThatItOpened) {
  breaker.failed(a, start, 3);
  const std::uint32_t streak = breaker.streak();
  breaker.failed(b, start, 3);
  breaker.failed(c, start, 3);
  EXPECT_TRUE(breaker.ejected());
  EXPECT_EQ(breaker.streak(), streak);
  breaker.forgive(streak);
  EXPECT_TRUE(breaker.closed());
  EXPECT_NE(breaker.streak(), streak);
  for (const RowId row : {a, b}) breaker.failed(row, start, 3);
  breaker.forgive(streak);
  breaker.failed(d, start, 3);
  EXPECT_FALSE(breaker.closed()) << "what is over cannot be forgiven";
}

TEST_F(BreakerOf3, IsProbedAtLeastOnceInEveryHealthCheckInterval) {
  settings.health_check_interval = seconds(10);
  open();
  TimePoint now = start;
  for (const int wait_s : {1, 2, 4, 8, 10, 10}) {
    ASSERT_EQ(breaker.ready_at(), now + seconds(wait_s));
    now = breaker.ready_at();
    breaker.sent(d);
    breaker.failed(d, now, 3);
  }
}

TEST_F(BreakerOf3, ALongFirstPauseIsObeyedWhateverTheHealthCheckInterval) {
  settings.open_first = settings.open_max = seconds(300);
  open();
  breaker.sent(d);
  breaker.failed(d, start + seconds(300), 3);
  EXPECT_EQ(breaker.ready_at(), start + seconds(600));
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
  breaker.failed(b, start + seconds(5), 3);
  EXPECT_FALSE(breaker.retired());
  EXPECT_EQ(breaker.ready_at(), start + seconds(10));
}

}  // namespace
}  // namespace batchrun
