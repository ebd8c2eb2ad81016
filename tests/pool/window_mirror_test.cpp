#include "pool/window_mirror.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/support/effort.h"

namespace batchrun {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::hours(1)};
constexpr Duration window = milliseconds(60'250);
constexpr Duration slot = milliseconds(100);

struct Sent {
  TimePoint at;
  double units;
};

double exact(const std::vector<Sent>& sent, TimePoint now, Duration longest) {
  double sum = 0;
  for (const Sent& one : sent) sum += now - one.at < longest ? one.units : 0;
  return sum;
}

void expect_same_once_passed(const WindowMirror& mirror, double ceiling, TimePoint now) {
  WindowMirror passed = mirror;
  passed.pass(now);
  ASSERT_EQ(mirror.sum(now), passed.sum(now));
  ASSERT_EQ(mirror.ready_at(ceiling, now), passed.ready_at(ceiling, now));
}

// Sums of random traffic with random corrections against a plain list: never below the window's sum, never
// above that of a window one slot longer.
TEST(WindowMirror, IsBetweenTheExactSumsOfTheWindowAndOfOneSlotMore) {
  for (unsigned seed = 1; seed <= seeds_of(30); ++seed) {
    std::mt19937_64 random(seed);
    WindowMirror mirror(window);
    std::vector<Sent> sent;
    TimePoint now = start;
    for (int i = 0; i < 2000; ++i) {
      now += Duration(
          static_cast<Duration::rep>(random() % (random() % 50 == 0 ? 90'000'000'000 : 300'000'000)));
      expect_same_once_passed(mirror, static_cast<double>(random() % 100'000), now);
      const double units = static_cast<double>(random() % 4000);
      mirror.add(units, now, now);
      sent.push_back({now, units});
      Sent& old = sent[sent.size() - 1 - random() % std::min<std::size_t>(sent.size(), 100)];
      const double correction = std::floor(old.units / 3) * (random() % 2 == 0 ? -1 : 1);
      mirror.add(correction, old.at, now);
      old.units += correction;
      ASSERT_GE(mirror.sum(now), exact(sent, now, window)) << "seed " << seed << " step " << i;
      ASSERT_LE(mirror.sum(now), exact(sent, now, window + slot)) << "seed " << seed << " step " << i;
    }
  }
}

// Whatever the length of slots: the ring goes round many times, and holds from less than one block to dozens.
TEST(WindowMirror, ReadyAtIsTheFirstTimeTheSumIsLowEnough) {
  for (const Duration length : {milliseconds(50), milliseconds(700), milliseconds(60'000)}) {
    std::mt19937_64 random(5);
    WindowMirror mirror(window, length);
    TimePoint now = start;
    for (int i = 0; i < 2000; ++i) {
      now += milliseconds(random() % (random() % 20 == 0 ? 10'000 : 1000));
      const double units = static_cast<double>(random() % 100);
      mirror.add(units, now, now);
      if (random() % 3 == 0) mirror.add(-std::floor(units / 2), now, now);
      const double ceiling = static_cast<double>(random() % 10000);
      const TimePoint ready = mirror.ready_at(ceiling, now);
      ASSERT_GE(ready, now);
      ASSERT_LE(mirror.sum(ready), ceiling);
      ASSERT_TRUE(ready == now || mirror.sum(ready - Duration(1)) > ceiling);
    }
    EXPECT_EQ(mirror.ready_at(-1, now), never);
  }
}

TEST(WindowMirror, ReadersSeeTheFutureWithoutChangingIt) {
  WindowMirror mirror(window);
  mirror.add(7, start, start);
  EXPECT_EQ(mirror.sum(start + std::chrono::hours(1)), 0);
  EXPECT_EQ(mirror.sum(start), 7);
}

TEST(WindowMirror, ACorrectionOfWhatHasLeftDoesNothing) {
  WindowMirror mirror(window);
  mirror.add(7, start, start);
  const TimePoint later = start + std::chrono::minutes(2);
  mirror.add(-7, start, later);
  EXPECT_EQ(mirror.sum(later), 0);
  mirror.add(3, later, later);
  EXPECT_EQ(mirror.sum(later), 3);
}

TEST(WindowMirror, ALongPauseEmptiesIt) {
  WindowMirror mirror(window);
  for (int i = 0; i < 700; ++i) mirror.add(1, start + i * slot, start + i * slot);
  EXPECT_EQ(mirror.sum(start + std::chrono::hours(3)), 0);
}

// Against one mirror that was told everything.
TEST(WindowMirror, AbsorbsAnotherAsIfItHadCountedBoth) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    WindowMirror ours(window), theirs(window), all(window);
    TimePoint now = start;
    for (int i = 0; i < 300; ++i) {
      now += milliseconds(random() % 700);
      const double units = static_cast<double>(random() % 50);
      (random() % 3 == 0 ? ours : theirs).add(units, now, now);
      all.add(units, now, now);
    }
    ours.absorb(theirs, now);
    for (int i = 0; i < 300; ++i) {
      now += milliseconds(random() % 700);
      ASSERT_EQ(ours.sum(now), all.sum(now)) << "seed " << seed;
      const double ceiling = static_cast<double>(random() % 3000);
      ASSERT_EQ(ours.ready_at(ceiling, now), all.ready_at(ceiling, now)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace batchrun
