#include "pool/scheduler.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace batchrun {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};

PoolSpec pool_of(std::uint32_t groups, std::uint32_t keys_each) {
  PoolSpec spec;
  for (std::uint32_t g = 0; g < groups; ++g) {
    spec.groups.push_back(GroupSpec{.name = "org", .limits = {}});
    for (std::uint32_t k = 0; k < keys_each; ++k) spec.keys.push_back({.alias = "key", .group = {g}});
  }
  return spec;
}

LaneSpec lane_of(std::uint32_t from, std::uint32_t to) {
  LaneSpec lane{.name = "lane", .candidates = {}};
  for (std::uint32_t key = from; key < to; ++key) lane.candidates.push_back({.key = {key}});
  return lane;
}

Outcome failed(FaultKind kind, std::optional<Duration> retry_after = {}) {
  Outcome outcome;
  outcome.fault =
      Fault{.kind = kind, .status = 0, .message = {}, .retry_after = retry_after, .dimension = {}};
  return outcome;
}

// A scheduler whose attempts are answered by hand; attempts left over are answered at the end.
class Bench {
 public:
  explicit Bench(const PoolSpec& spec) : scheduler(spec) {
    scheduler.add_lane(lane_of(0, static_cast<std::uint32_t>(spec.keys.size())));
  }
  ~Bench() {
    while (!out.empty()) answer(failed(FaultKind::cancelled));
  }

  void submit(std::uint32_t row, double tokens = 10, std::uint32_t lane = 0) {
    scheduler.submit({.row = {row}, .lane = {lane}, .input_tokens = tokens}, now);
  }
  void submit_rows(std::uint32_t rows) {
    for (std::uint32_t row = 0; row < rows; ++row) submit(row);
  }

  // Admits one row; false if none may go.
  bool go() {
    Decision decision = scheduler.next(now);
    if (auto* dispatch = std::get_if<Dispatch>(&decision)) out.push_back(std::move(*dispatch));
    return std::holds_alternative<Dispatch>(decision);
  }
  KeyId key() const { return out.back().permit.key(); }

  // Answers the oldest attempt.
  Disposition answer(const Outcome& outcome, Scheduler::Again again = Scheduler::Again::queue) {
    Dispatch dispatch = std::move(out.front());
    out.pop_front();
    const Job job = dispatch.job;
    return scheduler.settle(std::move(dispatch.permit), job, outcome, now, again);
  }

  // Goes to when the scheduler wants to be asked again, if it does.
  bool sleep() {
    const Decision decision = scheduler.next(now);
    const auto* wait = std::get_if<Wait>(&decision);
    if (wait == nullptr || wait->until == never) return false;
    EXPECT_GT(wait->until, now);
    now = wait->until;
    return true;
  }

  template <class What>
  bool says() {
    return std::holds_alternative<What>(scheduler.next(now));
  }

  TimePoint now = start;
  Scheduler scheduler;
  std::deque<Dispatch> out;
};

TEST(Scheduler, EmptyItWaitsAndClosedItIsDrained) {
  Bench bench(pool_of(1, 1));
  EXPECT_TRUE(bench.says<Wait>());
  bench.submit(1);
  bench.scheduler.close();
  ASSERT_TRUE(bench.go());
  EXPECT_TRUE(bench.says<Wait>());
  EXPECT_EQ(bench.answer({}).next, Disposition::Next::finished);
  EXPECT_TRUE(bench.says<Drained>());
}

TEST(Scheduler, GoesInOrderUpToTheMostInFlight) {
  PoolSpec spec = pool_of(2, 2);
  spec.settings.max_in_flight = 3;
  Bench bench(spec);
  bench.submit_rows(5);
  for (std::uint32_t row = 0; row < 3; ++row) {
    ASSERT_TRUE(bench.go());
    EXPECT_EQ(bench.out.back().job.row, RowId{row});
  }
  EXPECT_FALSE(bench.go());
  EXPECT_EQ(bench.scheduler.waiting(), 2U);
  EXPECT_EQ(bench.scheduler.in_flight(), 3U);
  bench.answer({});
  EXPECT_TRUE(bench.go());
}

TEST(Scheduler, ConcurrencyOfKeyAndGroupHold) {
  PoolSpec spec = pool_of(2, 2);
  spec.keys[0].max_concurrent = 1;
  spec.groups[1].max_concurrent = 1;
  spec.keys[1].max_concurrent = 2;
  Bench bench(spec);
  bench.submit_rows(10);
  int sent = 0;
  while (bench.go()) ++sent;
  EXPECT_EQ(sent, 4);
  bench.answer({});
  EXPECT_TRUE(bench.go());
  EXPECT_FALSE(bench.go());
}

