#include "pool/spend.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace batchrun {
namespace {

using Verdict = Spend::Verdict;

TEST(Spend, WithoutLimitsEverythingGoes) {
  Spend spend({});
  EXPECT_EQ(spend.ask("ann", 1'000'000'000'000'000), Verdict::go);
  spend.let_in("ann", 10);
  spend.pay("ann", 7);
  spend.end("ann", 10);
  EXPECT_EQ(spend.spent(), 7);
}

TEST(Spend, TheRunsCapCountsWhatIsLetIn) {
  SpendLimits limits;
  limits.run = 100;
  Spend spend(limits);
  EXPECT_EQ(spend.ask("", 101), Verdict::run_limit);
  EXPECT_EQ(spend.ask("", 100), Verdict::go);
  spend.let_in("", 80);
  EXPECT_EQ(spend.ask("", 20), Verdict::go);
  EXPECT_EQ(spend.ask("", 21), Verdict::wait);
  spend.pay("", 30);
  spend.end("", 80);
  EXPECT_EQ(spend.ask("", 70), Verdict::go);
  EXPECT_EQ(spend.ask("", 71), Verdict::run_limit);
}

TEST(Spend, UsersHaveCapsOfTheirOwn) {
  SpendLimits limits;
  limits.each_user = 10;
  limits.users["vip"] = 1000;
  limits.users["boss"] = std::nullopt;
  Spend spend(limits);
  EXPECT_EQ(spend.ask("ann", 11), Verdict::user_limit);
  EXPECT_TRUE(spend.capped("ann") && spend.capped("vip"));
  EXPECT_FALSE(spend.capped("") || spend.capped("boss"));
  EXPECT_EQ(spend.ask("vip", 11), Verdict::go);
  EXPECT_EQ(spend.ask("boss", 1'000'000), Verdict::go);
  EXPECT_EQ(spend.ask("", 1'000'000), Verdict::go) << "nobody's rows have no user's cap";
  spend.let_in("ann", 6);
  EXPECT_EQ(spend.ask("ann", 6), Verdict::wait);
  EXPECT_EQ(spend.ask("bob", 6), Verdict::go);
  spend.pay("ann", 6);
  spend.end("ann", 6);
  EXPECT_EQ(spend.ask("ann", 4), Verdict::go);
  EXPECT_EQ(spend.ask("ann", 5), Verdict::user_limit);
}

// Whatever the order of rows and answers, no cap is overshot.
TEST(Spend, NeverOvershoots) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    SpendLimits limits;
    limits.run = 5000;
    limits.each_user = 900;
    Spend spend(limits);
    std::map<std::string, Picodollars> paid;
    Picodollars all = 0;
    struct Open {
      std::string user;
      Picodollars most;
    };
    std::deque<Open> open;
    for (int i = 0; i < 3000; ++i) {
      if (random() % 2 == 0) {
        const Open row{std::string(1, static_cast<char>('a' + random() % 6)),
                       1 + static_cast<Picodollars>(random() % 200)};
        if (spend.ask(row.user, row.most) != Verdict::go) continue;
        spend.let_in(row.user, row.most);
        open.push_back(row);
      } else if (!open.empty()) {
        const Open row = open.front();
        open.pop_front();
        const Picodollars cost = static_cast<Picodollars>(random()) % (row.most + 1);
        spend.pay(row.user, cost);
        spend.end(row.user, row.most);
        paid[row.user] += cost;
        all += cost;
      }
      ASSERT_LE(all, 5000) << "seed " << seed;
      for (const auto& [user, sum] : paid) ASSERT_LE(sum, 900) << user << " seed " << seed;
    }
    EXPECT_EQ(spend.spent(), all);
    EXPECT_GT(all, 4000) << "the cap is used, seed " << seed;
  }
}

}  // namespace
}  // namespace batchrun
