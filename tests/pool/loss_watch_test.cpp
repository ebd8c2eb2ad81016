#include "pool/loss_watch.h"

#include <gtest/gtest.h>

#include <numeric>
#include <optional>

namespace batchrun {
namespace {

using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};
constexpr double per_minute = 600;

// Two groups of 600 requests a minute with a key each, and a lane over the first of them only.
struct World {
  World() {
    for (std::uint32_t g = 0; g < 2; ++g) {
      spec.groups.push_back({.name = "org", .limits = {per_minute}});
      spec.keys.push_back({.alias = "key", .group = {g}});
    }
    pool.emplace(spec, spec.settings);
    lane.emplace(LaneId{0}, LaneSpec{.name = "lane", .candidates = {{.key = {0}}}}, *pool, spec.settings);
    watch.emplace(*pool);
    watch->begin(start);
  }
  Losses lost(std::uint32_t group, Duration took) const {
    return watch->lost({group}, Dimension::requests_per_minute, per_minute / 60 * seconds_of(took));
  }
  static double seconds_of(Duration took) { return batchrun::seconds(took); }

  PoolSpec spec;
  std::optional<KeyPool> pool;
  std::optional<Lane> lane;
  std::optional<LossWatch> watch;
};

// A minute in which nothing is sent, by what holds then.
TEST(LossWatch, PutsAGroupsTimeUnderWhatKeepsItFromBeingUsed) {
  struct Case {
    const char* what;
    void (*happens)(World&);
    LossWatch::Rows rows;
    LossCause first, second;  // of the lane's group, and of the one that no lane has
  };
  const auto nothing = [](World&) {};
  const auto pauses = [](World& world) {
    world.lane->queue().take(0, start);
    Job job{.row = {1}, .lane = {0}};
    job.not_before = start + std::chrono::hours(1);
    world.lane->queue().push_again(job, true);
  };
  const auto limited = [](World& world) {
    world.pool->group({0}).rate_limited(seconds(300), {}, start, start, 0, true);
  };
  const auto stormed = [](World& world) {
    world.pool->group({0}).rate_limited(seconds(300), {}, start, start, 0, false);
  };
  const auto day_gone = [](World& world) { world.pool->group({0}).day_gone(seconds(300), start); };
  const auto died = [](World& world) { world.pool->retire({0}, "no credit"); };
  const auto broke = [](World& world) {
    Job job{.row = {1}, .lane = {0}};
    for (int i = 0; i < 12; ++i) {
      world.pool->take({0}, {.requests = 0}, job.row, start);
      world.pool->failed({0}, job, false, start);
    }
  };
  const Case cases[] = {
      {"no rows, more to come", nothing, {}, LossCause::client, LossCause::client},
      {"no rows left", nothing, {.ended = true}, LossCause::tail, LossCause::tail},
      {"rows wait", nothing, {.waiting = true}, LossCause::packing, LossCause::client},
      {"rows wait, the last", nothing, {.waiting = true, .ended = true}, LossCause::packing, LossCause::tail},
      {"no more may be sent",
       nothing,
       {.waiting = true, .held_up = true},
       LossCause::client,
       LossCause::client},
      {"rows pause", pauses, {.waiting = true}, LossCause::outage, LossCause::client},
      {"429", limited, {.waiting = true}, LossCause::foreign, LossCause::client},
      {"429 for all", stormed, {.waiting = true}, LossCause::outage, LossCause::client},
      {"day gone", day_gone, {.waiting = true}, LossCause::outage, LossCause::client},
      {"retired", died, {.waiting = true}, LossCause::outage, LossCause::client},
      {"circuit open", broke, {.waiting = true}, LossCause::outage, LossCause::client},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    World world;
    world.lane->queue().push({.row = {0}, .lane = {0}});
    c.happens(world);
    world.watch->pass({&*world.lane}, c.rows, start + seconds(60));
    const Losses first = world.lost(0, seconds(60)), second = world.lost(1, seconds(60));
    EXPECT_NEAR(of(first, c.first), per_minute, 0.01 * per_minute);
    EXPECT_NEAR(std::accumulate(first.begin(), first.end(), 0.0), per_minute, 1e-6);
    EXPECT_NEAR(of(second, c.second), per_minute, 1e-6);
  }
}

TEST(LossWatch, WhatARefusedRequestWasChargedIsUseByOthersAndWhatAFailedOneWasIsOutage) {
  World world;
  const Cost one{.requests = 1};
  for (const auto cause : {std::optional<LossCause>(LossCause::foreign), std::optional(LossCause::outage),
                           std::optional<LossCause>()}) {
    world.pool->group({0}).take(one, start);
    world.watch->taken({0}, one);
    world.watch->settled({0}, one, one, cause);
  }
  world.watch->pass({}, {.ended = true}, start + seconds(60));
  const Losses lost = world.lost(0, seconds(60));
  EXPECT_EQ(of(lost, LossCause::foreign), 1);
  EXPECT_EQ(of(lost, LossCause::outage), 1);
  EXPECT_NEAR(of(lost, LossCause::tail), per_minute - 3, 1e-6);
}

// A limit that is found out only later: what it grants now and nobody granted then was kept free.
TEST(LossWatch, TimeBeforeALimitWasSoHighIsGuard) {
  World world;
  world.watch->pass({}, {.ended = true}, start + seconds(60));
  const Losses lost = world.watch->lost({0}, Dimension::requests_per_minute, 3 * per_minute);
  EXPECT_NEAR(of(lost, LossCause::guard), 2 * per_minute, 1e-6);
}

TEST(LossWatch, IsDueFourTimesASecond) {
  World world;
  EXPECT_FALSE(world.watch->due(start + std::chrono::milliseconds(249)));
  EXPECT_TRUE(world.watch->due(start + std::chrono::milliseconds(250)));
}

}  // namespace
}  // namespace batchrun
