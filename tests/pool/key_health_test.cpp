#include "pool/key_health.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};

TEST(KeyHealth, FallsWithFaultsAndRisesWithGoodAnswers) {
  KeyHealth health(minutes(5));
  EXPECT_EQ(health.score(start), 100);
  double before = 100;
  for (int i = 0; i < 100; ++i) {
    health.bad(start);
    EXPECT_LT(health.score(start), before);
    before = health.score(start);
  }
  EXPECT_GE(before, 0);
  EXPECT_LT(before, 1);
  for (int i = 0; i < 100; ++i) {
    health.good();
    EXPECT_GT(health.score(start), before);
    before = health.score(start);
  }
  EXPECT_LE(before, 100);
  EXPECT_GT(before, 99);
}

TEST(KeyHealth, OneFaultIsForgottenAfterFourGoodAnswers) {
  KeyHealth health(minutes(5));
  health.bad(start);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(health.degraded(start));
    health.good();
  }
  EXPECT_FALSE(health.degraded(start));
}

TEST(KeyHealth, RecoversAfterFiveMinutesWithoutAFault) {
  KeyHealth health(minutes(5));
  for (int i = 0; i < 10; ++i) health.bad(start);
  health.bad(start + seconds(10));
  EXPECT_TRUE(health.degraded(start + seconds(10) + minutes(5) - seconds(1)));
  const TimePoint recovered = start + seconds(10) + minutes(5);
  EXPECT_EQ(health.score(recovered), 100);
  EXPECT_FALSE(health.degraded(recovered));
  health.bad(recovered);
  EXPECT_GT(health.score(recovered), 90) << "what is long ago does not come back with the next fault";
}

}  // namespace
}  // namespace batchrun
