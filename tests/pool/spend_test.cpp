#include "pool/spend.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <utility>

#include "tests/support/effort.h"

namespace batchrun {
namespace {

using namespace std::chrono;
using Verdict = Spend::Verdict;

constexpr sys_days today = 2026y / November / 22;
constexpr sys_days tomorrow = 2026y / November / 23;

// A run whose days are its own.
Spend alone(SpendLimits limits) {
  return Spend(std::move(limits), false);
}
SpendLimits cap_of_each(Picodollars cap) {
  SpendLimits limits;
  limits.each_user = cap;
  return limits;
}

TEST(Spend, WithoutLimitsEverythingGoes) {
  Spend spend = alone({});
  EXPECT_EQ(spend.ask({"ann", 1'000'000'000'000'000, today}), Verdict::go);
  spend.let_in({"ann", 10, today});
  spend.pay({"ann", 0, today}, 7);
  spend.end({"ann", 10, today});
  EXPECT_EQ(spend.spent(), 7);
}

TEST(Spend, TheRunsCapCountsWhatIsLetIn) {
  SpendLimits limits;
  limits.run = 100;
  Spend spend = alone(limits);
  EXPECT_EQ(spend.ask({"", 101, today}), Verdict::run_limit);
  EXPECT_EQ(spend.ask({"", 100, today}), Verdict::go);
  spend.let_in({"", 80, today});
  EXPECT_EQ(spend.ask({"", 20, today}), Verdict::go);
  EXPECT_EQ(spend.ask({"", 21, today}), Verdict::wait);
  spend.pay({"", 0, today}, 30);
  spend.end({"", 80, today});
  EXPECT_EQ(spend.ask({"", 70, today}), Verdict::go);
  EXPECT_EQ(spend.ask({"", 71, today}), Verdict::run_limit);
}

TEST(Spend, UsersHaveCapsOfTheirOwn) {
  SpendLimits limits;
  limits.each_user = 10;
  limits.users["vip"] = 1000;
  limits.users["boss"] = std::nullopt;
  Spend spend = alone(limits);
  EXPECT_EQ(spend.ask({"ann", 11, today}), Verdict::user_limit);
  EXPECT_TRUE(spend.capped("ann") && spend.capped("vip"));
  EXPECT_FALSE(spend.capped("") || spend.capped("boss"));
  EXPECT_EQ(spend.ask({"vip", 11, today}), Verdict::go);
  EXPECT_EQ(spend.ask({"boss", 1'000'000, today}), Verdict::go);
  EXPECT_EQ(spend.ask({"", 1'000'000, today}), Verdict::go) << "nobody's rows have no user's cap";
  spend.let_in({"ann", 6, today});
  EXPECT_EQ(spend.ask({"ann", 6, today}), Verdict::wait);
  EXPECT_EQ(spend.ask({"bob", 6, today}), Verdict::go);
  spend.pay({"ann", 0, today}, 6);
  spend.end({"ann", 6, today});
  EXPECT_EQ(spend.ask({"ann", 4, today}), Verdict::go);
  EXPECT_EQ(spend.ask({"ann", 5, today}), Verdict::user_limit);
}

// Whatever the order of rows and answers, no cap is overshot.
TEST(Spend, NeverOvershoots) {
  for (std::uint32_t seed = 0; seed < seeds_of(200); ++seed) {
    std::mt19937 random(seed);
    SpendLimits limits;
    limits.run = 5000;
    limits.each_user = 900;
    Spend spend = alone(limits);
    std::map<std::string, Picodollars> paid;
    Picodollars all = 0;
    std::deque<Stake> open;
    for (int i = 0; i < 3000; ++i) {
      if (random() % 2 == 0) {
        const Stake row{std::string(1, static_cast<char>('a' + random() % 6)),
                        1 + static_cast<Picodollars>(random() % 200), today};
        if (spend.ask(row) != Verdict::go) continue;
        spend.let_in(row);
        open.push_back(row);
      } else if (!open.empty()) {
        const Stake row = open.front();
        open.pop_front();
        const Picodollars cost = static_cast<Picodollars>(random()) % (row.most + 1);
        spend.pay(row, cost);
        spend.end(row);
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

TEST(Spend, ANewDayBeginsWithNothingSpent) {
  Spend spend = alone(cap_of_each(10));
  spend.let_in({"ann", 6, today});
  spend.let_in({"ann", 4, today});
  spend.pay({"ann", 6, today}, 6);
  spend.end({"ann", 6, today});
  EXPECT_EQ(spend.ask({"ann", 5, today}), Verdict::user_limit);
  EXPECT_EQ(spend.ask({"ann", 10, tomorrow}), Verdict::go);
  spend.let_in({"ann", 10, tomorrow});
  spend.pay({"ann", 4, today}, 4);  // what was let in yesterday is yesterday's
  spend.end({"ann", 4, today});
  spend.pay({"ann", 10, tomorrow}, 3);
  spend.end({"ann", 10, tomorrow});
  EXPECT_EQ(spend.ask({"ann", 7, tomorrow}), Verdict::go);
  EXPECT_EQ(spend.ask({"ann", 8, tomorrow}), Verdict::user_limit);
  EXPECT_EQ(spend.spent(), 13);
}

TEST(SharedSpend, ARowWaitsUntilItsPartOfTheDayIsGranted) {
  Spend spend(cap_of_each(100), true);
  const Stake row{"ann", 30, today};
  EXPECT_EQ(spend.ask(row), Verdict::wait);
  EXPECT_EQ(spend.ask(row), Verdict::wait);
  const std::vector<SpendClaim> claims = spend.take_claims(false);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].user, "ann");
  EXPECT_EQ(claims[0].day, today);
  EXPECT_EQ(claims[0].amount, 60) << "two rows wait";
  EXPECT_EQ(claims[0].cap, 100);
  EXPECT_EQ(spend.ask(row), Verdict::wait);
  EXPECT_TRUE(spend.take_claims(true).empty()) << "one question at a time";
  spend.grant({"ann", today, 40, 100});  // others have 60
  spend.forget_wants();
  EXPECT_EQ(spend.ask(row), Verdict::go);
  spend.let_in(row);
  EXPECT_EQ(spend.ask(row), Verdict::wait) << "it may yet cost less";
  spend.pay(row, 5);
  spend.end(row);
  EXPECT_EQ(spend.ask(row), Verdict::go) << "what is left of the grant does";
  EXPECT_EQ(spend.ask({"ann", 36, today}), Verdict::user_limit);
  const std::vector<SpendClaim> given_back = spend.take_claims(true);
  ASSERT_EQ(given_back.size(), 1u);
  EXPECT_EQ(given_back[0].amount, 5 - 40);
  EXPECT_FALSE(given_back[0].cap.has_value());
  EXPECT_TRUE(spend.take_claims(true).empty()) << "once";
  EXPECT_EQ(spend.ask(row), Verdict::wait) << "and has to be claimed again";
}

TEST(SharedSpend, ARowWaitsForWhatOtherRunsMayGiveBackAndNoLonger) {
  Spend spend(cap_of_each(100), true);
  const Stake row{"ann", 30, today};
  EXPECT_EQ(spend.ask(row), Verdict::wait);
  ASSERT_EQ(spend.take_claims(false).size(), 1u);
  spend.grant({"ann", today, 0, 100, 30});  // all of it is others', and they may yet give back 30
  spend.forget_wants();
  EXPECT_EQ(spend.ask({"ann", 31, today}), Verdict::user_limit);
  EXPECT_EQ(spend.ask(row), Verdict::wait);
  EXPECT_TRUE(spend.take_claims(false).empty()) << "asked now and then";
  const std::vector<SpendClaim> question = spend.take_claims(true);
  ASSERT_EQ(question.size(), 1u);
  EXPECT_EQ(question[0].amount, 0);
  EXPECT_EQ(question[0].cap, 100);
  spend.grant({"ann", today, 0, 60, 0});
  spend.forget_wants();
  EXPECT_EQ(spend.ask(row), Verdict::wait) << "to be claimed";
  ASSERT_EQ(spend.take_claims(false).size(), 1u);
  spend.grant({"ann", today, 0, 90, 0});  // somebody was faster, and has spent it
  spend.forget_wants();
  EXPECT_EQ(spend.ask(row), Verdict::user_limit);
}

// A search costs what it was taken for: there is nothing to give back, but others must know not to wait.
TEST(SharedSpend, TellsWhatIsSpentThoughNothingIsGivenBack) {
  Spend spend(cap_of_each(100), true);
  const Stake row{"ann", 30, today};
  EXPECT_EQ(spend.ask(row), Verdict::wait);
  EXPECT_EQ(spend.take_claims(true).size(), 1u);
  spend.grant({"ann", today, 30, 30, 0});
  EXPECT_EQ(spend.ask(row), Verdict::go);
  spend.let_in(row);
  spend.take_claims(true);
  spend.pay(row, 30);
  spend.end(row);
  const std::vector<SpendClaim> claims = spend.take_claims(true);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].amount, 0);
  EXPECT_EQ(claims[0].spent, 30);
  EXPECT_FALSE(claims[0].cap);
  EXPECT_TRUE(spend.take_claims(true).empty());
}

TEST(SharedSpend, WithoutTheLedgerTheRunGoesOnAlone) {
  Spend spend(cap_of_each(100), true);
  EXPECT_EQ(spend.ask({"ann", 30, today}), Verdict::wait);
  spend.go_on_alone();
  EXPECT_EQ(spend.ask({"ann", 30, today}), Verdict::go);
  EXPECT_TRUE(spend.take_claims(true).empty());
}

// Runs that share a ledger, some of which are killed: what rows cost that were let in never exceeds the cap
// of a day, what the ledger knows of a run that was killed is at least what its rows may have cost, and
// nobody waits for ever.
TEST(SharedSpend, NeverOvershootsWhoeverRunsAndWhoeverIsKilled) {
  constexpr Picodollars cap = 900;
  for (std::uint32_t seed = 0; seed < seeds_of(200); ++seed) {
    std::mt19937 random(seed);
    struct Run {
      Spend spend{cap_of_each(cap), true};
      std::deque<Stake> open;
      std::deque<SpendClaim> on_their_way;
      int number = 0;
    };
    using Who = std::pair<std::string, sys_days>;
    std::map<Who, std::map<int, std::pair<Picodollars, Picodollars>>> of_runs;  // claimed, spent
    int born = 0;
    std::deque<Run> runs(2);
    runs[1].number = ++born;
    std::map<std::pair<std::string, sys_days>, Picodollars> ledger, cost;
    sys_days day = today;
    const auto enter = [&](Run& run) {
      if (run.on_their_way.empty()) return;
      const SpendClaim claim = run.on_their_way.front();
      run.on_their_way.pop_front();
      Picodollars& sum = ledger[{claim.user, claim.day}];
      const Picodollars amount = claim.cap ? std::min(claim.amount, *claim.cap - sum) : claim.amount;
      sum += amount;
      ASSERT_TRUE(sum >= 0 && sum <= cap) << "seed " << seed;
      auto& [claimed, spent] = of_runs[{claim.user, claim.day}][run.number];
      claimed += amount;
      spent = claim.spent;
      ASSERT_LE(spent, claimed) << "seed " << seed;
      if (!claim.cap) return;
      Picodollars may_return = 0;
      for (const Run& other : runs) {
        const auto& [theirs, gone] = of_runs[{claim.user, claim.day}][other.number];
        if (other.number != run.number) may_return += theirs - gone;
      }
      run.spend.grant({claim.user, claim.day, amount, sum, may_return});
    };
    int let_in = 0;
    for (int i = 0; i < 4000; ++i) {
      Run& run = runs[random() % runs.size()];
      switch (random() % 5) {
        case 0: {
          const Stake row{std::string(1, static_cast<char>('a' + random() % 3)),
                          1 + static_cast<Picodollars>(random() % 200), day};
          if (run.spend.ask(row) != Verdict::go) break;
          run.spend.let_in(row);
          run.open.push_back(row);
          ++let_in;
          break;
        }
        case 1: {
          if (run.open.empty()) break;
          const Stake row = run.open.front();
          run.open.pop_front();
          const Picodollars spent = static_cast<Picodollars>(random()) % (row.most + 1);
          run.spend.pay(row, spent);
          run.spend.end(row);
          cost[{row.user, row.day}] += spent;
          break;
        }
        case 2:
          for (SpendClaim& claim : run.spend.take_claims(random() % 3 == 0))
            run.on_their_way.push_back(std::move(claim));
          break;
        case 3:
          enter(run);
          break;
        default:
          if (random() % 200 == 0) {  // killed: what was sent is billed all the same
            for (const Stake& row : run.open) cost[{row.user, row.day}] += row.most;
            run = Run();
            run.number = ++born;
          }
          if (random() % 300 == 0) day += days(1);
      }
      for (const auto& [who, sum] : cost) {
        ASSERT_LE(sum, cap) << "seed " << seed;
        ASSERT_LE(sum, ledger[who]) << "seed " << seed;
      }
    }
    EXPECT_GT(let_in, 10) << "seed " << seed;
    // Once all rows have ended, a row fits or does not: runs do not wait for each other.
    const auto talk = [&] {
      for (Run& run : runs) {
        for (SpendClaim& claim : run.spend.take_claims(true)) run.on_their_way.push_back(std::move(claim));
      }
      for (Run& run : runs) {
        while (!run.on_their_way.empty()) enter(run);
        run.spend.forget_wants();
      }
    };
    for (Run& run : runs) {
      for (; !run.open.empty(); run.open.pop_front()) {
        run.spend.pay(run.open.front(), 1);
        run.spend.end(run.open.front());
      }
    }
    for (const char* user : {"a", "b", "c"}) {
      const Stake large{user, 600, day};
      std::set<int> answered;
      for (int round = 0; round < 10 && answered.size() < runs.size(); ++round) {
        talk();
        for (Run& run : runs) {
          const Verdict verdict = answered.count(run.number) == 0 ? run.spend.ask(large) : Verdict::wait;
          if (verdict != Verdict::wait) answered.insert(run.number);
          if (verdict != Verdict::go) continue;
          run.spend.let_in(large);
          run.spend.pay(large, 600);
          run.spend.end(large);
        }
      }
      EXPECT_EQ(answered.size(), runs.size()) << user << " seed " << seed;
    }
  }
}

}  // namespace
}  // namespace batchrun
