#include "pool/minute_limit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <random>
#include <vector>

#include "tests/support/effort.h"

namespace batchrun {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};
constexpr MinuteLimit::Server plain{.jitter = milliseconds(200), .slice = {}};

MinuteLimit tokens(double limit, const MinuteLimit::Server& server = plain) {
  return MinuteLimit(Dimension::tokens_per_minute, limit, server);
}

bool fits(MinuteLimit& limit, double units, TimePoint now) {
  limit.pass(now);
  return limit.gate(now) <= now && limit.room(now) >= units;
}

// Takes rows of one size as soon as they fit, for so long. Returns how many.
int saturate(MinuteLimit& limit, double units, TimePoint from, Duration during) {
  int taken = 0;
  for (TimePoint now = from; now < from + during;) {
    if (fits(limit, units, now)) {
      limit.take(units, now);
      ++taken;
    } else {
      now = std::max(now + Duration(1), limit.wait_for(units, now));
    }
  }
  return taken;
}

// Whatever is asked for and taken back: no window of the server and the spread of delays is ever over the
// limit, and what ready_at() promises holds.
TEST(MinuteLimit, NeverPassesItsLimitAndKeepsItsPromises) {
  for (unsigned seed = 1; seed <= seeds_of(60); ++seed) {
    std::mt19937 random(seed);
    const double most = seed % 3 == 0 ? 700 : 60'000;
    MinuteLimit limit =
        tokens(most, {.jitter = milliseconds(200),
                      .slice = seed % 4 == 0 ? std::optional<Duration>(seconds(10)) : std::nullopt});
    struct Sent {
      TimePoint at;
      double units;
    };
    std::deque<Sent> sent;
    TimePoint now = start;
    for (int step = 0; step < 1500; ++step) {
      const double units = 1 + static_cast<double>(random() % static_cast<std::uint32_t>(most / 12));
      if (random() % 400 == 0) limit.refused(now);
      if (random() % 300 == 0) now += seconds(random() % 90);
      const TimePoint when = limit.ready_at(units, now);
      ASSERT_LE(limit.gate(now), std::max(now, when));
      if (random() % 4 != 0) now = std::max(now, when);
      ASSERT_EQ(fits(limit, units, now), limit.ready_at(units, now) <= now)
          << "seed " << seed << " step " << step;
      if (!fits(limit, units, now)) continue;
      limit.take(units, now);
      sent.push_back({now, units});
      double window = 0, slice = 0;
      for (const Sent& one : sent) {
        window += one.at > now - milliseconds(60'200) ? one.units : 0;
        slice += one.at > now - milliseconds(10'200) ? one.units : 0;
      }
      ASSERT_LE(window, most) << "seed " << seed << " step " << step;
      if (seed % 4 == 0) {
        ASSERT_LE(slice, std::max(most / 6, units));
      }
      if (random() % 5 == 0) {
        limit.settle(units, 0, {.admitted_at = now, .now = now});
        sent.pop_back();
      }
    }
  }
}

TEST(MinuteLimit, SendsASecondsWorthAtOnceAndNoMoreAfterAPause) {
  MinuteLimit limit = tokens(60'000);
  EXPECT_NEAR(saturate(limit, 10, start, milliseconds(1)), 100, 2);
  saturate(limit, 10, start, std::chrono::minutes(10));  // by now it may catch up lost time
  for (const Duration pause : {Duration(seconds(30)), Duration(std::chrono::hours(9))}) {
    const TimePoint later = start + std::chrono::minutes(10) + pause;
    EXPECT_NEAR(saturate(limit, 10, later, milliseconds(1)), 100, 2);
  }
}

// Figures, and lanes that look for the best group, ask as well.
TEST(MinuteLimit, CatchesUpNoMoreBecauseSomebodyAsked) {
  MinuteLimit limit = tokens(60'000);
  saturate(limit, 10, start, std::chrono::minutes(10));
  const MinuteLimit& asked = limit;
  const TimePoint now = start + std::chrono::minutes(10);
  ASSERT_GT(asked.ready_at(30'000, now), now + seconds(20));
  EXPECT_NEAR(saturate(limit, 10, now + seconds(30), milliseconds(1)), 100, 2);
}

TEST(MinuteLimit, CatchesUpTimeInWhichNothingFitted) {
  MinuteLimit limit = tokens(60'000);
  TimePoint now = start;
  for (int minute = 0; minute < 5; ++minute) saturate(limit, 100, now + minute * seconds(60), seconds(60));
  now += std::chrono::minutes(5);
  limit.count(12'000, now, now);  // somebody else's: nothing fits for 12 s, and then it all leaves at once
  const int lost = saturate(limit, 100, now, seconds(60));
  EXPECT_LT(lost, 500);
  const int found = saturate(limit, 100, now + seconds(60), seconds(10));
  EXPECT_GT(found, 110);  // 100 at the even rate
}

// A second's worth too many at once is what the first refusal means; that the server's bucket is small is
// what the next does; then that it counts otherwise.
TEST(MinuteLimit, KeepsFurtherAwayWithEachRefusal) {
  MinuteLimit limit = tokens(60'000);
  saturate(limit, 500, start, std::chrono::minutes(5));
  TimePoint now = start + std::chrono::minutes(5);
  limit.refused(now);
  saturate(limit, 500, now, std::chrono::minutes(2));
  now += std::chrono::minutes(2);
  limit.refused(now);
  saturate(limit, 500, now, std::chrono::minutes(2));
  now += std::chrono::minutes(2);
  // It saves up: a row of 900 waits until 900 are there.
  limit.take(100, limit.ready_at(100, now + seconds(5)));
  const int before = saturate(limit, 500, now + seconds(10), std::chrono::minutes(2));
  now += seconds(130);
  limit.refused(now);
  const int after = saturate(limit, 500, now, std::chrono::minutes(2));
  EXPECT_LT(after, before);
  EXPECT_GT(after, before * 0.94);
}

TEST(MinuteLimit, HoldsRoomForARowThatWaits) {
  MinuteLimit limit = tokens(60'000);
  saturate(limit, 1000, start, std::chrono::minutes(5));
  const TimePoint now = start + std::chrono::minutes(5);
  const TimePoint when = limit.ready_at(10'000, now);
  ASSERT_GT(when, now);
  const double spare = limit.spare(10'000, when);
  ASSERT_GE(spare, 0);
  limit.save_for(10'000, now);
  if (spare >= 1 && fits(limit, spare, now)) limit.take(spare, now);
  EXPECT_LE(limit.ready_at(10'000, now), when + milliseconds(1));
}

TEST(MinuteLimit, AbsorbsAnotherWithTheLowerLimitAndBothUses) {
  MinuteLimit ours = tokens(6000), theirs = tokens(5000);
  ours.take(2000, start);
  theirs.take(2500, start);
  ours.absorb(theirs, start);
  EXPECT_EQ(ours.limit(), 5000);
  EXPECT_EQ(ours.sum(start), 4500);
  EXPECT_FALSE(fits(ours, 501, start + seconds(50)));
  EXPECT_TRUE(fits(ours, 500, start + seconds(50)));
}

// Each was refused for what the other sent: the limit is what it was said to be after all.
TEST(MinuteLimit, ThatAbsorbsAnotherForgetsTheSearchThatRefusalsBegan) {
  MinuteLimit ours = tokens(6000), theirs = tokens(6000);
  for (int i = 0; i < 200; ++i) {
    const TimePoint now = start + seconds(i);
    for (MinuteLimit* limit : {&ours, &theirs}) {
      if (!fits(*limit, 10, now)) continue;
      limit->take(10, now);
      limit->settle(10, 0, {.admitted_at = now, .now = now, .last = true, .refused = true});
      limit->refused(now);
    }
  }
  ASSERT_TRUE(ours.searched());
  ASSERT_LT(ours.limit(), 6000);
  ours.absorb(theirs, start + seconds(200));
  EXPECT_FALSE(ours.searched());
  EXPECT_EQ(ours.limit(), 6000);
}

// Units that a search allows in all in that time after a cut to one unit a minute (CUBIC, RFC 9438).
double allowed_after_cut(double since_s) {
  double units = 0;
  for (double at_s = 0; at_s < since_s; ++at_s) units += (1 + 0.3 * std::pow(at_s / 60 - 1, 3)) / 60;
  return units;
}

// A storm of refusals leaves a limit of one unit a minute, at which a row is paid off in minutes or hours. As
// the search rises, so does the rate at which it is, and who waits for that is told so.
TEST(MinuteLimit, ThatIsSearchedForLetsRowsGoAsItRises) {
  struct Case {
    double limit, units;
    int storm_s;
  };
  for (const Case& one : {Case{600, 1, 20}, Case{600, 1, 200}, Case{600, 50, 60}, Case{60'000, 50, 20},
                          Case{60'000, 50, 600}, Case{60'000, 500, 200}, Case{6'000'000, 500, 60}}) {
    SCOPED_TRACE(testing::Message() << one.units << " of " << one.limit << ", storm " << one.storm_s);
    MinuteLimit limit = tokens(one.limit);
    TimePoint last_sent = start, refused = start;
    for (int second = 0; second < one.storm_s; ++second) {
      const TimePoint now = start + seconds(second);
      if (!fits(limit, one.units, now)) continue;
      limit.take(one.units, now);
      limit.settle(one.units, 0, {.admitted_at = now, .now = now, .last = true, .refused = true});
      limit.refused(now);
      last_sent = refused = now;
    }
    ASSERT_LT(limit.limit(), one.limit / 10);
    TimePoint now = refused;
    for (int row = 1; row <= 4; ++row) {
      while (!fits(limit, one.units, now))
        now = std::max(now + milliseconds(1), limit.wait_for(one.units, now));
      TimePoint latest = last_sent + seconds(62);  // by then it would go alone
      while (allowed_after_cut(batchrun::seconds(latest - refused)) < (row + 1) * one.units)
        latest += seconds(5);
      EXPECT_LE(now, latest) << "row " << row << " after " << batchrun::seconds(now - refused) << " s";
      limit.take(one.units, now);
      limit.settle(one.units, one.units, {.admitted_at = now, .now = now, .last = true});
      last_sent = now;
    }
  }
}

TEST(MinuteLimit, OfTwoSearchesBecomesOneAroundTheSumOfWhatTheyFound) {
  MinuteLimit ours(Dimension::requests_per_minute, LimitSearch::around(100), plain);
  MinuteLimit theirs(Dimension::requests_per_minute, LimitSearch::around(140), plain);
  const double found = ours.limit() + theirs.limit();
  ours.absorb(theirs, start);
  EXPECT_TRUE(ours.searched());
  EXPECT_NEAR(ours.limit(), found, 0.1 * found);
}

// Replies say every second what the limit is. Returns it after each minute.
std::vector<double> by_minute(MinuteLimit& limit, double told, bool may_rise, TimePoint from, int minutes) {
  std::vector<double> limits;
  for (int second = 1; second <= 60 * minutes; ++second) {
    limit.told({.limit = told, .remaining = {}, .resets_in = {}}, 0, may_rise, from + seconds(second));
    if (second % 60 == 0) limits.push_back(limit.limit());
  }
  return limits;
}

TEST(MinuteLimit, ALowerLimitOfAReplyHoldsAtOnceAHigherOneComesByATenthAMinute) {
  MinuteLimit limit = tokens(900);
  limit.told({.limit = 300, .remaining = {}, .resets_in = {}}, 0, true, start);
  EXPECT_EQ(limit.limit(), 300);
  double before = 300;
  for (const double now : by_minute(limit, 600, true, start, 6)) {
    EXPECT_LE(now, before * 1.11);
    EXPECT_GE(now, before * 1.05);
    before = now;
  }
  EXPECT_EQ(by_minute(limit, 600, true, start + seconds(360), 10).back(), 600);

  // A while at one limit saves up for no sudden rise.
  EXPECT_EQ(by_minute(limit, 600, true, start + seconds(960), 30).back(), 600);
  const TimePoint later = start + seconds(2760);
  EXPECT_LE(by_minute(limit, 900, true, later, 1).back(), 666);
  limit.told({.limit = 300, .remaining = {}, .resets_in = {}}, 0, true, later + seconds(600));
  limit.told({.limit = 900, .remaining = {}, .resets_in = {}}, 0, true, later + seconds(601));
  EXPECT_LE(limit.limit(), 301);
  EXPECT_LE(by_minute(limit, 900, false, later + seconds(601), 5).back(), 301) << "it is configured";
}

}  // namespace
}  // namespace batchrun