TEST(Scheduler, StopDropsWhatWaitsAndDrainsWhatFlies) {
  Bench bench(pool_of(1, 1));
  bench.submit_rows(3);
  bench.go();
  bench.scheduler.stop();
  EXPECT_TRUE(bench.says<Wait>());
  bench.answer(failed(FaultKind::server_error));
  EXPECT_TRUE(bench.says<Drained>());
}

TEST(Scheduler, LanesTakeTurns) {
  PoolSpec spec = pool_of(1, 1);
  Bench bench(spec);
  bench.scheduler.add_lane(lane_of(0, 1));
  for (std::uint32_t row = 0; row < 100; ++row) bench.submit(row, 10, 0);
  for (std::uint32_t row = 100; row < 103; ++row) bench.submit(row, 10, 1);
  int of_second = 0;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(bench.go());
    of_second += bench.out.back().job.lane == LaneId{1};
  }
  EXPECT_EQ(of_second, 3);
}

TEST(Scheduler, TheStrategyMayChangeWhileItRuns) {
  PoolSpec spec = pool_of(1, 3);
  spec.settings.strategy = Strategy::round_robin;
  Bench bench(spec);
  bench.submit_rows(12);
  std::vector<std::uint32_t> keys;
  const auto send = [&](int rows) {
    keys.clear();
    for (int i = 0; i < rows; ++i) {
      ASSERT_TRUE(bench.go());
      keys.push_back(bench.key().value);
    }
  };
  send(4);
  EXPECT_EQ(keys, (std::vector<std::uint32_t>{0, 1, 2, 0}));
  bench.scheduler.set_strategy(Strategy::least_used);
  send(2);
  EXPECT_EQ(keys, (std::vector<std::uint32_t>{1, 2}));
  bench.scheduler.set_strategy(Strategy::lru);
  send(3);
  EXPECT_EQ(keys, (std::vector<std::uint32_t>{0, 1, 2}));
}

TEST(Scheduler, ARowOfItsOwnFaultIsGivenUpAndNoKeyIsBlamed) {
  for (const FaultKind kind : {FaultKind::bad_request, FaultKind::content_refused, FaultKind::too_large}) {
    Bench bench(pool_of(1, 1));
    for (std::uint32_t row = 0; row < 10; ++row) {
      bench.submit(row);
      ASSERT_TRUE(bench.go()) << name(kind);
      const Disposition came = bench.answer(failed(kind));
      EXPECT_EQ(came.next, Disposition::Next::given_up);
      EXPECT_EQ(came.why, GiveUp::permanent);
    }
    EXPECT_EQ(bench.scheduler.figures(bench.now).keys[0].state, KeyState::healthy);
  }
}

TEST(Scheduler, AfterSixCountedAttemptsTheRowIsGivenUp) {
  Bench bench(pool_of(4, 1));
  bench.submit(0);
  int attempts = 0;
  Disposition came;
  do {
    while (!bench.go()) ASSERT_TRUE(bench.sleep());
    came = bench.answer(failed(FaultKind::server_error));
    ++attempts;
  } while (came.next == Disposition::Next::requeued);
  EXPECT_EQ(attempts, 6);
  EXPECT_EQ(came.why, GiveUp::attempts_spent);
}

// As it would have been queued: its attempts go on counting when it is submitted again.
TEST(Scheduler, AFailedRowIsHandedBackToWhoWantsToDecideWhenItGoes) {
  Bench bench(pool_of(4, 1));
  bench.submit(0);
  int attempts = 0;
  Disposition came;
  do {
    while (!bench.go()) ASSERT_TRUE(bench.sleep());
    const KeyId key = bench.key();
    came = bench.answer(failed(FaultKind::server_error), Scheduler::Again::hand_back);
    ++attempts;
    if (came.next != Disposition::Next::handed_back) break;
    ASSERT_TRUE(came.job);
    EXPECT_EQ(came.job->row, RowId{0});
    EXPECT_EQ(came.job->attempts, static_cast<std::uint32_t>(attempts));
    EXPECT_EQ(came.job->sends, static_cast<std::uint32_t>(attempts));
    EXPECT_EQ(came.job->last_key, key);
    EXPECT_EQ(bench.scheduler.waiting(), 0U);
    bench.scheduler.submit(*came.job, bench.now);
  } while (attempts < 100);
  EXPECT_EQ(attempts, 6);
  EXPECT_EQ(came.why, GiveUp::attempts_spent);
}

