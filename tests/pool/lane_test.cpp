#include "pool/lane.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace batchrun {
namespace {

using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};

// A lane over groups of which each has one token limit (0 = none) and as many keys as said.
class LaneWorld {
 public:
  struct Group {
    double tokens_per_minute = 0;
    int keys = 1;
    int tier = 2;
    int priority = 0;
  };
  explicit LaneWorld(const std::vector<Group>& groups, PoolSettings settings = {}) : settings_(settings) {
    PoolSpec spec;
    for (const Group& group : groups) {
      GroupSpec made{.name = "org", .limits = {}};
      if (group.tokens_per_minute > 0) made.limits[1] = group.tokens_per_minute;
      for (int k = 0; k < group.keys; ++k) {
        candidates_.push_back({.key = {static_cast<std::uint32_t>(spec.keys.size())}});
        spec.keys.push_back({.alias = "key",
                             .group = {static_cast<std::uint32_t>(spec.groups.size())},
                             .tier = group.tier,
                             .priority = group.priority});
      }
      spec.groups.push_back(made);
    }
    pool = std::make_unique<KeyPool>(spec, settings_);
    lane = add_lane(0);
  }

  std::unique_ptr<Lane> add_lane(std::uint32_t id) {
    return std::make_unique<Lane>(LaneId{id}, LaneSpec{.name = "lane", .candidates = candidates_}, *pool,
                                  settings_);
  }

  static Job job(std::uint32_t row, double tokens) {
    Job made{.row = {row}, .lane = {0}};
    made.input_tokens = tokens;
    made.submitted_at = start;
    return made;
  }
  void wait(std::uint32_t row, double tokens) { lane->queue().push(job(row, tokens)); }

  // Admits what may go now; nothing if the lane is blocked.
  std::optional<Lane::Admission> go(Lane& from, TimePoint now) {
    Lane::Turn turn = from.next(now);
    auto* admission = std::get_if<Lane::Admission>(&turn);
    if (admission == nullptr) return std::nullopt;
    pool->take(admission->candidate.key, admission->cost, admission->job.row, now);
    return *admission;
  }
  std::optional<Lane::Admission> go(TimePoint now) { return go(*lane, now); }

  bool held(std::uint32_t group) const { return pool->group({group}).held_by().has_value(); }

  std::unique_ptr<KeyPool> pool;
  std::unique_ptr<Lane> lane;

 private:
  PoolSettings settings_;
  std::vector<Candidate> candidates_;
};

using Groups = std::vector<LaneWorld::Group>;

PoolSettings with(Strategy strategy) {
  PoolSettings settings;
  settings.strategy = strategy;
  return settings;
}

PoolSettings overdue_after(Duration age) {
  PoolSettings settings;
  settings.passed_over_age = age;
  return settings;
}

std::vector<std::uint32_t> keys_of_ten(LaneWorld& world) {
  std::vector<std::uint32_t> keys;
  for (std::uint32_t row = 0; row < 10; ++row) {
    world.wait(row, 1);
    keys.push_back(world.go(start)->candidate.key.value);
  }
  return keys;
}

TEST(Lane, RoundRobinTakesKeysInTurn) {
  LaneWorld world(Groups{{.keys = 2}, {.keys = 1}}, with(Strategy::round_robin));
  EXPECT_EQ(keys_of_ten(world), (std::vector<std::uint32_t>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0}));
}

TEST(Lane, LeastLoadedSpreadsEvenlyWhereNothingIsLimited) {
  LaneWorld world(Groups{{.keys = 2}, {.keys = 3}});
  std::map<std::uint32_t, int> count;
  for (const std::uint32_t key : keys_of_ten(world)) ++count[key];
  for (std::uint32_t key = 0; key < 5; ++key) EXPECT_EQ(count[key], 2) << key;
}

TEST(Lane, LeastLoadedGoesWhereTheSmallestShareIsInUse) {
  LaneWorld world(Groups{{.tokens_per_minute = 100'000}, {.tokens_per_minute = 10'000}});
  std::map<std::uint32_t, int> count;
  for (std::uint32_t row = 0; row < 11; ++row) {
    world.wait(row, 100);
    ++count[world.go(start)->candidate.key.value];
  }
  EXPECT_EQ(count[1], 1);
}

