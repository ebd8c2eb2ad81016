#include "pool/provider_health.h"

#include <gtest/gtest.h>

#include <deque>

namespace batchrun {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};
constexpr RowId row{7}, probe{8};

class ProviderOf4 : public testing::Test {
 protected:
  ProviderOf4() {
    for (std::uint32_t i = 0; i < 4; ++i) provider.add(keys.emplace_back(settings), GroupId{i});
  }
  void all_refused(TimePoint when) {
    for (Breaker& key : keys) ASSERT_FALSE(provider.refused(key, row, when));
  }
  // A probe of one key is answered 401; whether that took a key out.
  bool probe_refused(std::size_t key, TimePoint when) {
    provider.sent(keys[key], probe);
    return provider.refused(keys[key], probe, when);
  }

  PoolSettings settings;
  std::deque<Breaker> keys;
  ProviderHealth provider{settings};
};

TEST_F(ProviderOf4, AKeyRefusedTwiceWhileOthersAreAnsweredIsRetired) {
  provider.refused(keys[0], row, start);
  provider.succeeded(keys[1], row, start + seconds(1));
  EXPECT_TRUE(probe_refused(0, start + seconds(5)));
  EXPECT_TRUE(keys[0].retired());
  EXPECT_FALSE(provider.suspected());
}

TEST_F(ProviderOf4, AKeyIsNotRetiredUnlessAnotherWasAnsweredSince) {
  provider.succeeded(keys[1], row, start - seconds(1));
  provider.refused(keys[0], row, start);
  EXPECT_FALSE(probe_refused(0, start + seconds(5)));
  EXPECT_EQ(provider.ready_at(keys[0]), start + seconds(15)) << "the pause doubles";
  provider.succeeded(keys[1], row, start + seconds(6));
  EXPECT_TRUE(probe_refused(0, start + seconds(15)));
}

TEST_F(ProviderOf4, WhereNothingEverWorkedThe401sAreBelieved) {
  all_refused(start);
  EXPECT_FALSE(provider.suspected());
  for (std::size_t key = 0; key < 4; ++key) EXPECT_TRUE(probe_refused(key, start + seconds(5)));
}

TEST_F(ProviderOf4, AllRefusedAtOnceAreProbedOneAtATimeWithGrowingPauses) {
  provider.succeeded(keys[1], row, start - seconds(1));
  all_refused(start);
  EXPECT_TRUE(provider.suspected());
  TimePoint now = start + seconds(5);
  for (const int wait_s : {10, 20, 40, 60, 60}) {
    for (const Breaker& key : keys) ASSERT_EQ(std::max(now, provider.ready_at(key)), now);
    provider.sent(keys[2], probe);
    for (const Breaker& key : keys) ASSERT_EQ(provider.ready_at(key), never) << "one at a time";
    ASSERT_FALSE(provider.refused(keys[2], probe, now));
    for (const Breaker& key : keys) ASSERT_GE(provider.ready_at(key), now + seconds(wait_s));
    ASSERT_EQ(provider.ready_at(keys[1]), now + seconds(wait_s));
    now += seconds(wait_s);
  }
  provider.sent(keys[1], probe);
  provider.succeeded(keys[1], probe, now);
  EXPECT_FALSE(provider.suspected());
  for (const Breaker& key : keys) EXPECT_TRUE(key.closed());
}

TEST_F(ProviderOf4, ProbesFromBeforeTheSuspicionDoNotLengthenThePause) {
  provider.succeeded(keys[1], row, start - seconds(10));
  for (std::size_t key = 0; key < 3; ++key) provider.refused(keys[key], row, start - seconds(5));
  for (std::size_t key = 0; key < 3; ++key) provider.sent(keys[key], probe);
  provider.refused(keys[3], row, start);
  ASSERT_TRUE(provider.suspected());
  for (std::size_t key = 0; key < 3; ++key) EXPECT_FALSE(provider.refused(keys[key], probe, start));
  EXPECT_EQ(provider.ready_at(keys[3]), start + seconds(5));
}

TEST_F(ProviderOf4, AnAnswerOfAnyKindIsAnAnswerOfTheProvider) {
  provider.succeeded(keys[1], row, start - seconds(1));
  all_refused(start);
  provider.sent(keys[0], probe);
  provider.answered(keys[0], probe);
  for (const Breaker& key : keys) EXPECT_TRUE(key.closed());
}

TEST_F(ProviderOf4, ALateGoodAnswerDoesNotClearTheSuspicion) {
  provider.succeeded(keys[1], row, start - seconds(1));
  all_refused(start);
  provider.succeeded(keys[1], RowId{99}, start - milliseconds(1));
  EXPECT_TRUE(provider.suspected());
  EXPECT_FALSE(keys[1].closed());
}

TEST_F(ProviderOf4, AProbeThatFailsOrIsCancelledGivesWayToTheNext) {
  provider.succeeded(keys[1], row, start - seconds(1));
  all_refused(start);
  const TimePoint now = start + seconds(5);
  provider.sent(keys[0], probe);
  provider.failed(keys[0], probe, now);
  EXPECT_EQ(provider.ready_at(keys[1]), now + seconds(5));
  provider.sent(keys[1], probe);
  provider.abandoned(keys[1], probe, now + seconds(6));
  EXPECT_EQ(provider.ready_at(keys[2]), now + seconds(6));
}

TEST_F(ProviderOf4, After15MinutesThe401sAreBelieved) {
  provider.succeeded(keys[1], row, start - seconds(1));
  all_refused(start);
  EXPECT_FALSE(probe_refused(0, start + minutes(15) - seconds(1)));
  EXPECT_TRUE(probe_refused(0, start + minutes(16)));
  for (const Breaker& key : keys) EXPECT_TRUE(key.retired());
}

TEST_F(ProviderOf4, BeyondHalfOfTheKeysACircuitNeedsMoreFailures) {
  const auto fail = [&](std::size_t key, std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) provider.failed(keys[key], RowId{i}, start);
  };
  fail(0, 3);
  fail(1, 3);
  EXPECT_TRUE(keys[0].ejected());
  EXPECT_TRUE(keys[1].ejected());
  fail(2, settings.capped_failure_threshold - 1);
  EXPECT_TRUE(keys[2].closed());
  fail(2, 1);
  EXPECT_FALSE(keys[2].closed()) << "in its own right";
  provider.sent(keys[0], probe);
  provider.succeeded(keys[0], probe, start);
  provider.sent(keys[1], probe);
  provider.succeeded(keys[1], probe, start);
  fail(3, 3);
  EXPECT_FALSE(keys[3].closed()) << "others are back";
}

TEST(ProviderHealth, ALoneKeysCircuitOpensAsEver) {
  PoolSettings settings;
  Breaker key(settings);
  ProviderHealth provider(settings);
  provider.add(key, GroupId{0});
  for (std::uint32_t i = 0; i < 3; ++i) provider.failed(key, RowId{i}, start);
  EXPECT_FALSE(key.closed());
}

TEST_F(ProviderOf4, RefusalsOfThreeGroupsWithinASecondAreOneEvent) {
  EXPECT_FALSE(provider.too_many(GroupId{0}, start));
  EXPECT_FALSE(provider.too_many(GroupId{0}, start + milliseconds(1)));
  EXPECT_FALSE(provider.too_many(GroupId{1}, start + milliseconds(500)));
  EXPECT_TRUE(provider.too_many(GroupId{2}, start + milliseconds(1000)));
  EXPECT_FALSE(provider.too_many(GroupId{3}, start + milliseconds(2001)));
}

}  // namespace
}  // namespace batchrun