TEST(Scheduler, AFailedRowGoesToAnotherKeyBeforeNewRows) {
  Bench bench(pool_of(2, 1));
  bench.submit_rows(3);
  ASSERT_TRUE(bench.go());
  const KeyId first = bench.key();
  bench.answer(failed(FaultKind::truncated_reply));
  bench.now += milliseconds(101);  // base 50 ms, doubled once
  ASSERT_TRUE(bench.go());
  EXPECT_EQ(bench.out.back().job.row, RowId{0});
  EXPECT_EQ(bench.out.back().job.attempts, 1U);
  EXPECT_NE(bench.key(), first);
}

TEST(Scheduler, A429ClosesTheGroupNotTheRow) {
  Bench bench(pool_of(2, 2));
  bench.submit_rows(1);
  ASSERT_TRUE(bench.go());
  const GroupId closed = bench.out.back().permit.group();
  const Disposition came = bench.answer(failed(FaultKind::rate_limited, seconds(20)));
  EXPECT_EQ(came.next, Disposition::Next::requeued);
  ASSERT_TRUE(bench.go()) << "another group takes it at once";
  EXPECT_NE(bench.out.back().permit.group(), closed);
  EXPECT_EQ(bench.out.back().job.attempts, 0U);
  EXPECT_EQ(bench.out.back().job.sends, 1U);
  bench.answer(failed(FaultKind::rate_limited, seconds(30)));
  ASSERT_TRUE(bench.sleep());
  EXPECT_EQ(bench.now, start + seconds(20));
  EXPECT_TRUE(bench.go());
  EXPECT_EQ(bench.scheduler.figures(bench.now).keys[0].rate_limited +
                bench.scheduler.figures(bench.now).keys[1].rate_limited,
            1U);
}

TEST(Scheduler, AManyTimesRefusedRowIsNotGivenUp) {
  Bench bench(pool_of(1, 1));
  bench.submit(0);
  for (int i = 0; i < 30; ++i) {
    while (!bench.go()) ASSERT_TRUE(bench.sleep());
    ASSERT_EQ(bench.answer(failed(FaultKind::rate_limited)).next, Disposition::Next::requeued);
  }
}

TEST(Scheduler, QuotaGoneTakesTheGroupOutForTheRun) {
  Bench bench(pool_of(2, 2));
  bench.submit_rows(4);
  ASSERT_TRUE(bench.go());
  const GroupId gone = bench.out.back().permit.group();
  bench.answer(failed(FaultKind::quota_exhausted));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(bench.go());
    EXPECT_NE(bench.out.back().permit.group(), gone);
  }
}

TEST(Scheduler, AGoneDayTakesTheGroupOutUntilItTurns) {
  Bench bench(pool_of(1, 2));
  bench.submit_rows(2);
  ASSERT_TRUE(bench.go());
  Outcome gone = failed(FaultKind::quota_exhausted, std::chrono::hours(7));
  gone.fault->dimension = Dimension::requests_per_day;
  EXPECT_EQ(bench.answer(gone).next, Disposition::Next::requeued);
  const KeyFigures figures = bench.scheduler.figures(bench.now).keys[1];
  EXPECT_EQ(figures.state, KeyState::unavailable);
  EXPECT_EQ(figures.usable_at, start + std::chrono::hours(7));
  EXPECT_NE(figures.out_because, "");
  ASSERT_TRUE(bench.sleep());
  EXPECT_EQ(bench.now, start + std::chrono::hours(7));
  EXPECT_TRUE(bench.go());
  EXPECT_EQ(bench.scheduler.figures(bench.now).keys[1].state, KeyState::healthy);
}

TEST(Scheduler, A429ForADayIsAGoneDay) {
  using Named = std::optional<Duration>;
  const std::pair<Named, Duration> cases[] = {{std::nullopt, std::chrono::minutes(15)},  // of a rolling day
                                              {std::chrono::minutes(9), std::chrono::minutes(9)},
                                              {std::chrono::hours(23), std::chrono::hours(23)}};
  for (const auto& [named, back] : cases) {
    Bench bench(pool_of(1, 1));
    bench.submit_rows(3);
    ASSERT_TRUE(bench.go());
    Outcome refused = failed(FaultKind::rate_limited, named);
    refused.fault->dimension = Dimension::tokens_per_day;
    bench.answer(refused);
    ASSERT_TRUE(bench.sleep());
    EXPECT_EQ(bench.now, start + back);
    EXPECT_TRUE(bench.go());
    EXPECT_FALSE(bench.go()) << "one asks";
  }
}

