#include "pool/budget_match.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/effort.h"

namespace batchrun {
namespace {

constexpr double limit = 60'000;  // tokens a minute

enum class Counts { bucket, sliding };

// Organisations that count tokens, and groups that send to them at random or all in bursts at once; or two
// groups in lockstep, with nearly the same at nearly the same moments.
struct World {
  std::vector<int> organisation_of;  // by group
  Counts counts = Counts::bucket;
  bool in_bursts = false, in_lockstep = false;
  double charged = 1;  // for each token that we count
  double minutes = 10;
  double load = 0.7;    // of each organisation's limit
  bool merged = false;  // groups that are found to be one, from then on
};

struct Organisation {
  Counts counts;
  std::deque<std::pair<double, double>> log{};
  double sum = 0;
  double level = limit, at_s = 0;

  double remaining_after(double units, double now_s) {
    if (counts == Counts::bucket) {
      level = std::min(limit, level + (now_s - at_s) * limit / 60) - units;
      at_s = now_s;
      return level;
    }
    log.emplace_back(now_s, units);
    sum += units;
    for (; log.front().first <= now_s - 60; log.pop_front()) sum -= log.front().second;
    return limit - sum;
  }
};

TimePoint at(double s) {
  return TimePoint(from_seconds(3600 + s));
}

// The pairs of groups that were found to be one; and when, if somebody asks.
std::set<std::pair<std::uint32_t, std::uint32_t>> found_in(const World& world, std::uint64_t seed,
                                                           std::vector<double>* found_at_s = nullptr) {
  std::mt19937_64 random(seed);
  const auto unit = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  struct Request {
    std::uint32_t group;
    double units, sent_s;
    double remaining = 0;
  };
  std::vector<Request> requests;
  const auto groups = static_cast<std::uint32_t>(world.organisation_of.size());
  const int organisations = *std::max_element(world.organisation_of.begin(), world.organisation_of.end()) + 1;
  const double mean = 400, rate = world.load * organisations * limit / 60 / (mean * world.charged);
  for (double s = 0; s < world.minutes * 60; s -= std::log(1 - unit()) / rate) {
    const double burst_s = world.in_bursts ? std::floor(s / 4) * 4 + 0.5 * unit() : s;
    requests.push_back(
        {static_cast<std::uint32_t>(random() % groups), std::floor(mean * 2 * unit()) + 1, burst_s});
    if (world.in_lockstep && requests.size() % 2 == 0) {
      const Request& first = requests[requests.size() - 2];
      requests.back() = {1 - first.group, std::floor(first.units * (0.95 + 0.1 * unit())) + 1,
                         first.sent_s + 0.02 * unit()};
    }
  }
  enum class What { sent, arrived, replied };
  std::vector<std::tuple<double, What, std::size_t>> events;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const double arrives_s = requests[i].sent_s + 0.02 + 0.2 * unit();
    events.emplace_back(requests[i].sent_s, What::sent, i);
    events.emplace_back(arrives_s, What::arrived, i);
    events.emplace_back(arrives_s + 0.3 + 2 * unit(), What::replied, i);
  }
  std::sort(events.begin(), events.end());

  BudgetMatch match;
  std::vector<Organisation> all(static_cast<std::size_t>(organisations), {.counts = world.counts});
  std::set<std::pair<std::uint32_t, std::uint32_t>> found;
  std::vector<GroupId> now;  // by group: the one it was merged into
  for (std::uint32_t g = 0; g < groups; ++g) now.push_back({g});
  for (const auto& [s, what, i] : events) {
    Request& request = requests[i];
    const GroupId group = now[request.group];
    if (what == What::sent) match.sent(group, 0, {.input_tokens = request.units}, at(s));
    if (what == What::arrived) {
      Organisation& its = all[static_cast<std::size_t>(world.organisation_of[request.group])];
      request.remaining = its.remaining_after(std::floor(request.units * world.charged), s);
    }
    if (what != What::replied || request.remaining < 0) continue;
    ServerLimits limits;
    limits[Dimension::tokens_per_minute] = {.limit = limit, .remaining = request.remaining, .resets_in = {}};
    for (const GroupId other : match.told(group, 0, 0, limits, at(request.sent_s))) {
      found.emplace(std::minmax(group.value, other.value));
      if (found_at_s != nullptr) found_at_s->push_back(s);
      if (!world.merged) continue;
      match.merge(other, group);
      std::replace(now.begin(), now.end(), group, other);
      break;
    }
  }
  return found;
}

TEST(BudgetMatch, FindsGroupsOfOneBudgetWithinMinutes) {
  for (const Counts counts : {Counts::bucket, Counts::sliding}) {
    int runs = 0;
    World world{.organisation_of = {0, 0}, .counts = counts, .load = 0.95};
    if (counts == Counts::bucket) world.load = 1.05;  // a full one tells nothing
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const auto found = found_in(world, seed);
      runs += found.count({0, 1}) > 0;
    }
    EXPECT_GE(runs, 18) << (counts == Counts::bucket ? "bucket" : "sliding");
  }
}

