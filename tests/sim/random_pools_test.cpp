#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <string>

#include <fmt/format.h>

#include "tests/sim/sim_pool.h"
#include "tests/support/effort.h"

namespace batchrun::sim {
namespace {

constexpr std::uint64_t seeds = seeds_of(1000);

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool chance(double share) { return between(0, 1) < share; }

 private:
  std::mt19937_64 random_;
};

void add_group(Plan& plan, Dice& dice, bool faults) {
  const std::uint32_t g = static_cast<std::uint32_t>(plan.pool.groups.size());
  GroupSpec group{.name = fmt::format("org-{}", g), .limits = {}, .max_concurrent = 0};
  if (dice.chance(0.7)) group.limits[0] = std::round(dice.between(20, 600));
  if (dice.chance(0.7)) group.limits[1] = std::round(dice.between(5'000, 100'000));
  if (dice.chance(0.2)) group.limits[2] = std::round(dice.between(4'000, 60'000));
  if (dice.chance(0.2)) group.limits[3] = std::round(dice.between(4'000, 60'000));
  // A group is out when its day has no room for the rows in sight, though a smaller one may come.
  if (faults && dice.chance(0.1)) group.limits[4] = std::round(dice.between(10, 100));
  if (faults && dice.chance(0.1)) group.limits[5] = std::round(dice.between(10'000, 100'000));
  if (dice.chance(0.2)) group.max_concurrent = 1 + dice.below(20);
  plan.pool.groups.push_back(group);
  OrganisationPlan organisation{.limiter = static_cast<LimiterKind>(dice.below(3)),
                                .names_a_time = dice.chance(0.7)};
  if (faults) {
    if (dice.chance(0.5)) organisation.fails = dice.between(0, 0.1);
    if (dice.chance(0.2)) {
      organisation.down_from_s = dice.between(0, 30);
      organisation.down_to_s = organisation.down_from_s + dice.between(1, 120);
    }
    organisation.out_of_credit = dice.chance(0.05);
  }
  plan.organisations.push_back(organisation);
  for (std::uint32_t k = 1 + dice.below(4); k > 0; --k) {
    plan.pool.keys.push_back({.alias = fmt::format("key-{}", plan.pool.keys.size()),
                              .group = {g},
                              .max_concurrent = dice.chance(0.2) ? 1 + dice.below(8) : 0,
                              .tier = static_cast<int>(dice.below(2)),
                              .provider = g / 2});
    plan.dead_keys.push_back(faults && dice.chance(0.1));
  }
}

void add_lanes(Plan& plan, Dice& dice) {
  for (std::uint32_t l = 1 + dice.below(3); l > 0; --l) {
    LaneSpec lane{.name = fmt::format("lane-{}", plan.lanes.size()), .candidates = {}};
    for (std::uint32_t key = 0; key < plan.pool.keys.size(); ++key) {
      if (dice.chance(0.6)) lane.candidates.push_back({.key = {key}, .model = dice.below(2)});
    }
    if (lane.candidates.empty()) lane.candidates.push_back({});
    plan.lanes.push_back(lane);
  }
}

void add_rows(Plan& plan, Dice& dice, bool faults) {
  const double spread_s = dice.chance(0.5) ? 0 : dice.between(1, 60);
  for (std::uint32_t r = 50 + dice.below(250); r > 0; --r) {
    RowPlan row;
    row.lane = {dice.below(static_cast<std::uint32_t>(plan.lanes.size()))};
    row.actual_input = std::round(std::exp(dice.between(2, 8)));
    row.max_output = dice.chance(0.2) ? 0 : std::round(std::exp(dice.between(2, 7)));
    row.output = std::floor(row.max_output * dice.between(0, 1));
    row.estimated_input = faults ? std::round(row.actual_input * dice.between(0.8, 1.2)) : row.actual_input;
    row.bad = faults && dice.chance(0.02);
    row.arrives_s = dice.between(0, spread_s);
    plan.rows.push_back(row);
  }
}

Plan random_pool(std::uint64_t seed, bool faults) {
  Dice dice(seed * 7919 + (faults ? 1 : 0));
  Plan plan;
  plan.seed = seed;
  plan.service_s = dice.between(0.2, 5);
  plan.pool.settings.seed = seed;
  plan.pool.settings.row_deadline_is_firm = true;  // the naive model knows one day only
  plan.pool.settings.strategy = static_cast<Strategy>(dice.below(7));
  if (dice.chance(0.3)) plan.pool.settings.max_in_flight = 1 + dice.below(30);
  for (std::uint32_t g = 2 + dice.below(4); g > 0; --g) add_group(plan, dice, faults);
  add_lanes(plan, dice);
  add_rows(plan, dice, faults);
  return plan;
}

// A key that may rightly be out for the rest of the run.
bool may_be_out(const Plan& plan, KeyId key) {
  const std::uint32_t g = plan.pool.keys[key.value].group.value;
  const auto& limits = plan.pool.groups[g].limits;
  return plan.dead_keys[key.value] || plan.organisations[g].out_of_credit || limits[4] || limits[5];
}

bool fits(const Plan& plan, KeyId key, const RowPlan& row) {
  const auto& limits = plan.pool.groups[plan.pool.keys[key.value].group.value].limits;
  const double tokens = row.estimated_input + row.max_output;
  const double units[] = {1, tokens, row.estimated_input, row.max_output, 1, tokens};
  for (std::size_t d = 0; d < dimensions; ++d) {
    if (limits[d] && units[d] > *limits[d]) return false;
  }
  return true;
}

// What must be true of a row's end, told from the plan alone.
std::string why_wrong(const Plan& plan, const RowPlan& row, End end) {
  bool works_somewhere = false, fits_where_it_works = false;
  for (const Candidate& candidate : plan.lanes[row.lane.value].candidates) {
    if (may_be_out(plan, candidate.key)) continue;
    works_somewhere = true;
    fits_where_it_works = fits_where_it_works || fits(plan, candidate.key, row);
  }
  switch (end) {
    case End::finished:
      return row.bad ? "a bad row finished" : "";
    case End::permanent:
      return row.bad ? "" : "a good row was given up for good";
    case End::exceeds_window:
      return fits_where_it_works ? "a row that fits was refused" : "";
    case End::no_candidate:
      return works_somewhere ? "no candidate, though one works" : "";
    case End::deadline:
      return works_somewhere ? "nothing runs for a day" : "";  // else the day's quota may be spent
    case End::attempts_spent:
    case End::pending:
      return "";
  }
  return "";
}

bool all_may_be_out(const Plan& plan) {
  return std::all_of(plan.lanes.begin(), plan.lanes.end(), [&](const LaneSpec& lane) {
    return std::all_of(lane.candidates.begin(), lane.candidates.end(),
                       [&](const Candidate& candidate) { return may_be_out(plan, candidate.key); });
  });
}

// The one seed asked for, or all.
std::vector<std::uint64_t> chosen_seeds() {
  if (const char* one = std::getenv("BATCHRUN_SEED")) return {std::strtoull(one, nullptr, 10)};
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) all.push_back(seed);
  return all;
}