TEST(Scheduler, A401IsProbedOnceAfterFiveSecondsThenTheKeyIsOut) {
  Bench bench(pool_of(1, 1));
  bench.submit_rows(3);
  ASSERT_TRUE(bench.go());
  EXPECT_EQ(bench.answer(failed(FaultKind::unauthorized)).next, Disposition::Next::requeued);
  ASSERT_TRUE(bench.sleep());
  EXPECT_EQ(bench.now, start + seconds(5));
  ASSERT_TRUE(bench.go());
  EXPECT_FALSE(bench.go()) << "one probe";
  bench.answer(failed(FaultKind::unauthorized));
  EXPECT_TRUE(bench.says<Starved>());
  EXPECT_EQ(bench.scheduler.waiting(), 3U);
  EXPECT_EQ(bench.scheduler.figures(bench.now).keys[0].out_because, "refused twice with 401");
}

TEST(Scheduler, ASingle401CostsNothing) {
  Bench bench(pool_of(1, 1));
  bench.submit_rows(3);
  ASSERT_TRUE(bench.go());
  bench.answer(failed(FaultKind::unauthorized));
  ASSERT_TRUE(bench.sleep());
  ASSERT_TRUE(bench.go());
  bench.answer({});
  EXPECT_TRUE(bench.go());
  EXPECT_EQ(bench.out.back().job.attempts, 0U);
}

TEST(Scheduler, WithOtherLanesAliveADeadLanesRowsEnd) {
  PoolSpec spec = pool_of(2, 1);
  Scheduler scheduler(spec);
  const LaneId dead = scheduler.add_lane(lane_of(0, 1));
  scheduler.add_lane(lane_of(1, 2));
  for (std::uint32_t row = 0; row < 3; ++row) scheduler.submit({.row = {row}, .lane = dead}, start);
  Decision first = scheduler.next(start);
  Dispatch& dispatch = std::get<Dispatch>(first);
  scheduler.settle(std::move(dispatch.permit), dispatch.job, failed(FaultKind::quota_exhausted), start);
  for (int i = 0; i < 3; ++i) {
    const Decision decision = scheduler.next(start);
    ASSERT_TRUE(std::holds_alternative<Expired>(decision));
    EXPECT_EQ(std::get<Expired>(decision).why, GiveUp::no_candidate);
  }
  EXPECT_EQ(scheduler.waiting(), 0U);
}

TEST(Scheduler, AModelNobodyMayUseEndsItsRowsThoughKeysAreAlive) {
  Bench bench(pool_of(1, 2));
  bench.submit(0);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(bench.go());
    EXPECT_EQ(bench.answer(failed(FaultKind::model_unavailable)).next, Disposition::Next::requeued);
  }
  const Decision decision = bench.scheduler.next(bench.now);
  ASSERT_TRUE(std::holds_alternative<Expired>(decision));
  EXPECT_EQ(std::get<Expired>(decision).why, GiveUp::no_candidate);
}

TEST(Scheduler, ARowTooLargeForEveryWindowEndsAtOnceWhateverWaitsBeforeIt) {
  PoolSpec spec = pool_of(1, 1);
  spec.groups[0].limits[1] = 1000;
  Bench bench(spec);
  bench.submit(0, 900);
  ASSERT_TRUE(bench.go());
  bench.submit(1, 900);
  bench.submit(2, 1001);
  const Decision decision = bench.scheduler.next(bench.now);
  ASSERT_TRUE(std::holds_alternative<Expired>(decision));
  EXPECT_EQ(std::get<Expired>(decision).job.row, RowId{2});
  EXPECT_EQ(std::get<Expired>(decision).why, GiveUp::exceeds_window);
}

TEST(Scheduler, TooLargeSaysTheServerItGoesToAnotherGroupOrEnds) {
  Bench alone(pool_of(1, 3));
  alone.submit(0);
  ASSERT_TRUE(alone.go());
  const Disposition ended = alone.answer(failed(FaultKind::exceeds_window));
  EXPECT_EQ(ended.next, Disposition::Next::given_up);
  EXPECT_EQ(ended.why, GiveUp::exceeds_window);

  Bench two(pool_of(2, 1));
  two.submit(0);
  ASSERT_TRUE(two.go());
  const KeyId first = two.key();
  EXPECT_EQ(two.answer(failed(FaultKind::exceeds_window)).next, Disposition::Next::requeued);
  ASSERT_TRUE(two.go());
  EXPECT_NE(two.key(), first);
  EXPECT_EQ(two.out.back().job.attempts, 1U);
}

TEST(Scheduler, ARowsLifeEndsWaitingOrFailing) {
  PoolSpec spec = pool_of(1, 1);
  spec.settings.row_deadline = seconds(60);
  spec.settings.max_in_flight = 1;
  Bench bench(spec);
  bench.submit_rows(2);
  ASSERT_TRUE(bench.go());
  ASSERT_TRUE(bench.sleep());
  EXPECT_EQ(bench.now, start + seconds(60));
  const Decision decision = bench.scheduler.next(bench.now);
  ASSERT_TRUE(std::holds_alternative<Expired>(decision));
  EXPECT_EQ(std::get<Expired>(decision).why, GiveUp::deadline);
  EXPECT_EQ(std::get<Expired>(decision).job.row, RowId{1});
  EXPECT_EQ(bench.answer(failed(FaultKind::server_error)).why, GiveUp::deadline);
}