TEST(BudgetMatch, TellsWhichOfSeveralGroupsAreOne) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const auto& [a, b] : found_in({.organisation_of = {0, 1, 0, 1}, .load = 0.95}, seed)) {
      EXPECT_EQ(a % 2, b % 2) << "seed " << seed;
    }
  }
}

// What the others have learned of two that are merged is not lost with it.
TEST(BudgetMatch, OnceTwoOfFourAreFoundTheOthersFollowSoon) {
  int all_three = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<double> at_s;
    const World world{.organisation_of = {0, 0, 0, 0}, .minutes = 15, .load = 1.05, .merged = true};
    all_three += found_in(world, seed, &at_s).size() == 3 && at_s.back() < at_s.front() + 120;
  }
  EXPECT_GE(all_three, 15);  // none, where each merge makes the rest begin anew
}

TEST(BudgetMatch, MergesOfSomeMakeNoneOfOthers) {
  for (std::uint64_t seed = 1; seed <= seeds_of(100); ++seed) {
    World world{.organisation_of = {0, 0, 1, 1}, .counts = seed % 2 == 0 ? Counts::bucket : Counts::sliding};
    world.load = 1.05;
    world.merged = true;
    world.in_bursts = seed % 3 == 0;
    for (const auto& [a, b] : found_in(world, seed)) {
      ASSERT_EQ(world.organisation_of[a], world.organisation_of[b]) << "seed " << seed;
    }
  }
}

// Even where all send at the same moments and as much.
TEST(BudgetMatch, NeverTakesIndependentGroupsForOne) {
  for (std::uint64_t seed = 1; seed <= seeds_of(1000); ++seed) {
    World world{.organisation_of = {0, 1}, .counts = seed % 2 == 0 ? Counts::bucket : Counts::sliding};
    world.in_bursts = seed % 3 == 0;
    world.minutes = 6;
    if (seed % 5 == 0) world.organisation_of = {0, 1, 2, 3};
    if (seed % 5 == 1) world.organisation_of = {0, 1, 1, 0};  // a pair each: none across
    for (const auto& [a, b] : found_in(world, seed)) {
      ASSERT_EQ(world.organisation_of[a], world.organisation_of[b]) << "seed " << seed;
    }
  }
}

// What a server charges beyond what we count falls together with what the other group sends, if both are
// driven alike: so own sends are an explanation too.
TEST(BudgetMatch, GroupsInLockstepAreNotOneForBeingChargedMoreThanWeCount) {
  for (std::uint64_t seed = 1; seed <= seeds_of(200); ++seed) {
    World world{.organisation_of = {0, 1}, .counts = seed % 2 == 0 ? Counts::bucket : Counts::sliding};
    world.in_lockstep = true;
    world.charged = 1.6 + 0.2 * static_cast<double>(seed % 5);
    world.minutes = 6;
    EXPECT_TRUE(found_in(world, seed).empty()) << "seed " << seed << ", charged " << world.charged;
  }
}

// Two groups that send 2,000 requests a second each.
TEST(BudgetMatch, KeepsABoundedRecordHoweverMuchIsSent) {
  BudgetMatch match;
  ServerLimits limits;
  limits[Dimension::tokens_per_minute] = {.limit = 1e9, .remaining = 1e9, .resets_in = {}};
  std::size_t most = 0;
  for (int i = 0; i < 800'000; ++i) {
    const GroupId group{static_cast<std::uint32_t>(i % 2)};
    const TimePoint now = at(i / 4000.0);
    match.sent(group, 0, {.input_tokens = 5}, now);
    match.corrected(group, 0, {.input_tokens = 5}, {.input_tokens = 4}, now);
    if (i % 1000 < 2) {
      EXPECT_TRUE(match.told(group, 0, 0, limits, now).empty());
    }
    if (i % 1000 == 0) most = std::max(most, match.entries());
  }
  EXPECT_GT(most, 0U);
  EXPECT_LE(most, 2 * 9'001U);
}

TEST(BudgetMatch, OutlivesAnyLimitAndAnyMerge) {
  BudgetMatch match;
  for (int i = 0; i < 200; ++i) {
    ServerLimits limits;
    limits[Dimension::tokens_per_minute] = {
        .limit = i % 7 == 0 ? std::nan("") : 1000.0 + i, .remaining = i, .resets_in = {}};
    const GroupId group{static_cast<std::uint32_t>(i % 40)};
    match.sent(group, 0, {.input_tokens = 5}, at(i));
    EXPECT_TRUE(match.told(group, 0, 0, limits, at(i)).empty());
    if (i % 3 == 0) match.merge({static_cast<std::uint32_t>((i * 7 + 1) % 40)}, group);
  }
}

}  // namespace
}  // namespace batchrun
