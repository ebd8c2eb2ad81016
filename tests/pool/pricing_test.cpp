#include "pool/pricing.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <vector>

namespace batchrun {
namespace {

constexpr TimePoint start{std::chrono::hours(1)};

Job job(double input, double output = 0) {
  Job made;
  made.input_tokens = input;
  made.max_output_tokens = output;
  return made;
}

// Groups with one key each, and one lane over all.
struct World {
  explicit World(const std::vector<GroupSpec>& groups) {
    spec.groups = groups;
    LaneSpec lane_spec{.name = "lane", .candidates = {}};
    for (std::uint32_t g = 0; g < groups.size(); ++g) {
      spec.keys.push_back({.alias = "key", .group = {g}});
      lane_spec.candidates.push_back({.key = {g}});
    }
    pool.emplace(spec, spec.settings);
    lane.emplace(LaneId{0}, lane_spec, *pool, spec.settings);
  }
  void add(int rows, const Job& row) {
    for (int i = 0; i < rows; ++i) mix.add(row);
  }
  Pricing priced(Pricing::Scope scope = Pricing::Scope::from_now) {
    Pricing pricing(*pool, {{&*lane, mix}}, scope, start);
    pricing.bound().improve();
    return pricing;
  }

  PoolSpec spec;
  std::optional<KeyPool> pool;
  std::optional<Lane> lane;
  RowMix mix;
};

GroupSpec group(std::optional<double> requests, std::optional<double> tokens) {
  return {.name = "org", .limits = {requests, tokens}};
}

TEST(Pricing, KnowsTheTimeOfTheWorkedExampleAndWhereRowsGo) {
  World world({group(500, 200'000), group(5'000, 100'000)});
  world.add(60'000, job(100));
  world.add(6'000, job(2'000));
  Pricing pricing = world.priced();
  EXPECT_NEAR(pricing.bound().below(), 3600, 20);
  pricing.publish();
  const LanePlan& plan = world.lane->plan();
  const std::size_t small = RowMix::bucket_of(job(100)), large = RowMix::bucket_of(job(2'000));
  EXPECT_NEAR(plan.part(0, small) + plan.part(1, small), 60'000, 1);
  EXPECT_NEAR(plan.part(0, large) + plan.part(1, large), 6'000, 1);
  EXPECT_LE(plan.part(0, small) + plan.part(0, large), 500 * 60 * 1.02) << "requests of the first group";
}

TEST(Pricing, NamesTheLimitThatBindsAndWhatWasUsedOfIt) {
  World world({group(600, 1'000), group(std::nullopt, 5'000)});
  world.add(100, job(200));
  const Pricing pricing = world.priced(Pricing::Scope::whole_run);
  const auto bottleneck = pricing.bottleneck();
  ASSERT_TRUE(bottleneck);
  EXPECT_EQ(bottleneck->group, GroupId{1});
  EXPECT_EQ(bottleneck->dimension, Dimension::tokens_per_minute);
  world.pool->take({1}, {1, 4'000, 0}, RowId{1}, start);
  EXPECT_NEAR(*pricing.used_share(*bottleneck, std::chrono::seconds(60)), 0.8, 1e-9);
}

TEST(Pricing, NothingIsPlannedWhereNothingLimits) {
  World world({group(60, std::nullopt), group(std::nullopt, std::nullopt)});
  world.add(10'000, job(200));
  Pricing pricing = world.priced();
  pricing.publish();
  EXPECT_FALSE(world.lane->plan().active());
}

TEST(Pricing, RowsLargerThanAWindowArePlannedWhereTheyFit) {
  World world({group(std::nullopt, 1'000), group(std::nullopt, 10'000)});
  world.add(500, job(2'000));
  Pricing pricing = world.priced();
  pricing.publish();
  EXPECT_FALSE(world.lane->plan().suits(0, RowMix::bucket_of(job(2'000))));
  EXPECT_NEAR(pricing.bound().below(), 500 * 2'000 / (10'000 / 60.0), 1);
}

TEST(Pricing, AGroupThatIsClosedForLongGetsNothingNow) {
  World world({group(60, std::nullopt), group(60, std::nullopt)});
  world.add(600, job(10));
  world.pool->group({0}).rate_limited(std::chrono::seconds(60), {}, start, start, 0);
  EXPECT_NEAR(world.priced().bound().below(), 600, 2);
  EXPECT_NEAR(world.priced(Pricing::Scope::whole_run).bound().below(), 300, 2);
}

TEST(Pricing, ConcurrencyTimesServiceIsALimit) {
  World world({GroupSpec{.name = "org", .limits = {}, .max_concurrent = 4}});
  world.add(1'000, job(10));
  for (int i = 0; i < 1'000; ++i) world.pool->note_service({0}, std::chrono::seconds(8));
  const Pricing pricing = world.priced(Pricing::Scope::whole_run);
  const auto bottleneck = pricing.bottleneck();
  ASSERT_TRUE(bottleneck);
  EXPECT_EQ(bottleneck->dimension, std::nullopt);
  EXPECT_EQ(pricing.used_share(*bottleneck, std::chrono::seconds(60)), std::nullopt);
}

TEST(Pricing, ADayCountsWithWhatIsLeftOfIt) {
  GroupSpec limited{.name = "org", .limits = {}};
  limited.limits[0] = 600;
  limited.limits[4] = 1'000;
  World world({limited, group(60, std::nullopt)});
  world.add(2'000, job(10));
  EXPECT_NEAR(world.priced().bound().below(), 1'000, 20)
      << "1,000 of the day, 1,000 by the other at 1 a second";
}

TEST(Pricing, StartsFromTheLastPlan) {
  World world({group(500, 200'000), group(5'000, 100'000)});
  world.add(60'000, job(100));
  world.add(6'000, job(2'000));
  Pricing first = world.priced();
  EXPECT_FALSE(first.known());
  first.publish();
  Pricing second(*world.pool, {{&*world.lane, world.mix}}, Pricing::Scope::from_now, start);
  EXPECT_TRUE(second.known());
  second.bound().improve(10);
  EXPECT_GE(second.bound().below(), 0.98 * first.bound().below());
}

// A lane that came after the last plan has none; the others start from theirs all the same.
TEST(Pricing, ALaneWithoutAPlanTakesNoOthersPlace) {
  World world({group(500, 200'000), group(5'000, 100'000)});
  world.add(60'000, job(100));
  world.add(6'000, job(2'000));
  world.priced().publish();
  Lane late(LaneId{1}, {.name = "late", .candidates = {{.key = {0}}, {.key = {1}}}}, *world.pool,
            world.spec.settings);
  const Pricing next(*world.pool, {{&late, world.mix}, {&*world.lane, world.mix}}, Pricing::Scope::from_now,
                     start);
  const Pricing without(*world.pool, {{&*world.lane, world.mix}}, Pricing::Scope::from_now, start);
  Pricing both = next;
  for (std::size_t kind = 0; kind < 2; ++kind) {
    EXPECT_EQ(both.bound().share(2 + kind, 0), Pricing(without).bound().share(kind, 0));
  }
}

TEST(Pricing, LossesSumToWhatTheTimeIsOverTheBound) {
  World world({group(600, std::nullopt), group(600, std::nullopt)});
  world.add(600, job(10));
  LossWatch watch(*world.pool);
  watch.begin(start);
  for (int i = 0; i < 300; ++i) {
    for (const std::uint32_t g : {0U, 1U}) {
      world.pool->group({g}).take({.requests = 1}, start);
      watch.taken({g}, {.requests = 1});
      watch.settled({g}, {.requests = 1}, {.requests = 1}, std::nullopt);
    }
  }
  watch.pass({}, {.ended = true}, start + std::chrono::seconds(40));
  const Pricing run = world.priced(Pricing::Scope::whole_run);
  const Losses lost = run.losses(watch, std::chrono::seconds(40));
  EXPECT_NEAR(of(lost, LossCause::tail), 0.25, 0.003) << "30 s of 40 were needed";
  double sum = 0;
  for (const double share : lost) sum += share;
  EXPECT_NEAR(sum, 0.25, 0.003);
}

}  // namespace
}  // namespace batchrun
