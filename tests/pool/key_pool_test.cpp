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

TEST(KeyPool, HealthIsTheShareOfGoodAnswersOfLate) {
  const PoolSpec spec = two_groups();
  KeyPool pool(spec, spec.settings);
  EXPECT_EQ(pool.key({0}).health, 1);
  for (int i = 0; i < 200; ++i) pool.note_health({0}, i % 2 == 0);
  EXPECT_NEAR(pool.key({0}).health, 0.5, 0.05);
  for (int i = 0; i < 64; ++i) pool.note_health({0}, true);
  EXPECT_GT(pool.key({0}).health, 0.98);
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
  pool.group({0}).rate_limited(std::chrono::seconds(9), {}, start, start, 0);
  pool.key({2}).breaker.failed(RowId{1}, start);
  pool.key({2}).last_fault = FaultKind::server_error;
  auto figures = pool.key_figures(start);
  EXPECT_EQ(figures[0].state, KeyState::rate_limited);
  EXPECT_EQ(figures[0].usable_at, start + std::chrono::seconds(9));
  EXPECT_EQ(figures[2].state, KeyState::degraded);
  pool.key({2}).breaker.failed(RowId{2}, start);
  pool.key({2}).breaker.failed(RowId{3}, start);
  figures = pool.key_figures(start);
  EXPECT_EQ(figures[2].state, KeyState::unavailable);
  EXPECT_EQ(figures[2].out_because, "3 failures in a row, last server_error");
  EXPECT_EQ(figures[2].usable_at, start + std::chrono::seconds(1));
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

}  // namespace
}  // namespace batchrun
