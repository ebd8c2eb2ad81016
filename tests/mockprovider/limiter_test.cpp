#include "bench/mockprovider/limiter.h"

#include <gtest/gtest.h>

#include <vector>

#include "bench/mockprovider/random.h"

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;

struct Sent {
  Moment at;
  double cost;
};

// Sends as greedily as the limiter allows; the costs and the gaps come from the seed.
std::vector<Sent> greedy_run(Limiter& limiter, std::uint64_t seed, double most, Moment until) {
  Random random(seed);
  std::vector<Sent> sent;
  Moment now{};
  while (now < until) {
    const double cost = 1 + static_cast<double>(random.next() % static_cast<std::uint64_t>(most));
    const auto wait = limiter.wait_for(cost, now);
    if (!wait) break;
    if (*wait > Moment::zero()) {
      EXPECT_GT(*limiter.wait_for(cost, now + *wait / 2), Moment::zero())
          << "the wait told is longer than needed";
      now += *wait;
      EXPECT_EQ(*limiter.wait_for(cost, now), Moment::zero()) << "the wait told is too short";
    }
    limiter.take(cost, now);
    sent.push_back({now, cost});
    now += Moment(random.next() % 200'000'000);
  }
  return sent;
}

double sum_between(const std::vector<Sent>& sent, Moment from, Moment until) {
  double sum = 0;
  for (const Sent& s : sent) {
    if (s.at >= from && s.at < until) sum += s.cost;
  }
  return sum;
}

TEST(FixedWindow, HoldsItsLimitInEveryAlignedWindow) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Limiter limiter({.kind = LimiterKind::fixed_window, .limit = 500, .window = 60s});
    const auto sent = greedy_run(limiter, seed, 60, 10min);
    ASSERT_GT(sent.size(), 100u);
    for (Moment start{}; start < 10min; start += 60s) {
      EXPECT_LE(sum_between(sent, start, start + 60s), 500) << "seed " << seed;
    }
  }
}

TEST(FixedWindow, StartsAgainAtTheBoundaryAndNotBefore) {
  Limiter limiter({.kind = LimiterKind::fixed_window, .limit = 10, .window = 60s});
  limiter.take(10, 59s);
  EXPECT_EQ(limiter.wait_for(1, 59s), Moment(1s));
  EXPECT_EQ(limiter.resets_in(59s), Moment(1s));
  EXPECT_EQ(limiter.wait_for(10, 60s), Moment::zero());
  EXPECT_EQ(limiter.remaining(60s), 10);
}

TEST(WindowFromFirst, HoldsItsLimitInWindowsThatStartWithARequest) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Limiter limiter({.kind = LimiterKind::from_first, .limit = 500, .window = 60s});
    const auto sent = greedy_run(limiter, seed, 60, 10min);
    ASSERT_GT(sent.size(), 100u);
    Moment start = -60s;
    for (const Sent& s : sent) {
      if (s.at < start + 60s) continue;
      start = s.at;
      EXPECT_LE(sum_between(sent, start, start + 60s), 500) << "seed " << seed;
    }
  }
}

TEST(WindowFromFirst, IsOpenUntilSomethingIsTaken) {
  Limiter limiter({.kind = LimiterKind::from_first, .limit = 10, .window = 60s});
  EXPECT_EQ(limiter.wait_for(10, 50s), Moment::zero());
  EXPECT_EQ(limiter.resets_in(50s), Moment::zero());
  limiter.take(10, 59s);
  EXPECT_EQ(limiter.wait_for(1, 60s), Moment(59s)) << "a minute of the clock has no meaning here";
  EXPECT_EQ(limiter.resets_in(60s), Moment(59s));
  EXPECT_EQ(limiter.wait_for(10, 119s), Moment::zero());
  EXPECT_EQ(limiter.remaining(119s), 10);
}

TEST(SlidingLog, HoldsItsLimitInEverySpan) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Limiter limiter({.kind = LimiterKind::sliding_log, .limit = 500, .window = 60s});
    const auto sent = greedy_run(limiter, seed, 60, 10min);
    ASSERT_GT(sent.size(), 100u);
    for (const Sent& s : sent) EXPECT_LE(sum_between(sent, s.at, s.at + 60s), 500) << "seed " << seed;
  }
}

TEST(SlidingLog, ForgetsExactlyOneWindowLater) {
  Limiter limiter({.kind = LimiterKind::sliding_log, .limit = 10, .window = 60s});
  limiter.take(6, 1s);
  limiter.take(4, 31s);
  EXPECT_EQ(limiter.wait_for(3, 40s), Moment(21s));
  EXPECT_EQ(limiter.wait_for(7, 40s), Moment(51s));
  EXPECT_EQ(limiter.resets_in(40s), Moment(51s));
  EXPECT_EQ(limiter.remaining(61s - 1ns), 0);
  EXPECT_EQ(limiter.remaining(61s), 6);
}