// Two groups have a day for one request each, and the first one's turns sooner. Only a row that can go to
// neither waits for the day; one that a pause of a group keeps waits for that.
TEST(Scheduler, ARowWhoseLifeEndsWaitingForADayIsToldWhich) {
  for (const bool other_is_spent : {true, false}) {
    PoolSpec spec = pool_of(2, 2);
    spec.settings.row_deadline = seconds(60);
    spec.settings.row_deadline_is_firm = true;
    spec.groups[0].limits[static_cast<std::size_t>(Dimension::requests_per_day)] = 1;
    spec.groups[0].day = DayRule::utc_midnight;
    if (other_is_spent) spec.groups[1].limits[static_cast<std::size_t>(Dimension::tokens_per_day)] = 15;
    if (!other_is_spent) spec.groups[1].max_concurrent = 1;
    spec.settings.epoch = std::chrono::sys_seconds(std::chrono::hours(20));
    Bench bench(spec);
    bench.submit_rows(3);
    ASSERT_TRUE(bench.go());
    ASSERT_TRUE(bench.go());
    bench.now = start + seconds(60);
    const Decision decision = bench.scheduler.next(bench.now);
    ASSERT_TRUE(std::holds_alternative<Expired>(decision));
    const auto& spent = std::get<Expired>(decision).spent_day;
    EXPECT_EQ(std::get<Expired>(decision).why, GiveUp::deadline);
    ASSERT_EQ(spent.has_value(), other_is_spent);
    while (!bench.out.empty()) bench.answer({});
    if (!spent) continue;
    EXPECT_EQ(spent->group, GroupId{0});
    EXPECT_EQ(spent->dimension, Dimension::requests_per_day);
    EXPECT_EQ(spent->until, TimePoint(std::chrono::hours(4)));  // midnight, four hours after the epoch
  }
}

// The day's quota comes back a day after it was used, which is just when the life of the rows ends that were
// read with the first.
TEST(Scheduler, ARowOutlivesTheDayItWaitsForUnlessItsDeadlineIsFirm) {
  for (const bool firm : {false, true}) {
    PoolSpec spec = pool_of(1, 1);
    spec.settings.row_deadline_is_firm = firm;
    spec.groups[0].limits[static_cast<std::size_t>(Dimension::requests_per_day)] = 1;
    Bench bench(spec);
    bench.submit_rows(3);
    int sent = 0, expired = 0;
    while (sent + expired < 3 && bench.now < start + std::chrono::hours(24 * 4)) {
      Decision decision = bench.scheduler.next(bench.now);
      if (auto* go = std::get_if<Dispatch>(&decision)) {
        bench.out.push_back(std::move(*go));
        bench.answer({});
        ++sent;
      } else if (std::holds_alternative<Expired>(decision)) {
        ++expired;
      } else {
        bench.now = std::get<Wait>(decision).until;
      }
    }
    EXPECT_EQ(sent, firm ? 1 : 3);
    EXPECT_EQ(expired, firm ? 2 : 0);
  }
}

