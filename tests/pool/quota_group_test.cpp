#include "pool/quota_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

namespace batchrun {
namespace {
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};

GroupSpec limited(Dimension dimension, double limit) {
  GroupSpec spec{.name = "org", .limits = {}};
  spec.limits[static_cast<std::size_t>(dimension)] = limit;
  return spec;
}

bool fits(QuotaGroup& group, const Cost& cost, TimePoint now) {
  return group.gate(now) <= now && group.room(now).holds(cost);
}

TEST(QuotaGroup, WithoutLimitsEverythingFits) {
  const PoolSettings settings;
  QuotaGroup group(GroupSpec{}, settings);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(fits(group, {1, 1e9, 1e9}, start));
    group.take({1, 1e9, 1e9}, start);
  }
  EXPECT_FALSE(group.limited());
  EXPECT_FALSE(group.exceeds({1, 1e14, 0}));
}

TEST(QuotaGroup, RefusesLimitsThatAreNotAboveZero) {
  const PoolSettings settings;
  for (const double limit : {0.0, -1.0, std::nan("")}) {
    EXPECT_THROW(QuotaGroup(limited(Dimension::tokens_per_day, limit), settings), std::invalid_argument);
  }
}

// Whatever is offered at random: no window of a minute plus jitter is passed, and ready_at() is kept.
TEST(QuotaGroup, RandomTrafficPassesNoWindowAndIsReadyWhenItSays) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    PoolSettings settings;
    GroupSpec spec = limited(Dimension::requests_per_minute, static_cast<double>(10 + random() % 600));
    spec.limits[1] = static_cast<double>(5000 + random() % 60000);
    if (random() % 2 == 0) spec.limits[3] = static_cast<double>(2000 + random() % 20000);
    QuotaGroup group(spec, settings);
    struct Sent {
      TimePoint at;
      Cost cost;
    };
    std::vector<Sent> sent;
    TimePoint now = start;
    for (int i = 0; i < 1500; ++i) {
      const Cost cost{1, static_cast<double>(1 + random() % 1500), static_cast<double>(random() % 500)};
      const TimePoint ready = group.ready_at(cost, now);
      ASSERT_NE(ready, never);
      if (ready > now) {
        ASSERT_FALSE(fits(group, cost, now)) << "seed " << seed;
        ASSERT_LE(group.gate(now), ready) << "seed " << seed;
        now = ready;
      }
      ASSERT_TRUE(fits(group, cost, now)) << "seed " << seed << " step " << i;
      group.take(cost, now);
      sent.push_back({now, cost});
      double requests = 0, tokens = 0, output = 0;
      for (auto one = sent.rbegin(); one != sent.rend() && now - one->at < seconds(60) + settings.jitter;
           ++one) {
        requests += 1;
        tokens += one->cost.tokens();
        output += one->cost.output_tokens;
      }
      ASSERT_LE(requests, *spec.limits[0]);
      ASSERT_LE(tokens, *spec.limits[1]);
      ASSERT_LE(output, spec.limits[3].value_or(1e18));
      if (random() % 2 == 0) {
        const Sent& old = sent[sent.size() - 1 - random() % std::min<std::size_t>(sent.size(), 20)];
        if (old.at == sent.back().at) group.settle(old.cost, old.cost, old.at, now);
      }
    }
  }
}

