#include "pool/retry.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace batchrun {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::hours(1)};

TEST(RetryPolicy, PausesAreAShareOfADoublingBound) {
  const RetryPolicy policy(milliseconds(50), std::chrono::seconds(60));
  EXPECT_EQ(policy.pause(0, 0.0), Duration::zero());
  EXPECT_EQ(policy.pause(1, 0.5), milliseconds(50));
  EXPECT_EQ(policy.pause(3, 0.5), milliseconds(200));
  EXPECT_EQ(policy.pause(30, 0.5), std::chrono::seconds(30));
  EXPECT_EQ(policy.pause(4'000'000'000U, 0.25), std::chrono::seconds(15));
}

// Random traffic: the retries of every minute against a plain count.
TEST(RetryBudget, NeverMoreThanTheShareOfAMinutesSendsPlusTheFreeOnes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    RetryBudget budget(0.1, 0.2);
    std::deque<TimePoint> sends, retries;
    TimePoint now = start;
    for (int i = 0; i < 4000; ++i) {
      now += milliseconds(random() % 100);
      budget.sent(now);
      sends.push_back(now);
      while (budget.ready_at(now) <= now) {
        budget.spend(now);
        retries.push_back(now);
      }
      while (sends.front() < now - std::chrono::seconds(61)) sends.pop_front();
      while (!retries.empty() && retries.front() < now - std::chrono::seconds(60)) retries.pop_front();
      ASSERT_LE(static_cast<double>(retries.size()), 0.1 * static_cast<double>(sends.size()) + 12)
          << "seed " << seed;
    }
    EXPECT_GE(retries.size(), 60U) << "the budget is not used";
  }
}

TEST(RetryBudget, AnEmptyBudgetComesBack) {
  RetryBudget budget(0.1, 1.0);
  for (int i = 0; i < 60; ++i) {
    ASSERT_LE(budget.ready_at(start), start) << i;
    budget.spend(start);
  }
  const TimePoint again = budget.ready_at(start);
  EXPECT_GT(again, start);
  EXPECT_LE(again, start + std::chrono::seconds(62));
  EXPECT_LE(budget.ready_at(again), again);
}

TEST(RetryBudget, NothingFreeAndNothingSentIsLookedAtAgain) {
  RetryBudget budget(0.1, 0);
  EXPECT_GT(budget.ready_at(start), start);
  EXPECT_LT(budget.ready_at(start), start + std::chrono::minutes(2));
}

}  // namespace
}  // namespace batchrun