TEST(Lane, LruTakesTheKeyThatWasNotUsedForLongest) {
  LaneWorld world(Groups{{.keys = 3}}, with(Strategy::lru));
  for (const std::uint32_t key : {2U, 0U, 1U, 0U}) world.pool->take({key}, Cost{}, RowId{9}, start);
  const auto keys = keys_of_ten(world);
  EXPECT_EQ(std::vector(keys.begin(), keys.begin() + 4), (std::vector<std::uint32_t>{2, 1, 0, 2}));
}

TEST(Lane, LeastUsedEvensOutWhatWasSent) {
  LaneWorld world(Groups{{.keys = 3}}, with(Strategy::least_used));
  for (const std::uint32_t key : {0U, 0U, 0U, 0U, 2U, 2U}) world.pool->take({key}, Cost{}, RowId{9}, start);
  const auto keys = keys_of_ten(world);
  EXPECT_EQ(std::vector(keys.begin(), keys.begin() + 2), (std::vector<std::uint32_t>{1, 1}));
  for (std::uint32_t key = 0; key < 3; ++key) {
    EXPECT_GE(world.pool->key({key}).sends, 5U) << key;
    EXPECT_LE(world.pool->key({key}).sends, 6U) << key;
  }
}

TEST(Lane, WeightedSharesByPriorityAndHealth) {
  LaneWorld world(Groups{{.keys = 1, .priority = 3}, {.keys = 1}, {.keys = 1, .priority = -1}},
                  with(Strategy::weighted));
  const auto count = [&](int rows) {
    std::map<std::uint32_t, int> counts;
    for (int row = 0; row < rows; ++row) {
      world.wait(static_cast<std::uint32_t>(row), 1);
      ++counts[world.go(start)->candidate.key.value];
    }
    return counts;
  };
  auto counts = count(450);
  EXPECT_NEAR(counts[0], 300, 2);
  EXPECT_NEAR(counts[1], 100, 2);
  EXPECT_NEAR(counts[2], 50, 2);
  for (int i = 0; i < 11; ++i) world.pool->key({0}).health.bad(start);  // about half as well as before
  counts = count(300);
  EXPECT_NEAR(counts[0], 150, 10);
  for (int i = 0; i < 500; ++i) world.pool->key({0}).health.bad(start);
  EXPECT_GT(count(450)[0], 10) << "even the sickest is asked now and then";
  for (int i = 0; i < 500; ++i) world.pool->key({0}).health.good();
  EXPECT_NEAR(count(450)[0], 300, 5) << "and gets no more than its share when it is well again";
}

TEST(Lane, RandomIsEvenAndFollowsTheSeed) {
  PoolSettings settings = with(Strategy::random);
  const auto keys_of = [&](std::uint64_t seed) {
    settings.seed = seed;
    LaneWorld world(Groups{{.keys = 3}, {.keys = 1}}, settings);
    std::vector<std::uint32_t> keys;
    for (std::uint32_t row = 0; row < 4000; ++row) {
      world.wait(row, 1);
      keys.push_back(world.go(start)->candidate.key.value);
    }
    return keys;
  };
  const auto keys = keys_of(1);
  for (std::uint32_t key = 0; key < 4; ++key) {
    EXPECT_NEAR(static_cast<double>(std::count(keys.begin(), keys.end(), key)), 1000, 120) << key;
  }
  EXPECT_EQ(keys, keys_of(1));
  EXPECT_NE(keys, keys_of(2));
}