// Two rows use the day up. It turns some hours later, which may be just before the life of the others ends:
// they live on for as long as a row that comes then, whether they wait or have just failed.
TEST(Scheduler, ARowThatWaitedForADayHasAWholeLifeOnceItTurned) {
  using std::chrono::hours;
  using std::chrono::minutes;
  struct Case {
    DayRule rule;
    Duration turns;  // after the rows came; a rolling day in steps of five minutes
    Duration life;
    bool firm;
    Duration ends;
  };
  const Duration day = hours(24);
  const std::vector<Case> cases = {
      {DayRule::utc_midnight, day - seconds(1), day, false, 2 * day - seconds(1)},
      {DayRule::utc_midnight, day - hours(3), day, false, 2 * day - hours(3)},
      {DayRule::utc_midnight, hours(1), day, false, day + hours(1)},
      {DayRule::utc_midnight, hours(1), hours(2), false, hours(3)},
      {DayRule::pacific_midnight, hours(23), day, false, day + hours(23)},
      {DayRule::rolling, day + minutes(5), day, false, 2 * day + minutes(5)},
      {DayRule::rolling, day + minutes(5), day + minutes(6), false, 2 * day + minutes(11)},
      {DayRule::utc_midnight, day - seconds(1), day, true, day},
      {DayRule::rolling, day + minutes(5), day + minutes(6), true, day + minutes(6)},
  };
  const std::chrono::sys_days date = std::chrono::year(2026) / 10 / 1;
  for (std::size_t number = 0; number < cases.size(); ++number) {
    const Case& its = cases[number];
    SCOPED_TRACE(number);
    PoolSpec spec = pool_of(1, 1);
    spec.settings.row_deadline = its.life;
    spec.settings.row_deadline_is_firm = its.firm;
    spec.settings.max_in_flight = 1;
    const hours midnight{its.rule == DayRule::pacific_midnight ? 7 : 0};
    spec.settings.epoch = date + midnight -
                          std::chrono::duration_cast<seconds>(start.time_since_epoch() + its.turns) +
                          hours(24);
    spec.groups[0].day = its.rule;
    spec.groups[0].limits[static_cast<std::size_t>(Dimension::requests_per_day)] = 2;
    Bench bench(spec);
    bench.submit_rows(4);
    for (int row = 0; row < 2; ++row) {
      ASSERT_TRUE(bench.go());
      bench.answer({});
    }
    ASSERT_FALSE(bench.go());
    bench.now = std::max(start + its.turns, start + its.life - seconds(1));
    ASSERT_TRUE(bench.go()) << "the third row takes half of the next day, and is not answered";
    bench.now = start + its.ends - Duration(1);
    EXPECT_TRUE(bench.says<Wait>());
    if (!its.firm) {
      EXPECT_EQ(bench.answer(failed(FaultKind::server_error)).next, Disposition::Next::requeued);
    }
    bench.now = start + its.ends;
    const Decision decision = bench.scheduler.next(bench.now);
    ASSERT_TRUE(std::holds_alternative<Expired>(decision));
    EXPECT_EQ(std::get<Expired>(decision).why, GiveUp::deadline);
    EXPECT_FALSE(std::get<Expired>(decision).spent_day) << "it waited for something else in the end";
  }
}

TEST(Scheduler, GroupsThatAnEarlierRunFoundToBeOneAreMergedUnlessToldApart) {
  for (const bool told_apart : {false, true}) {
    PoolSpec spec = pool_of(2, 2);
    const std::chrono::sys_seconds on{std::chrono::hours(7)};
    spec.groups[1].history.same_as = {GroupId{0}, on};
    for (GroupSpec& group : spec.groups) group.set_apart = told_apart;
    Bench bench(spec);
    bench.submit(0);
    const PoolFigures figures = bench.scheduler.figures(bench.now);
    EXPECT_EQ(figures.groups.size(), told_apart ? 2U : 1U);
    ASSERT_EQ(figures.merges.size(), told_apart ? 0U : 1U);
    if (told_apart) continue;
    EXPECT_EQ(figures.merges[0].reason, GroupMerge::Reason::earlier_run);
    EXPECT_EQ(figures.merges[0].found_on, on);
    for (const GroupHistory& history : bench.scheduler.take_history()) {
      EXPECT_FALSE(history.same_as) << "it is no news";
    }
  }
}

TEST(Scheduler, ACancelledAttemptIsAsIfItHadNotBeen) {
  Bench bench(pool_of(1, 1));
  bench.submit(0);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(bench.go());
    ASSERT_EQ(bench.answer(failed(FaultKind::cancelled)).next, Disposition::Next::requeued);
  }
  ASSERT_TRUE(bench.go());
  EXPECT_EQ(bench.out.back().job.attempts, 0U);
}

