#include "pool/key_pool.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace batchrun {
namespace {

constexpr TimePoint start{std::chrono::hours(1)};

PoolSpec two_groups() {
  PoolSpec spec;
  spec.groups = {GroupSpec{.name = "a", .limits = {}}, GroupSpec{.name = "b", .limits = {}}};
  spec.keys = {KeySpec{.alias = "a-1", .group = {0}}, KeySpec{.alias = "a-2", .group = {0}},
               KeySpec{.alias = "b-1", .group = {1}, .max_concurrent = 1}};
  return spec;
}

TEST(KeyPool, TakingCountsOnKeyAndGroup) {
  const PoolSpec spec = two_groups();
  KeyPool pool(spec, spec.settings);
  pool.take({2}, {1, 10, 5}, RowId{1}, start);
  EXPECT_TRUE(pool.key({2}).full());
  EXPECT_EQ(pool.key({2}).load(), 1.0);
  EXPECT_EQ(pool.group({1}).in_flight(), 1U);
  EXPECT_EQ(pool.group_figures(start)[1].total[1], 15);
  EXPECT_EQ(pool.key_figures(start)[2].sends, 1U);
}

TEST(KeyPool, RetiringAGroupTakesAllItsKeysOut) {
  const PoolSpec spec = two_groups();
  KeyPool pool(spec, spec.settings);
  pool.retire({0}, "quota is gone");
  pool.retire({0}, "for another reason");
  EXPECT_EQ(pool.deaths(), 1U);
  EXPECT_FALSE(pool.alive({0}));
  EXPECT_FALSE(pool.alive({1}));
  EXPECT_TRUE(pool.alive({2}));
  const auto figures = pool.key_figures(start);
  EXPECT_EQ(figures[0].state, KeyState::unavailable);
  EXPECT_EQ(figures[0].usable_at, never);
  EXPECT_EQ(figures[0].out_because, "quota is gone");
  EXPECT_EQ(figures[2].out_because, "");
}

TEST(KeyPool, FiguresTellTheStateOfAKey) {
  const PoolSpec spec = two_groups();
  KeyPool pool(spec, spec.settings);
  const auto fail = [&](RowId row) {
    Job job{.row = row, .lane = {}};
    pool.failed({2}, job, true, start);
  };
  pool.group({0}).rate_limited(std::chrono::seconds(9), {}, start, start, 0);
  fail(RowId{1});
  pool.key({2}).last_fault = FaultKind::server_error;
  auto figures = pool.key_figures(start);
  EXPECT_EQ(figures[0].state, KeyState::rate_limited);
  EXPECT_EQ(figures[0].usable_at, start + std::chrono::seconds(9));
  EXPECT_EQ(figures[2].state, KeyState::degraded);
  fail(RowId{2});
  fail(RowId{3});
  figures = pool.key_figures(start);
  EXPECT_EQ(figures[2].state, KeyState::unavailable);
  EXPECT_EQ(figures[2].out_because, "3 failures in a row, last server_error");
  EXPECT_EQ(figures[2].usable_at, start + std::chrono::seconds(1));
}

// Three keys that have answered, whose circuits open at the first failure, and a row that fails.
struct PoisonWorld {
  PoolSpec spec = [] {
    PoolSpec made = two_groups();
    made.settings.failure_threshold = 1;
    return made;
  }();
  KeyPool pool{spec, spec.settings};
  Job poison{.row = {1}, .lane = {}};
  PoisonWorld() {
    for (const KeyId key : {KeyId{0}, KeyId{1}, KeyId{2}}) pool.succeeded(key, RowId{9}, start);
  }
};

TEST(KeyPool, ARowThatFailsWhereverItGoesIsTheCulpritAndNoKeyIsBlamed) {
  PoisonWorld world;
  KeyPool& pool = world.pool;
  Job& poison = world.poison;
  pool.failed({0}, poison, true, start);
  EXPECT_FALSE(poison.trail.culprit);
  EXPECT_FALSE(pool.key({0}).breaker.closed());
  pool.succeeded({0}, RowId{9}, start);  // it answers others well
  EXPECT_TRUE(pool.failed({1}, poison, true, start)) << "counts against the row";
  EXPECT_TRUE(poison.trail.culprit);
  EXPECT_TRUE(pool.key({1}).breaker.closed());
  EXPECT_TRUE(pool.failed({2}, poison, true, start));
  EXPECT_EQ(pool.key({2}).breaker.failures(), 0U);
  EXPECT_EQ(pool.key_figures(start)[2].score, 100);
}

TEST(KeyPool, WhatACulpritDidEarlierIsGivenBack) {
  PoisonWorld world;
  KeyPool& pool = world.pool;
  Job& poison = world.poison;
  pool.failed({0}, poison, true, start);
  pool.failed({1}, poison, true, start);
  EXPECT_FALSE(poison.trail.culprit) << "nobody else was answered since: it may be the provider";
  pool.succeeded({1}, RowId{9}, start);
  const std::uint64_t changes = pool.changes();
  pool.failed({2}, poison, true, start);
  EXPECT_TRUE(poison.trail.culprit);
  EXPECT_TRUE(pool.key({0}).breaker.closed()) << "its circuit was open because of this row";
  EXPECT_GT(pool.changes(), changes);
}

TEST(KeyPool, AnOutageMakesNoCulprits) {
  PoolSpec spec = two_groups();
  KeyPool pool(spec, spec.settings);
  for (const KeyId key : {KeyId{0}, KeyId{1}, KeyId{2}}) pool.succeeded(key, RowId{9}, start);
  Job one{.row = {1}, .lane = {}}, other{.row = {2}, .lane = {}};
  for (const KeyId key : {KeyId{0}, KeyId{1}, KeyId{2}}) {
    pool.failed(key, one, true, start);
    pool.failed(key, other, true, start);
    EXPECT_EQ(pool.key(key).breaker.failures(), 2U);
  }
  EXPECT_FALSE(one.trail.culprit || other.trail.culprit);
}

TEST(KeyPool, ARowNobodyLookedAtIsNoCulprit) {
  const PoolSpec spec = two_groups();
  KeyPool pool(spec, spec.settings);
  for (const KeyId key : {KeyId{0}, KeyId{1}}) pool.succeeded(key, RowId{9}, start);
  Job row{.row = {1}, .lane = {}};
  pool.failed({0}, row, false, start);
  pool.succeeded({0}, RowId{9}, start);
  pool.failed({1}, row, false, start);
  EXPECT_FALSE(row.trail.culprit);
  EXPECT_EQ(pool.key({1}).breaker.failures(), 1U);
}

TEST(KeyPool, ALimitThatIsNotAboveZeroIsRefused) {
  PoolSpec spec = two_groups();
  spec.groups[1].limits[0] = 0;
  EXPECT_THROW(KeyPool(spec, spec.settings), std::invalid_argument);
}

TEST(KeyPoolDeathTest, AKeyNeedsItsGroup) {
  PoolSpec spec = two_groups();
  spec.keys[0].group = {7};
  EXPECT_DEATH(KeyPool(spec, spec.settings), "group that does not exist");
}

TEST(KeyPool, StatesHaveNames) {
  EXPECT_EQ(name(KeyState::healthy), "healthy");
  EXPECT_EQ(name(KeyState::degraded), "degraded");
  EXPECT_EQ(name(KeyState::rate_limited), "rate-limited");
  EXPECT_EQ(name(KeyState::unavailable), "unavailable");
}

TEST(KeyPool, MergedGroupsAreOneFromThenOn) {
  PoolSpec spec = two_groups();
  spec.groups[0].limits[1] = spec.groups[1].limits[1] = 1000;
  KeyPool pool(spec, spec.settings);
  pool.take({0}, {1, 10, 0}, RowId{1}, start);
  pool.take({2}, {1, 20, 0}, RowId{2}, start);
  const std::uint64_t changes = pool.changes();
  pool.merge({0}, {1}, GroupMerge::Reason::organisation, start);
  EXPECT_GT(pool.changes(), changes);
  EXPECT_EQ(pool.now({1}), GroupId{0});
  EXPECT_EQ(pool.now({0}), GroupId{0});
  EXPECT_EQ(pool.key({2}).group, GroupId{0});
  EXPECT_EQ(pool.sends_of({0}), 2);
  const auto figures = pool.group_figures(start);
  ASSERT_EQ(figures.size(), 1U);
  EXPECT_EQ(figures[0].name, "a");
  EXPECT_EQ(figures[0].used[1], 30);
  ASSERT_EQ(pool.merges().size(), 1U);
  EXPECT_EQ(pool.merges()[0].keys, (std::vector<std::string>{"a-1", "a-2"}));
  EXPECT_EQ(pool.merges()[0].joined, std::vector<std::string>{"b-1"});
  EXPECT_EQ(pool.take_history()[1].same_as->group, GroupId{0});
  EXPECT_FALSE(pool.take_history()[1].same_as) << "told once";
}

}  // namespace
}  // namespace batchrun