TEST(Lane, LowerTiersGoFirstWhateverTheStrategy) {
  for (const Strategy strategy :
       {Strategy::saturate, Strategy::least_loaded, Strategy::round_robin, Strategy::lru, Strategy::weighted,
        Strategy::random, Strategy::least_used}) {
    LaneWorld world(Groups{{.tier = 2}, {.tokens_per_minute = 60'000, .tier = 0}}, with(strategy));
    for (std::uint32_t row = 0; row < 4; ++row) world.wait(row, 900);
    EXPECT_EQ(world.go(start)->group, GroupId{1});
    EXPECT_EQ(world.go(start)->group, GroupId{1});
    EXPECT_EQ(world.go(start)->group, GroupId{0}) << "overflows when the cheap tier is paced";
  }
}

TEST(Lane, ARetryAvoidsItsLastKeyWhileAnotherIsUsable) {
  LaneWorld world(Groups{{.keys = 2}, {.keys = 1}});
  Job failed = LaneWorld::job(1, 10);
  failed.sends = 1;
  failed.last_key = {0};
  for (const std::uint32_t expected : {2U, 2U}) {  // another group, even when its key is busier
    world.lane->queue().push_again(failed, false);
    EXPECT_EQ(world.go(start)->candidate.key.value, expected);
  }
  world.pool->retire({1}, "gone");
  world.lane->queue().push_again(failed, false);
  EXPECT_EQ(world.go(start)->candidate.key.value, 1U);
  world.lane->exclude({1}, 0);
  world.lane->queue().push_again(failed, false);
  EXPECT_EQ(world.go(start)->candidate.key.value, 0U);
}

TEST(Lane, TheFirstGoesIfItFitsElseTheLargestThatDoes) {
  LaneWorld world(Groups{{.tokens_per_minute = 6000}});
  world.wait(0, 5000);
  ASSERT_EQ(world.go(start)->job.row, RowId{0});
  world.wait(1, 3000);
  world.wait(2, 200);
  world.wait(3, 900);
  world.wait(4, 1001);
  const TimePoint paid_off = start + seconds(52);
  EXPECT_EQ(world.go(paid_off)->job.row, RowId{3});
  EXPECT_EQ(world.lane->queue().passed_over(0), 1U);
}

TEST(Lane, WaitsExactlyUntilTheNextRowFits) {
  LaneWorld world(Groups{{.tokens_per_minute = 6000}});
  world.wait(0, 5500);
  world.wait(1, 1000);
  world.wait(2, 700);
  ASSERT_TRUE(world.go(start));
  TimePoint now = start;
  for (int i = 0; i < 10; ++i) {
    const Lane::Turn turn = world.lane->next(now);
    if (std::holds_alternative<Lane::Admission>(turn)) break;
    ASSERT_GT(std::get<Lane::Blocked>(turn).until, now);
    now = std::get<Lane::Blocked>(turn).until;
  }
  EXPECT_EQ(now, start + std::chrono::milliseconds(60'300));
}

TEST(Lane, ARowLargerThanEveryWindowIsSentAwayAtOnce) {
  LaneWorld world(Groups{{.tokens_per_minute = 1000}, {.tokens_per_minute = 2000}});
  EXPECT_FALSE(world.lane->exceeds_every_window(LaneWorld::job(1, 2000)));
  EXPECT_TRUE(world.lane->exceeds_every_window(LaneWorld::job(1, 2001)));
  world.pool->retire({1}, "gone");
  EXPECT_TRUE(world.lane->exceeds_every_window(LaneWorld::job(1, 2000)));
  world.wait(1, 2000);
  const Lane::Turn turn = world.lane->next(start);
  ASSERT_TRUE(std::holds_alternative<Expired>(turn));
  EXPECT_EQ(std::get<Expired>(turn).why, GiveUp::exceeds_window);
}

TEST(Lane, ALearnedRatioDoesNotMakeARowImpossible) {
  LaneWorld world(Groups{{.tokens_per_minute = 2000}});
  Scheduler scheduler(PoolSpec{.groups = {GroupSpec{}}, .keys = {KeySpec{}}, .settings = {}});
  scheduler.add_lane({.name = "lane", .candidates = {{}}});
  for (int i = 0; i < 50; ++i) {
    scheduler.submit(LaneWorld::job(1, 100), start);
    Decision decision = scheduler.next(start);
    Dispatch& dispatch = std::get<Dispatch>(decision);
    world.lane->learn(dispatch.permit, dispatch.job, {.input_tokens = 150, .known = true});
    scheduler.settle(std::move(dispatch.permit), dispatch.job, Outcome{}, start);
  }
  EXPECT_FALSE(world.lane->exceeds_every_window(LaneWorld::job(1, 1900)));
  world.wait(1, 100);
  EXPECT_NEAR(world.go(start)->cost.input_tokens, 150, 5);
}

// A stream of small rows and one that needs two thirds of the window.
TEST(Lane, AnOverdueRowGetsItsTurn) {
  LaneWorld world(Groups{{.tokens_per_minute = 6000}});
  std::uint32_t row = 1;
  for (; row <= 63; ++row) world.wait(row, 100);
  TimePoint now = start;
  for (int i = 0; i < 60; ++i) {
    if (!world.go(now)) now = std::get<Lane::Blocked>(world.lane->next(now)).until;
    world.wait(++row, 100);
  }
  Job large = LaneWorld::job(0, 4000);
  world.lane->queue().push_again(large, false);
  const TimePoint came = now;
  for (int i = 0; i < 5000; ++i) {
    if (const auto went = world.go(now)) {
      if (went->job.row == RowId{0}) break;
      world.wait(++row, 100);
    } else {
      now = std::get<Lane::Blocked>(world.lane->next(now)).until;
    }
  }
  EXPECT_EQ(world.lane->queue().at(0).input_tokens, 100);
  EXPECT_LE(now, came + seconds(100)) << "30 s until it is overdue, then at most a window";
}

// The same, with the small rows in another lane that shares the group.
TEST(Lane, AnOverdueRowIsNotStarvedByAnotherLane) {
  LaneWorld world(Groups{{.tokens_per_minute = 6000}});
  const auto other = world.add_lane(1);
  std::uint32_t row = 0;
  for (; row < 64; ++row) other->queue().push(LaneWorld::job(row, 100));
  TimePoint now = start;
  for (int i = 0; i < 30; ++i) {
    if (world.go(*other, now)) continue;
    now = std::get<Lane::Blocked>(other->next(now)).until;
  }
  world.wait(9999, 4000);
  const TimePoint came = now;
  bool went = false;
  for (int i = 0; i < 5000 && !went; ++i) {
    went = world.go(now).has_value();
    if (world.go(*other, now)) other->queue().push(LaneWorld::job(++row, 100));
    now += std::chrono::milliseconds(100);
  }
  EXPECT_TRUE(went);
  EXPECT_LE(now, came + seconds(100));
  EXPECT_EQ(world.pool->group({0}).held_by(), std::nullopt);
}

// Two groups in which half of the limit is used, in the first until some seconds before the second.
TEST(Lane, AnOverdueRowStaysWithTheGroupItHoldsUnlessThatIsLaterThanPromised) {
  LaneWorld world(Groups{{.tokens_per_minute = 6000}, {.tokens_per_minute = 6000}},
                  overdue_after(seconds(5)));
  world.pool->take({0}, {.input_tokens = 3000}, {0}, start);
  world.pool->take({1}, {.input_tokens = 3000}, {1}, start + seconds(5));
  world.wait(2, 5000);
  EXPECT_FALSE(world.go(start + seconds(40)));
  EXPECT_FALSE(world.go(start + seconds(41)));
  EXPECT_FALSE(world.held(0) || world.held(1)) << "it is not overdue";
  TimePoint now = start + seconds(50);
  EXPECT_FALSE(world.go(now));
  EXPECT_TRUE(world.held(0) && !world.held(1));

  world.pool->group({0}).rate_limited(seconds(12), {}, now, now, 0, false);
  EXPECT_FALSE(world.go(now));
  EXPECT_TRUE(world.held(0) && !world.held(1)) << "12 s from now is still before the second";
  world.pool->group({0}).rate_limited(seconds(60), {}, now, now, 0, false);
  EXPECT_FALSE(world.go(now));
  EXPECT_TRUE(world.held(1) && !world.held(0));

  now = std::get<Lane::Blocked>(world.lane->next(now)).until;
  EXPECT_LT(now, start + seconds(70));
  const auto went = world.go(now);
  ASSERT_TRUE(went);
  EXPECT_EQ(went->group, GroupId{1});
}

// Another group that becomes sooner is left to others: who moves again and again has saved for nothing.
TEST(Lane, AnOverdueRowDoesNotMoveToAGroupThatBecomesSooner) {
  LaneWorld world(Groups{{.tokens_per_minute = 6000}, {.tokens_per_minute = 6000}},
                  overdue_after(seconds(5)));
  world.pool->take({1}, {.input_tokens = 2000}, {0}, start);
  world.pool->take({0}, {.input_tokens = 3000}, {1}, start + seconds(5));
  world.pool->take({1}, {.input_tokens = 1500}, {2}, start + seconds(15));
  world.wait(3, 5000);
  EXPECT_FALSE(world.go(start + seconds(40)));
  const TimePoint now = start + seconds(52);
  EXPECT_FALSE(world.go(now));
  ASSERT_TRUE(world.held(0) && !world.held(1));
  world.pool->group({1}).settle({.input_tokens = 1500}, {.input_tokens = 800}, start + seconds(15), now);
  EXPECT_LT(world.pool->group({1}).ready_at({.input_tokens = 5000}, now),
            world.pool->group({0}).ready_at({.input_tokens = 5000}, now));
  EXPECT_FALSE(world.go(now));
  EXPECT_TRUE(world.held(0) && !world.held(1));
}

TEST(Lane, DiesWhenNoCandidateIsLeftAndComesNotBack) {
  LaneWorld world(Groups{{.keys = 2}, {.keys = 1}});
  world.wait(1, 10);
  world.lane->exclude({0}, 0);
  world.lane->exclude({1}, 0);
  EXPECT_TRUE(world.lane->alive());
  world.lane->exclude({2}, 5);  // another model
  EXPECT_TRUE(world.lane->alive());
  world.lane->exclude({2}, 0);
  EXPECT_FALSE(world.lane->alive());
  EXPECT_TRUE(world.lane->keys_alive());
  EXPECT_TRUE(std::holds_alternative<Lane::Dead>(world.lane->next(start)));
}

TEST(Lane, WhenAllKeysAreOutOneProbeAtATimeGoes) {
  LaneWorld world(Groups{{.keys = 4}});
  for (std::uint32_t key = 0; key < 4; ++key) {
    for (std::uint32_t row = 0; row < 3; ++row) world.pool->key({key}).breaker.failed(RowId{row}, start, 3);
  }
  for (std::uint32_t row = 10; row < 20; ++row) world.wait(row, 10);
  EXPECT_EQ(std::get<Lane::Blocked>(world.lane->next(start)).until, start + seconds(1));
  const TimePoint now = start + seconds(2);
  const auto probe = world.go(now);
  ASSERT_TRUE(probe);
  EXPECT_EQ(std::get<Lane::Blocked>(world.lane->next(now)).until, never);
  world.pool->succeeded(probe->candidate.key, probe->job.row, now);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(world.go(now)) << "one works: the others may be probed, each once";
}

TEST(Lane, ARowWaitsForTheDayToHaveRoom) {
  PoolSpec spec;
  spec.groups = {GroupSpec{.name = "org", .limits = {}}};
  spec.groups[0].limits[5] = 1000;
  spec.keys = {KeySpec{.alias = "key", .group = {0}}};
  KeyPool pool(spec, spec.settings);
  Lane lane({0}, {.name = "lane", .candidates = {{}}}, pool, spec.settings);
  lane.queue().push(LaneWorld::job(1, 800));
  const auto went = std::get<Lane::Admission>(lane.next(start));
  pool.take(went.candidate.key, went.cost, went.job.row, start);
  lane.queue().push(LaneWorld::job(2, 300));
  const TimePoint until = std::get<Lane::Blocked>(lane.next(start)).until;
  EXPECT_GE(until, start + std::chrono::hours(24));
  EXPECT_LE(until, start + std::chrono::hours(24) + std::chrono::minutes(5));
  EXPECT_TRUE(std::holds_alternative<Lane::Admission>(lane.next(until)));
}

// A row that is sent again goes whatever its kind's share; that lets no other kind go ahead of its own.
TEST(Lane, ByPlanNoKindGoesFarAheadOfItsShare) {
  LaneWorld world({{.tokens_per_minute = 1000}}, with(Strategy::saturate));
  world.wait(0, 500);
  ASSERT_TRUE(world.go(start));
  const TimePoint now = start + seconds(45);  // half of the window is free again
  Job large = LaneWorld::job(1, 900), again = LaneWorld::job(2, 100);
  const Job fresh = LaneWorld::job(3, 200);
  large.sends = again.sends = 1;
  world.lane->queue().push_again(large, false);
  world.lane->queue().push_again(again, false);
  world.lane->queue().push(fresh);
  LanePlan& plan = world.lane->plan();
  plan.renew({0});
  for (const Job& job : {large, again, fresh}) {
    plan.know(RowMix::bucket_of(job));
    plan.give(0, RowMix::bucket_of(job), 1, 0);
  }
  for (int i = 0; i < 5; ++i) plan.sent(0, RowMix::bucket_of(again));
  for (int i = 0; i < 3; ++i) plan.sent(0, RowMix::bucket_of(fresh));
  const auto went = world.go(now);
  ASSERT_TRUE(went);
  EXPECT_EQ(went->job.row.value, 2U);
}

// Against all rows of the look-ahead, one by one: of those that fit and are not far ahead of their share, the
// first of the kind that is most behind; if there is none, the time at which one fits.
TEST(Lane, ByPlanTheKindMostBehindItsShareGoesOfThoseThatFit) {
  int went_at_once = 0, first_went = 0, waited = 0;
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::uint32_t n) { return static_cast<double>(random() % n); };
    LaneWorld world({{.tokens_per_minute = 10'000}}, with(Strategy::saturate));
    world.wait(0, 3'000 + below(6'500));
    ASSERT_TRUE(world.go(start));
    const TimePoint now = start + seconds(56);  // paid off by now, but still in the window
    LanePlan& plan = world.lane->plan();
    plan.renew({0});
    std::vector<Job> rows;
    for (std::uint32_t row = 1; row <= 1 + random() % 12; ++row) {
      rows.push_back(LaneWorld::job(row, 300 + below(9'000)));
      rows.back().max_output_tokens = below(400);
      world.lane->queue().push(rows.back());
    }
    for (const Job& row : rows) {
      const std::size_t kind = RowMix::bucket_of(row);
      if (plan.part(0, kind) > 0 || random() % 6 == 0) continue;
      plan.know(kind);
      plan.give(0, kind, 1, below(5) / 4);
      if (random() % 2 == 0) plan.sent(0, kind);
    }
    const Job* best = nullptr;
    double best_credit = LanePlan::unsuited;
    TimePoint soonest = never;
    for (const Job& row : rows) {
      const double credit = plan.credit_if_suited(0, RowMix::bucket_of(row), 1);
      if (credit == LanePlan::unsuited) continue;
      const Cost cost{.input_tokens = row.input_tokens, .output_tokens = row.max_output_tokens};
      const TimePoint when = world.pool->group({0}).ready_at(cost, now);
      soonest = std::min(soonest, when);
      if (when > now || credit <= best_credit) continue;
      best = &row;
      best_credit = credit;
    }
    Lane::Turn turn = world.lane->next(now);
    if (best != nullptr) {
      auto* went = std::get_if<Lane::Admission>(&turn);
      ASSERT_NE(went, nullptr) << "seed " << seed;
      ASSERT_EQ(went->job.row, best->row) << "seed " << seed;
      ++went_at_once;
      first_went += best == rows.data();
    } else {
      auto* blocked = std::get_if<Lane::Blocked>(&turn);
      ASSERT_NE(blocked, nullptr) << "seed " << seed;
      ASSERT_EQ(blocked->until, std::min(soonest, now + PoolSettings().passed_over_age)) << "seed " << seed;
      ++waited;
    }
  }
  EXPECT_GE(went_at_once - first_went, 50);
  EXPECT_GE(first_went, 20);
  EXPECT_GE(waited, 50);
}

TEST(Lane, MergedGroupsAreOneWayToAnswerItsRows) {
  LaneWorld world(
      Groups{{.tokens_per_minute = 1000}, {.tokens_per_minute = 1000}, {.tokens_per_minute = 1000}});
  ASSERT_EQ(world.lane->ways(), 3U);
  for (std::uint32_t row = 0; row < 4; ++row) world.wait(row, 900);
  ASSERT_TRUE(world.go(start));
  world.pool->merge({0}, {2}, GroupMerge::Reason::organisation, start);
  world.lane->regroup(start);
  EXPECT_EQ(world.lane->ways(), 2U);
  EXPECT_EQ(world.lane->groups(), 2U);
  EXPECT_TRUE(world.go(start)) << "the group that was not merged";
  EXPECT_FALSE(world.go(start)) << "the two others are one, and its minute is used";
  const auto later = world.go(start + std::chrono::seconds(61));
  ASSERT_TRUE(later);
  EXPECT_NE(later->group, GroupId{2});
}

}  // namespace
}  // namespace batchrun