TEST(Scheduler, ChargesWhatTheProviderCharges) {
  struct Case {
    Charging charging;
    Outcome outcome;
    double tokens, requests;
  };
  constexpr Charging reserves_max_tokens, produced{.output = Charging::Output::produced},
      input_only{.output = Charging::Output::free}, produced_uncached{Charging::Output::produced, true},
      reserves_uncached{Charging::Output::reserved, true};
  Outcome good;
  good.usage = {.input_tokens = 80, .cached_tokens = 60, .output_tokens = 30, .known = true};
  Outcome all_cached = good;
  all_cached.usage.cached_tokens = 80;
  Outcome unknown;
  Outcome half = failed(FaultKind::truncated_reply);
  const Case cases[] = {
      {reserves_max_tokens, good, 80 + 50, 1},
      {produced, good, 80 + 30, 1},
      {input_only, good, 80, 1},
      {produced_uncached, good, 20 + 30, 1},
      {produced_uncached, all_cached, 30, 1},
      {reserves_uncached, good, 20 + 50, 1},
      {input_only, unknown, 100, 1},
      {input_only, half, 100, 1},
      {reserves_max_tokens, unknown, 100 + 50, 1},
      {reserves_max_tokens, half, 100 + 50, 1},
      {reserves_max_tokens, failed(FaultKind::rate_limited), 0, 1},
      {reserves_max_tokens, failed(FaultKind::connect), 0, 0},
      {reserves_max_tokens, failed(FaultKind::tls), 0, 0},
      {reserves_max_tokens, failed(FaultKind::timeout_connect), 0, 0},
      {reserves_max_tokens, failed(FaultKind::timeout_first_chunk), 100 + 50, 1},
  };
  for (const Case& c : cases) {
    PoolSpec spec = pool_of(1, 1);
    spec.groups[0].limits[0] = 100;
    spec.groups[0].limits[1] = 10'000;
    spec.groups[0].charging = c.charging;
    Bench bench(spec);
    bench.scheduler.submit({.row = {0}, .lane = {0}, .input_tokens = 100, .max_output_tokens = 50}, start);
    ASSERT_TRUE(bench.go());
    bench.now += seconds(3);
    bench.answer(c.outcome);
    const PoolFigures figures = bench.scheduler.figures(bench.now);
    EXPECT_EQ(figures.groups[0].used[1], c.tokens);
    EXPECT_EQ(figures.groups[0].used[0], c.requests);
    EXPECT_EQ(figures.groups[0].total[1], c.tokens);
  }
}

// Two keys, a thousand rows, everything fails for ten minutes: few sends, and not one row lost.
TEST(Scheduler, ATotalOutageIsWaitedForAndBurnsNoRows) {
  Bench bench(pool_of(2, 1));
  bench.submit_rows(1000);
  const TimePoint back = start + std::chrono::minutes(10);
  int sent_in_outage = 0, finished = 0;
  for (int i = 0; i < 100'000 && finished < 1000; ++i) {
    if (bench.go()) {
      if (bench.out.size() < 20 && bench.now >= back) continue;
      sent_in_outage += bench.now < back;
    } else if (bench.out.empty()) {
      ASSERT_TRUE(bench.sleep());
      continue;
    }
    bench.now += milliseconds(5);
    const Disposition came = bench.answer(bench.now < back ? failed(FaultKind::overloaded) : Outcome{});
    ASSERT_NE(came.next, Disposition::Next::given_up);
    finished += came.next == Disposition::Next::finished;
  }
  EXPECT_EQ(finished, 1000);
  EXPECT_LE(sent_in_outage, 60);
}

TEST(Scheduler, AFailedProbeLetsOtherLanesAskAgain) {
  Bench bench(pool_of(1, 1));
  const LaneId other = bench.scheduler.add_lane(lane_of(0, 1));
  for (std::uint32_t row = 0; row < 3; ++row) bench.submit(row);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bench.go());
  for (int i = 0; i < 3; ++i) bench.answer(failed(FaultKind::overloaded));
  bench.now += seconds(1);
  ASSERT_TRUE(bench.go());
  bench.submit(3, 10, other.value);
  EXPECT_FALSE(bench.go()) << "a probe is out";
  bench.answer(failed(FaultKind::bad_request));
  int sent_of_other = 0;
  for (int i = 0; i < 3; ++i) sent_of_other += bench.go() && bench.out.back().job.lane == other;
  EXPECT_EQ(sent_of_other, 1) << "the provider answers again, and both lanes know";
}

// Answers each row a second after it was sent, until none is left.
void run_out(Bench& bench) {
  std::deque<TimePoint> ends;
  while (bench.scheduler.waiting() > 0 || !bench.out.empty()) {
    if (bench.go()) {
      ends.push_back(bench.now + seconds(1));
      continue;
    }
    const Decision decision = bench.scheduler.next(bench.now);
    const auto* wait = std::get_if<Wait>(&decision);
    const TimePoint until = wait == nullptr ? never : wait->until;
    if (!ends.empty() && ends.front() <= until) {
      bench.now = ends.front();
      ends.pop_front();
      bench.answer({});
    } else {
      ASSERT_GT(until, bench.now);
      ASSERT_NE(until, never);
      bench.now = until;
    }
  }
}