// Both by the definition: the sums of aligned windows, worked out anew for each request.
TEST(SlidingCounter, HoldsItsLimitWithTheLastWindowFading) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Limiter limiter({.kind = LimiterKind::sliding_counter, .limit = 500, .window = 60s});
    const auto sent = greedy_run(limiter, seed, 60, 10min);
    ASSERT_GT(sent.size(), 100u);
    for (const Sent& s : sent) {
      const Moment start = s.at - s.at % Moment(60s);
      const double last = sum_between(sent, start - 60s, start);
      const double sum = sum_between(sent, start, s.at + 1ns) + last * (1 - in_seconds(s.at - start) / 60);
      EXPECT_LE(sum, 500 + 1e-3) << "seed " << seed;
    }
  }
}

TEST(SlidingCounter, CountsTheLastWindowByTheShareThatIsLeftOfIt) {
  Limiter limiter({.kind = LimiterKind::sliding_counter, .limit = 10, .window = 60s});
  limiter.take(8, 59s);
  EXPECT_NEAR(limiter.used(60s), 8, 1e-9);
  EXPECT_NEAR(limiter.used(75s), 6, 1e-9);
  EXPECT_NEAR(in_seconds(*limiter.wait_for(5, 75s)), 7.5, 1e-6) << "until 5 of the 8 are left";
  limiter.take(4, 75s);
  EXPECT_NEAR(in_seconds(*limiter.wait_for(8, 75s)), 45 + 30, 1e-6) << "until 2 of the 4 are left";
  EXPECT_EQ(limiter.resets_in(75s), Moment(105s));
  EXPECT_EQ(limiter.remaining(180s), 10);
}

TEST(SlidingCounter, ForgetsWindowsBeforeTheLast) {
  Limiter limiter({.kind = LimiterKind::sliding_counter, .limit = 10, .window = 60s});
  limiter.take(10, 10s);
  EXPECT_EQ(limiter.wait_for(10, 120s), Moment::zero());
}

TEST(TokenBucket, NeverGivesMoreThanCapacityAndRefill) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Limiter limiter({.kind = LimiterKind::token_bucket, .limit = 600, .window = 60s, .bucket = 10s});
    const auto sent = greedy_run(limiter, seed, 60, 5min);
    ASSERT_GT(sent.size(), 50u);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      double sum = 0;
      for (std::size_t j = i; j < sent.size(); ++j) {
        sum += sent[j].cost;
        ASSERT_LE(sum, 100 + 10 * in_seconds(sent[j].at - sent[i].at) + 1e-3) << "seed " << seed;
      }
    }
  }
}

TEST(TokenBucket, StartsFullAndRefillsEvenly) {
  Limiter limiter({.kind = LimiterKind::token_bucket, .limit = 60, .window = 60s, .bucket = 60s});
  EXPECT_EQ(limiter.remaining(0s), 60);
  limiter.take(60, 0s);
  EXPECT_NEAR(limiter.remaining(15s), 15, 1e-9);
  EXPECT_NEAR(in_seconds(limiter.resets_in(15s)), 45, 1e-6);
}

TEST(TokenBucket, HoldsTheLargestRequestHoweverShortItsTime) {
  Limiter limiter({.kind = LimiterKind::token_bucket, .limit = 600, .bucket = 1s, .largest = 40});
  EXPECT_EQ(limiter.capacity(), 40);
  limiter.take(40, 0s);
  EXPECT_NEAR(in_seconds(*limiter.wait_for(40, 0s)), 4, 1e-6);
}

constexpr LimiterKind all_kinds[] = {LimiterKind::fixed_window, LimiterKind::from_first,
                                     LimiterKind::sliding_log, LimiterKind::sliding_counter,
                                     LimiterKind::token_bucket};

TEST(Limiter, CostAboveCapacityNeverFits) {
  for (auto kind : all_kinds) {
    Limiter limiter({.kind = kind, .limit = 600, .window = 60s, .bucket = 10s});
    const double capacity = kind == LimiterKind::token_bucket ? 100 : 600;
    EXPECT_EQ(limiter.capacity(), capacity);
    EXPECT_EQ(limiter.wait_for(capacity, 0s), Moment::zero());
    EXPECT_EQ(limiter.wait_for(capacity + 1, 0s), std::nullopt);
  }
}

TEST(Limiter, WhatIsTakenPastTheLimitIsWaitedFor) {
  for (auto kind : all_kinds) {
    Limiter limiter({.kind = kind, .limit = 60, .window = 60s, .bucket = 60s});
    limiter.take(90, 0s);
    EXPECT_EQ(limiter.remaining(1s), 0);
    EXPECT_GT(*limiter.wait_for(1, 1s), Moment::zero());
  }
}

}  // namespace
}  // namespace batchrun::mock
