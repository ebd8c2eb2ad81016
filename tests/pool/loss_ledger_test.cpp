#include "pool/loss_ledger.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <set>
#include <string>

namespace batchrun {
namespace {

using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};

double sum(const Losses& losses) {
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

TEST(LossLedger, PutsWhatWasNotUsedUnderTheFirstCausesThatCanHaveTakenIt) {
  LossLedger ledger;
  const LossLedger::Part parts[] = {{LossCause::guard, 2}, {LossCause::estimation, 3}};
  ledger.pass(10, 4, parts, LossCause::packing, start);
  EXPECT_EQ(of(ledger.lost(), LossCause::guard), 2);
  EXPECT_EQ(of(ledger.lost(), LossCause::estimation), 3);
  EXPECT_EQ(of(ledger.lost(), LossCause::packing), 1);
  ledger.pass(10, 9, parts, LossCause::packing, start + seconds(30));
  EXPECT_EQ(of(ledger.lost(), LossCause::guard), 3);
  EXPECT_EQ(sum(ledger.lost()), 7);
}

TEST(LossLedger, WhatIsCaughtUpWithinTwentySecondsIsNotLost) {
  for (const int after_s : {1, 15, 40}) {
    LossLedger ledger;
    ledger.pass(10, 0, {}, LossCause::outage, start);
    ledger.pass(10, 16, {}, LossCause::packing, start + seconds(after_s));
    EXPECT_EQ(of(ledger.lost(), LossCause::outage), after_s < 20 ? 4 : 10) << after_s;
    EXPECT_EQ(ledger.left(), after_s < 20 ? 0 : -6) << after_s;
  }
}

TEST(LossLedger, WhatIsUsedAheadOfItsTimeIsNotMissedLater) {
  LossLedger ledger;
  ledger.pass(0, 5, {}, LossCause::packing, start);
  ledger.pass(10, 3, {}, LossCause::packing, start + seconds(1));
  EXPECT_EQ(sum(ledger.lost()), 2);
}

TEST(LossLedger, ACreditKeeps) {
  LossLedger ledger(100);
  ledger.pass(0, 30, {}, LossCause::packing, start);
  ledger.pass(20, 10, {}, LossCause::packing, start + std::chrono::hours(5));
  EXPECT_EQ(sum(ledger.lost()), 0);
  EXPECT_EQ(ledger.left(), 80);
  ledger.pass(25, 0, {}, LossCause::client, start + std::chrono::hours(6));
  EXPECT_EQ(of(ledger.lost(), LossCause::client), 5);
}

TEST(LossLedger, AllThatWasGrantedIsUsedLostOrLeft) {
  std::mt19937_64 random(11);
  const auto upto = [&](double most) { return most * static_cast<double>(random() >> 11) * 0x1p-53; };
  for (const double credit : {0.0, 50.0}) {
    LossLedger ledger(credit);
    double granted = credit, used = 0;
    TimePoint now = start;
    for (int i = 0; i < 20'000; ++i) {
      now += from_seconds(upto(3));
      const double in = upto(10), out = random() % 5 == 0 ? upto(60) - 10 : 0;
      const LossLedger::Part parts[] = {{LossCause::foreign, upto(3)}, {LossCause::guard, upto(1)}};
      ledger.pass(in, out, parts, static_cast<LossCause>(random() % loss_causes), now);
      granted += in;
      used += out;
      ASSERT_NEAR(granted, used + sum(ledger.lost()) + ledger.left(), 1e-6);
      for (const double units : ledger.lost()) ASSERT_GE(units, -1e-9);
      ASSERT_LE(ledger.left(), credit + 1e-9);
    }
  }
}

TEST(LossLedger, CausesHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (std::size_t cause = 0; cause < loss_causes; ++cause) {
    names.emplace(name(static_cast<LossCause>(cause)));
  }
  EXPECT_EQ(names.size(), loss_causes);
}

}  // namespace
}  // namespace batchrun