TEST(Scheduler, QuotaFiguresCompareTheRunWithTheBest) {
  PoolSpec spec = pool_of(2, 1);
  spec.groups[0].name = "openai/org-a";
  spec.groups[0].limits[1] = 30'000;
  spec.groups[1].limits[1] = 10'000;
  Bench bench(spec);
  EXPECT_EQ(bench.scheduler.quota_figures(bench.now), std::nullopt);
  for (std::uint32_t row = 0; row < 1'000; ++row) bench.submit(row, 200);
  bench.scheduler.close();
  run_out(bench);
  const auto figures = bench.scheduler.quota_figures(bench.now);
  ASSERT_TRUE(figures);
  EXPECT_NEAR(batchrun::seconds(figures->least), 300, 1);
  EXPECT_GE(figures->efficiency(), 0.97);
  EXPECT_EQ(figures->group, "openai/org-a");
  EXPECT_EQ(figures->dimension, Dimension::tokens_per_minute);
  EXPECT_GE(figures->share.value(), 0.97);
}

// A run that waits for a day to turn is asked ten times a second.
TEST(Scheduler, QuotaFiguresAreMadeAnewAsTheRunGrowsOlder) {
  PoolSpec spec = pool_of(1, 1);
  spec.groups[0].limits[1] = 30'000;
  spec.groups[0].limits[static_cast<std::size_t>(Dimension::requests_per_day)] = 3;
  Bench bench(spec);
  for (std::uint32_t row = 0; row < 100; ++row) bench.submit(row, 200);
  bench.scheduler.close();
  while (bench.go()) {
  }
  for (int i = 0; i < 3; ++i) bench.answer({});
  std::set<Duration> made;
  for (int second = 60; second <= 12 * 3600; ++second) {
    const auto figures = bench.scheduler.quota_figures(start + seconds(second));
    ASSERT_TRUE(figures);
    made.insert(figures->took);
    ASSERT_GE(figures->took, seconds(second) * 58 / 60);
  }
  EXPECT_GT(made.size(), 100u);
  EXPECT_LT(made.size(), 500u) << "and not once a second";
}

TEST(Scheduler, QuotaFiguresOfAShortRunAreNone) {
  PoolSpec spec = pool_of(1, 1);
  spec.groups[0].limits[1] = 30'000;
  Bench bench(spec);
  for (std::uint32_t row = 0; row < 80; ++row) bench.submit(row, 200);
  bench.scheduler.close();
  run_out(bench);
  EXPECT_LT(bench.now, start + seconds(60));
  EXPECT_EQ(bench.scheduler.quota_figures(bench.now), std::nullopt);
}

// Small rows without end, and one large row of which the plan has no other: it goes within its age and the
// time its group needs to save up for it.
TEST(Scheduler, NothingStarvesUnderSaturate) {
  PoolSpec spec = pool_of(2, 1);
  spec.groups[0].limits = {60, 6'000};
  spec.groups[1].limits = {600, 6'000};
  Bench bench(spec);
  std::uint32_t row = 0;
  for (; row < 500; ++row) bench.submit(row, 50);
  bench.submit(9'999, 4'000);
  const TimePoint came = bench.now;
  bool went = false;
  while (!went && bench.now < came + seconds(600)) {
    if (bench.go()) {
      went = bench.out.back().job.row == RowId{9'999};
      bench.answer({});
      bench.submit(++row, 50);
    } else {
      ASSERT_TRUE(bench.sleep());
    }
  }
  EXPECT_TRUE(went);
  EXPECT_LE(bench.now, came + seconds(120));
}

TEST(Scheduler, FiguresTellWhatHappened) {
  PoolSpec spec = pool_of(1, 1);
  spec.groups[0].limits[1] = 60'000;
  Bench bench(spec);
  bench.submit_rows(3);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bench.go());
  Outcome good;
  good.usage = {.input_tokens = 12, .output_tokens = 34, .known = true};
  bench.answer(good);
  bench.answer(failed(FaultKind::server_error));
  const PoolFigures figures = bench.scheduler.figures(bench.now);
  EXPECT_EQ(figures.in_flight, 1U);
  EXPECT_EQ(figures.waiting, 1U);
  EXPECT_EQ(figures.retries, 1U);
  EXPECT_EQ(figures.keys[0].sends, 3U);
  EXPECT_EQ(figures.keys[0].successes, 1U);
  EXPECT_EQ(figures.keys[0].faults, 1U);
  EXPECT_EQ(figures.keys[0].input_tokens, 12U);
  EXPECT_EQ(figures.keys[0].output_tokens, 34U);
  EXPECT_EQ(figures.keys[0].state, KeyState::degraded);
  EXPECT_EQ(figures.groups[0].limits[1], 60'000);
}

TEST(Scheduler, ALimitThatIsNotAboveZeroIsRefused) {
  PoolSpec spec = pool_of(1, 1);
  spec.groups[0].limits[2] = -5;
  EXPECT_THROW(Scheduler{spec}, std::invalid_argument);
}

TEST(SchedulerDeathTest, NothingIsSubmittedAfterClose) {
  EXPECT_DEATH(
      {
        Bench bench(pool_of(1, 1));
        bench.scheduler.close();
        bench.submit(0);
      },
      "after close");
}

}  // namespace
}  // namespace batchrun