TEST(QuotaGroup, SettlingGivesBackWhatWasNotUsedInItsSlot) {
  const PoolSettings settings;
  QuotaGroup group(limited(Dimension::tokens_per_minute, 6000), settings);
  group.take({1, 1000, 5000}, start);
  const Cost next{1, 1000, 0};
  EXPECT_EQ(group.ready_at(next, start + seconds(59)), start + milliseconds(60'300));
  EXPECT_TRUE(group.settle({1, 1000, 5000}, {1, 900, 100}, start, start + seconds(2)));
  EXPECT_EQ(group.used(start + seconds(2))[1], 1000);
  EXPECT_LE(group.ready_at(next, start + seconds(2)), start + seconds(10)) << "1,000 at 100 a second";
}

TEST(QuotaGroup, ReservationsThatFellShortMakeItCareful) {
  const PoolSettings settings;
  QuotaGroup group(limited(Dimension::tokens_per_minute, 60'000), settings);
  TimePoint now = start;
  for (int i = 0; i < 20; ++i) {
    now = std::max(now, group.ready_at({1, 1000, 0}, now));
    group.take({1, 1000, 0}, now);
    group.settle({1, 1000, 0}, {1, 1100, 0}, now, now);
  }
  now += std::chrono::minutes(5);
  group.take({1, 10'000, 0}, now);
  now += seconds(15);
  ASSERT_LE(group.gate(now), now);
  EXPECT_LT(group.room(now).tokens, 50'000);
  EXPECT_GT(group.room(now).tokens, 30'000);
  EXPECT_FALSE(group.exceeds({1, 60'000, 0}));
  EXPECT_NE(group.ready_at({1, 60'000, 0}, now), never)
      << "an empty window takes a row as large as the limit";
}

TEST(QuotaGroup, ADayIsSpentUntilMoreOfItComesBack) {
  const PoolSettings settings;
  QuotaGroup group(limited(Dimension::tokens_per_day, 1000), settings);
  group.take({1, 600, 0}, start);
  EXPECT_FALSE(fits(group, {1, 500, 0}, start));
  EXPECT_FALSE(group.day_spent_until(start));
  EXPECT_NEAR(batchrun::seconds(group.ready_at({1, 500, 0}, start) - start), 24 * 3600, 300);
  EXPECT_EQ(group.ready_at({1, 1001, 0}, start), never);
  group.settle({1, 600, 0}, {1, 400, 0}, start, start);
  EXPECT_TRUE(fits(group, {1, 500, 0}, start));
  EXPECT_TRUE(group.exceeds({1, 1001, 0}));
}

TEST(QuotaGroup, ConcurrencyIsAConditionOfItsOwn) {
  const PoolSettings settings;
  QuotaGroup group(GroupSpec{.name = "org", .limits = {}, .max_concurrent = 2}, settings);
  group.take({}, start);
  EXPECT_FALSE(group.full());
  group.take({}, start);
  EXPECT_TRUE(group.full());
  EXPECT_EQ(group.load(start), 1.0);
  EXPECT_TRUE(group.settle({}, {}, start, start));
  EXPECT_FALSE(group.full());
}

ServerLimits reading(Dimension dimension, double limit, std::optional<double> remaining = {}) {
  ServerLimits limits;
  limits.any = true;
  limits[dimension] = {.limit = limit, .remaining = remaining, .resets_in = {}};
  return limits;
}

TEST(QuotaGroup, AdoptsALimitItDidNotKnowWithWhatIsLeftOfIt) {
  const PoolSettings settings;
  QuotaGroup group(GroupSpec{}, settings);
  group.observe(reading(Dimension::requests_per_minute, 100, 40), {}, start, start);
  group.observe(reading(Dimension::tokens_per_day, 5000, 1000), {}, start, start);
  EXPECT_EQ(group.limits()[0], 100);
  EXPECT_EQ(group.used(start)[0], 60);
  EXPECT_EQ(group.limits()[5], 5000);
  EXPECT_GT(group.ready_at({1, 1001, 0}, start), start + std::chrono::hours(23));
  EXPECT_EQ(group.ready_at({1, 1000, 0}, start + seconds(60)), start + seconds(60));
}

TEST(QuotaGroup, LowersALimitAtOnceAndNeverRaisesIt) {
  const PoolSettings settings;
  QuotaGroup group(limited(Dimension::tokens_per_minute, 1000), settings);
  group.observe(reading(Dimension::tokens_per_minute, 5000), {}, start, start);
  EXPECT_EQ(group.limits()[1], 1000);
  group.observe(reading(Dimension::tokens_per_minute, 500), {}, start, start);
  EXPECT_EQ(group.limits()[1], 500);
  EXPECT_TRUE(group.exceeds({1, 501, 0}));
}

TEST(QuotaGroup, IgnoresLimitsThatAreNoUse) {
  const PoolSettings settings;
  QuotaGroup group(limited(Dimension::tokens_per_minute, 1000), settings);
  for (const double limit : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    group.observe(reading(Dimension::tokens_per_minute, limit), {}, start, start);
    group.observe(reading(Dimension::requests_per_minute, limit), {}, start, start);
  }
  EXPECT_EQ(group.limits()[1], 1000);
  EXPECT_EQ(group.limits()[0], std::nullopt);
}

TEST(QuotaGroup, A429ClosesUntilTheLatestTimeTheServerNamed) {
  const PoolSettings settings;
  QuotaGroup group(GroupSpec{}, settings);
  group.rate_limited(seconds(20), {}, start, start, 0);
  group.rate_limited(seconds(5), {}, start, start + seconds(1), 0);
  EXPECT_EQ(group.gate(start + seconds(1)), start + seconds(20));
  group.rate_limited(std::chrono::hours(5), {}, start, start + seconds(2), 0);
  EXPECT_EQ(group.gate(start + seconds(2)), start + seconds(2) + std::chrono::minutes(15));
}

TEST(QuotaGroup, PausesWithoutANamedTimeDoubleOncePerClosing) {
  const PoolSettings settings;
  QuotaGroup group(GroupSpec{}, settings);
  TimePoint now = start;
  for (const int most_s : {1, 2, 4, 8, 16, 32, 60, 60}) {
    const TimePoint sent = now;
    for (int i = 0; i < 50; ++i) group.rate_limited({}, {}, sent, now + milliseconds(i), 0.999);
    const double pause_s = batchrun::seconds(group.closed_until() - now);
    EXPECT_LE(pause_s, most_s);
    EXPECT_GE(pause_s, 0.99 * most_s);
    now = group.closed_until();
  }
  group.succeeded(start);
  group.rate_limited({}, {}, now, now, 0);
  EXPECT_EQ(group.closed_until(), now + milliseconds(500));
}

TEST(QuotaGroup, ClimbsToItsLimitsWhereARiseIsPunished) {
  PoolSettings settings;
  GroupSpec spec{.name = "org", .limits = {}, .ramp = std::chrono::minutes(1)};
  spec.limits[0] = 600;
  const auto sent_in_ten_seconds = [&](QuotaGroup group) {
    int sent = 0;
    for (TimePoint now = start; now < start + std::chrono::seconds(10);) {
      const TimePoint when = std::max(now, group.ready_at({}, now));
      if (when == now && group.gate(now) <= now) {
        group.take({}, now);
        ++sent;
      } else {
        EXPECT_GT(when, now);
        now = when;
      }
    }
    return sent;
  };
  EXPECT_LE(sent_in_ten_seconds(QuotaGroup(spec, settings)), 34);
  spec.history.sent = {{start - std::chrono::seconds(20), {}}};
  EXPECT_GE(sent_in_ten_seconds(QuotaGroup(spec, settings)), 95) << "recently warm";
}

TEST(QuotaGroup, ADayThatIsGoneComesBackWhenItTurns) {
  PoolSettings settings;
  settings.keep_history = true;
  settings.epoch = std::chrono::sys_days(std::chrono::days(20'000));
  GroupSpec spec{.name = "org", .limits = {}, .day = DayRule::utc_midnight};
  QuotaGroup group(spec, settings);
  const TimePoint now{std::chrono::hours(20)}, turns{std::chrono::hours(24) + std::chrono::seconds(5)};
  group.day_gone({}, now);
  EXPECT_EQ(group.gate(now), turns);
  EXPECT_EQ(group.ready_at({}, now), turns);
  EXPECT_EQ(group.day_gone_until(), turns);
  EXPECT_FALSE(group.retired());
  EXPECT_EQ(group.take_history().out_until, turns);
  group.day_gone(std::chrono::seconds(9), now);
  EXPECT_EQ(group.gate(now), turns) << "the latest time counts";
  EXPECT_EQ(group.ready_at({}, turns), turns);
}

// Somebody else, or a run that was killed, has used what our own count says is left.
TEST(QuotaGroup, ADayThatWasGoneIsAskedWithOneRequestAndThenWithMore) {
  const PoolSettings settings;
  QuotaGroup group(limited(Dimension::requests_per_day, 100), settings);
  const auto open = [&](TimePoint now) {
    for (int n = 0;; ++n) {
      if (group.full() || group.ready_at({}, now) > now) return n;
      group.take({}, now);
    }
  };
  TimePoint sent = start, now = start + seconds(1);
  const auto answer = [&](int n) {
    while (n-- > 0) {
      group.settle({}, {}, sent, now);
      group.succeeded(sent);
    }
  };
  for (int i = 0; i < 3; ++i) group.take({}, start);
  group.day_gone(minutes(10), now);
  answer(3);
  EXPECT_EQ(open(now), 0);
  for (const int at_once : {1, 2, 4, 8}) {
    sent = now = std::max(now, group.day_gone_until()) + seconds(1);
    EXPECT_EQ(open(now), at_once) << "what had been sent before the day was gone says nothing";
    now += seconds(1);
    answer(at_once);
  }
  group.day_gone(minutes(10), now);
  EXPECT_EQ(open(now + minutes(11)), 1);
}

TEST(QuotaGroup, TellsWhatWasSentBySecondAndOnlyOnce) {
  PoolSettings settings;
  settings.keep_history = true;
  QuotaGroup group(GroupSpec{}, settings);
  const auto at = [](int ms) { return start + milliseconds(ms); };
  group.take({1, 10, 5}, at(100));
  group.take({1, 20, 5}, at(900));
  group.take({1, 40, 5}, at(2000));
  group.settle({1, 20, 5}, {1, 17, 5}, at(900), at(2500));
  const auto first = group.take_history().sent;
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].at, start);
  EXPECT_EQ(first[0].cost, (Cost{2, 27, 10}));
  EXPECT_EQ(first[1].cost, (Cost{1, 40, 5}));
  group.settle({1, 10, 5}, {0, 0, 0}, at(100), at(3000));
  const auto second = group.take_history().sent;
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].cost, (Cost{-1, -10, -5}));
  EXPECT_TRUE(group.take_history().sent.empty());
}

GroupHistory sent_before(std::vector<SentSlot> sent) {
  GroupHistory history;
  history.sent = std::move(sent);
  return history;
}

TEST(QuotaGroup, AMinuteThatAnEarlierRunUsedIsUsed) {
  const PoolSettings settings;
  GroupSpec spec = limited(Dimension::tokens_per_minute, 60'000);
  spec.history =
      sent_before({{start - seconds(20), {10, 40'000, 0}}, {start - seconds(40), {10, 19'000, 0}}});
  QuotaGroup group(spec, settings);
  EXPECT_FALSE(fits(group, {1, 1500, 0}, start));
  EXPECT_TRUE(fits(group, {1, 900, 0}, start));
  EXPECT_NEAR(batchrun::seconds(group.ready_at({1, 1500, 0}, start) - start), 20.3, 0.1);
}

TEST(QuotaGroup, ADayThatAnEarlierRunUsedIsUsed) {
  PoolSettings settings;
  GroupSpec spec = limited(Dimension::tokens_per_day, 1000);
  spec.history = sent_before({{start - std::chrono::hours(20), {1, 700, 0}}});
  {
    QuotaGroup group(spec, settings);
    EXPECT_FALSE(fits(group, {1, 400, 0}, start));
    EXPECT_NEAR(batchrun::seconds(group.ready_at({1, 400, 0}, start) - start), 4 * 3600, 301);
  }
  // The pool's start is 15:00 in California in summer: a run of the evening before was another day's.
  spec.day = DayRule::pacific_midnight;
  settings.epoch = std::chrono::sys_days(std::chrono::year(2026) / 7 / 14) + std::chrono::hours(21);
  QuotaGroup group(spec, settings);
  EXPECT_TRUE(fits(group, {1, 1000, 0}, start));
  group.take({1, 1000, 0}, start);
  EXPECT_EQ(group.ready_at({1, 1, 0}, start), start + std::chrono::hours(9));
  EXPECT_EQ(group.day_spent_until(start), start + std::chrono::hours(9));
}

TEST(QuotaGroup, RemembersTheLastDayThatWasSpent) {
  const PoolSettings settings;
  GroupSpec spec = limited(Dimension::requests_per_day, 1);
  spec.day = DayRule::utc_midnight;
  QuotaGroup group(spec, settings);
  const Cost row{.requests = 1};
  EXPECT_FALSE(group.last_spent_day(row, start));
  group.take(row, start);
  const TimePoint turns{std::chrono::hours(24)};
  for (const TimePoint now : {start, turns - seconds(1), turns, turns + std::chrono::hours(5)}) {
    const auto spent = group.last_spent_day(row, now);
    ASSERT_TRUE(spent);
    EXPECT_EQ(spent->until, turns);
    EXPECT_EQ(spent->dimension, Dimension::requests_per_day);
  }
  const TimePoint later = turns + std::chrono::hours(6);
  group.day_gone(std::chrono::hours(1), later);
  const auto gone = group.last_spent_day(row, later);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->until, later + std::chrono::hours(1));
  EXPECT_FALSE(gone->dimension);
}

TEST(QuotaGroup, ADayThatTurnsOutNotToBeSpentEndedNow) {
  const PoolSettings settings;
  GroupSpec spec = limited(Dimension::tokens_per_day, 100);
  spec.day = DayRule::utc_midnight;
  QuotaGroup group(spec, settings);
  group.take({1, 100, 0}, start);
  EXPECT_EQ(group.last_spent_day({1, 50, 0}, start)->until, TimePoint(std::chrono::hours(24)));
  group.settle({1, 100, 0}, {1, 20, 0}, start, start + seconds(3));
  EXPECT_EQ(group.last_spent_day({1, 50, 0}, start + seconds(3))->until, start + seconds(3));
}

TEST(QuotaGroup, ALimitAnEarlierRunLearnedHoldsWhereNoneIsConfigured) {
  const PoolSettings settings;
  GroupSpec spec = limited(Dimension::tokens_per_minute, 60'000);
  spec.history.learned_limits[0] = 30;
  spec.history.learned_limits[1] = 100;
  spec.history.out_until = start + seconds(70);
  QuotaGroup group(spec, settings);
  EXPECT_EQ(group.limits()[0], 30);
  EXPECT_EQ(group.limits()[1], 60'000);
  EXPECT_EQ(group.ready_at({}, start), start + seconds(70));
}

TEST(QuotaGroup, ALimitAnEarlierSearchFoundIsNotForEver) {
  const PoolSettings settings;
  GroupSpec spec{.name = "org", .limits = {}};
  spec.search_limits = true;
  spec.history.learned_limits[0] = 600;
  QuotaGroup group(spec, settings);
  TimePoint now = start;
  for (int i = 0; i < 20 * 60; ++i) {
    now = std::max(now + seconds(1), group.ready_at({}, now));
    group.take({}, now);
  }
  EXPECT_GT(*group.limits()[0], 650);
  group.observe(reading(Dimension::requests_per_minute, 500), {}, now, now);
  EXPECT_EQ(group.limits()[0], 500) << "a reply knows better";
}

TEST(QuotaGroup, TellsALearnedLimitOnceUntilItChanges) {
  const PoolSettings settings;
  QuotaGroup group(GroupSpec{}, settings);
  group.observe(reading(Dimension::requests_per_minute, 100), {}, start, start);
  EXPECT_EQ(group.take_history().learned_limits[0], 100);
  EXPECT_EQ(group.take_history().learned_limits[0], std::nullopt);
  group.observe(reading(Dimension::requests_per_minute, 50), {}, start, start);
  EXPECT_EQ(group.take_history().learned_limits[0], 50);
}

TEST(QuotaGroup, AbsorbsWhatIsKnownOfOneThatIsTheSame) {
  const PoolSettings settings;
  GroupSpec spec = limited(Dimension::tokens_per_minute, 1000);
  QuotaGroup ours(spec, settings);
  spec.limits[0] = 30;
  spec.limits[1] = 800;
  spec.limits[5] = 5000;
  spec.max_concurrent = 4;
  QuotaGroup theirs(spec, settings);
  ours.take({1, 200, 0}, start);
  theirs.take({1, 300, 0}, start);
  theirs.rate_limited(seconds(9), {}, start, start, 0);
  const std::uint64_t version = ours.version();
  ours.absorb(theirs, start);
  EXPECT_NE(ours.version(), version);
  EXPECT_EQ(ours.limits()[0], 30);
  EXPECT_EQ(ours.limits()[1], 800);
  EXPECT_EQ(ours.used(start)[1], 500);
  EXPECT_EQ(ours.used(start)[5], 300) << "what it knows of the day";
  EXPECT_EQ(ours.total()[1], 500);
  EXPECT_EQ(ours.in_flight(), 2U);
  EXPECT_EQ(ours.max_concurrent(), 4U);
  EXPECT_EQ(ours.closed_until(), start + seconds(9));
  EXPECT_FALSE(theirs.limited());
  EXPECT_EQ(theirs.total()[1], 0);
  // Both requests are settled here.
  ours.settle({1, 200, 0}, {1, 100, 0}, start, start + seconds(1));
  ours.settle({1, 300, 0}, {1, 100, 0}, start, start + seconds(1));
  EXPECT_EQ(ours.used(start + seconds(1))[1], 200);
  // A reply to what was sent before counted the other's requests, which were no one else's.
  ServerLimits limits;
  limits.any = true;
  limits[Dimension::tokens_per_minute] = {.limit = 700, .remaining = 0, .resets_in = {}};
  ours.observe(limits, {}, start - seconds(1), start + seconds(1));
  EXPECT_EQ(ours.limits()[1], 800);
}

}  // namespace
}  // namespace batchrun
