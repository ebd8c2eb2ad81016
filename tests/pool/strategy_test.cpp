#include "pool/strategy.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace batchrun {
namespace {

TEST(Strategy, BothSpellingsAreKnown) {
  EXPECT_EQ(parse_strategy("least-loaded"), Strategy::least_loaded);
  EXPECT_EQ(parse_strategy("least_loaded"), Strategy::least_loaded);
  EXPECT_EQ(parse_strategy("round-robin"), Strategy::round_robin);
  EXPECT_EQ(parse_strategy("round_robin"), Strategy::round_robin);
  EXPECT_EQ(parse_strategy("least-used"), Strategy::least_used);
  EXPECT_EQ(parse_strategy("least_used"), Strategy::least_used);
}

TEST(Strategy, AnythingElseIsNot) {
  for (const char* text :
       {"", "least", "least-loaded ", "leastloaded", "Least-Loaded", "round-robin-", "-"}) {
    EXPECT_EQ(parse_strategy(text), std::nullopt) << text;
  }
}

TEST(Strategy, NamesAreParsedBack) {
  for (const Strategy strategy :
       {Strategy::saturate, Strategy::least_loaded, Strategy::round_robin, Strategy::lru, Strategy::weighted,
        Strategy::random, Strategy::least_used}) {
    EXPECT_EQ(parse_strategy(name(strategy)), strategy);
    const std::vector<std::string> names = strategy_names();
    EXPECT_EQ(std::count(names.begin(), names.end(), name(strategy)), 1);
  }
}

}  // namespace
}  // namespace batchrun