Verdict check(const Plan& plan, std::uint64_t seed) {
  const Verdict verdict = SimPool(plan).run();
  const std::string replay = fmt::format("BATCHRUN_SEED={} replays this", seed);
  for (const std::string& what : verdict.violations) ADD_FAILURE() << what << "; " << replay;
  EXPECT_TRUE(verdict.drained || verdict.starved) << replay;
  EXPECT_TRUE(!verdict.starved || all_may_be_out(plan)) << "starved with a working key; " << replay;
  for (std::size_t row = 0; row < plan.rows.size(); ++row) {
    const std::string wrong = why_wrong(plan, plan.rows[row], verdict.ends[row]);
    if (!wrong.empty()) ADD_FAILURE() << "row " << row << ": " << wrong << "; " << replay;
    if (verdict.drained && verdict.ends[row] == End::pending) {
      ADD_FAILURE() << "row " << row << " never ended; " << replay;
    }
  }
  return verdict;
}

TEST(RandomPools, EveryRowEndsOnceUnderFaults) {
  std::size_t rows = 0, spent = 0;
  for (const std::uint64_t seed : chosen_seeds()) {
    const Verdict verdict = check(random_pool(seed, true), seed);
    rows += verdict.ends.size();
    spent +=
        static_cast<std::size_t>(std::count(verdict.ends.begin(), verdict.ends.end(), End::attempts_spent));
    if (HasFailure()) break;
  }
  // At most a tenth of the requests fail, and outages are waited for: six failures are rare.
  EXPECT_LE(static_cast<double>(spent), 0.001 * static_cast<double>(rows) + 2);
}

TEST(RandomPools, NoRowWaitsThatFits) {
  std::uint64_t sends = 0, too_many = 0;
  for (const std::uint64_t seed : chosen_seeds()) {
    Plan plan = random_pool(seed, false);
    plan.check_work_conservation = true;
    if (plan.pool.settings.strategy == Strategy::saturate) {  // keeps groups for what suits them, on purpose
      plan.pool.settings.strategy = Strategy::least_loaded;
    }
    plan.pool.settings.passed_over_limit =
        1'000'000;  // a group saved for an overdue row is left idle on purpose
    plan.pool.settings.passed_over_age = std::chrono::hours(1000);
    const Verdict verdict = check(plan, seed);
    sends += verdict.sends;
    too_many += verdict.too_many;
    if (HasFailure()) break;
  }
  EXPECT_LE(static_cast<double>(too_many), 0.0001 * static_cast<double>(sends));
}

TEST(RandomPools, TheSameSeedMakesTheSameDecisions) {
  std::set<std::uint64_t> traces;
  for (const std::uint64_t seed : {3U, 4U, 5U}) {
    const std::uint64_t trace = SimPool(random_pool(seed, true)).run().trace;
    EXPECT_EQ(trace, SimPool(random_pool(seed, true)).run().trace);
    traces.insert(trace);
  }
  EXPECT_EQ(traces.size(), 3U);
}

}  // namespace
}  // namespace batchrun::sim
