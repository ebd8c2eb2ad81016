#include "pool/quota_bound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "tests/support/effort.h"

namespace batchrun {
namespace {

using Problem = QuotaProblem;

// max c x with A x <= b, x >= 0, b >= 0, by the simplex method on the whole tableau; Bland's rule, so that it
// ends.
class Simplex {
 public:
  Simplex(std::size_t rows, std::size_t columns)
      : rows_(rows), columns_(columns), table_(rows + 1, std::vector<double>(rows + columns + 1)) {
    for (std::size_t row = 0; row < rows; ++row) table_[row][columns + row] = 1;
    for (std::size_t row = 0; row < rows; ++row) basis_.push_back(columns + row);
  }
  double& at(std::size_t row, std::size_t column) { return table_[row][column]; }
  double& most(std::size_t row) { return table_[row].back(); }
  void maximize(std::size_t column) { table_[rows_][column] = -1; }

  double solve() {
    for (;;) {
      std::size_t enters = 0;
      while (enters < rows_ + columns_ && table_[rows_][enters] > -1e-10) ++enters;
      if (enters == rows_ + columns_) return table_[rows_].back();
      pivot(enters);
    }
  }

 private:
  void pivot(std::size_t enters) {
    std::size_t leaves = rows_;
    for (std::size_t row = 0; row < rows_; ++row) {
      if (table_[row][enters] <= 1e-10) continue;
      const auto reach = [&](std::size_t of) { return table_[of].back() / table_[of][enters]; };
      if (leaves == rows_ || reach(row) < reach(leaves) ||
          (reach(row) == reach(leaves) && basis_[row] < basis_[leaves])) {
        leaves = row;
      }
    }
    ASSERT_LT(leaves, rows_) << "unbounded";
    const double by = table_[leaves][enters];
    for (double& cell : table_[leaves]) cell /= by;
    for (std::size_t row = 0; row <= rows_; ++row) {
      const double times = table_[row][enters];
      if (row == leaves || times == 0) continue;
      for (std::size_t i = 0; i < table_[row].size(); ++i) table_[row][i] -= times * table_[leaves][i];
    }
    basis_[leaves] = enters;
  }

  std::size_t rows_, columns_;
  std::vector<std::vector<double>> table_;
  std::vector<std::size_t> basis_;
};

// What part of all rows can be sent in `seconds`: a plain linear program in how many go by which route.
double sendable(const Problem& problem, double seconds) {
  const std::size_t classes = problem.classes.size(), resources = problem.resources.size();
  std::size_t routes = 0;
  for (const Problem::Class& a_class : problem.classes) routes += a_class.routes.size();
  Simplex simplex(classes + resources, routes + 1);
  simplex.maximize(routes);
  std::size_t column = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    simplex.at(k, routes) = 1;
    for (const Problem::Route& route : problem.classes[k].routes) {
      simplex.at(k, column) = -1;  // in shares of the class
      for (const Problem::Use& use : route.uses) {
        simplex.at(classes + use.resource, column) += problem.classes[k].rows * use.units;
      }
      ++column;
    }
  }
  for (std::size_t r = 0; r < resources; ++r) {
    simplex.most(classes + r) = problem.resources[r].rate * seconds + problem.resources[r].credit;
  }
  return simplex.solve();
}

// The optimum by trying times.
double optimum(const Problem& problem) {
  const bool credit = std::any_of(problem.resources.begin(), problem.resources.end(),
                                  [](const Problem::Resource& resource) { return resource.credit > 0; });
  if (!credit) return 1 / sendable(problem, 1);
  double low = 0, high = 1;
  while (sendable(problem, high) < 1) high *= 2;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (sendable(problem, middle) < 1 ? low : high) = middle;
  }
  return high;
}

// Groups with one to four limits, classes of rows that some of the groups may take.
Problem random_problem(std::uint64_t seed, bool credits) {
  std::mt19937_64 random(seed);
  const auto between = [&](double low, double high) {
    return low * std::pow(high / low, static_cast<double>(random() >> 11) * 0x1p-53);
  };
  const auto chance = [&](double share) { return static_cast<double>(random() >> 11) * 0x1p-53 < share; };
  Problem problem;
  std::vector<std::vector<std::pair<std::uint32_t, std::size_t>>> groups(2 + random() % 5);
  const double low[] = {50, 20'000, 15'000, 5'000}, high[] = {5'000, 2'000'000, 1'000'000, 400'000};
  for (auto& group : groups) {
    for (std::size_t d = 0; d < 4; ++d) {
      if (!chance(d < 2 ? 0.8 : 0.3) && !(d == 3 && group.empty())) continue;
      group.emplace_back(static_cast<std::uint32_t>(problem.resources.size()), d);
      const double limit = between(low[d], high[d]);
      problem.resources.push_back({limit / 60, credits && chance(0.4) ? limit * between(0.01, 10) : 0});
    }
  }
  for (std::size_t classes = 1 + random() % 6; classes > 0; --classes) {
    Problem::Class a_class{.rows = between(20, 20'000), .routes = {}};
    const double input = between(20, 4'000), output = between(10, 2'000);
    const double units[] = {1, input + output, input, output};
    const std::size_t always = random() % groups.size();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if (g != always && !chance(0.6)) continue;
      Problem::Route route;
      for (const auto& [resource, d] : groups[g]) route.uses.push_back({resource, units[d]});
      a_class.routes.push_back(route);
    }
    problem.classes.push_back(a_class);
  }
  return problem;
}

// 60,000 rows of 100 tokens and 6,000 of 2,000 on 500 RPM / 200k TPM and 5,000 RPM / 100k TPM.
Problem worked_example() {
  Problem problem;
  problem.resources = {{500.0 / 60}, {200'000.0 / 60}, {5'000.0 / 60}, {100'000.0 / 60}};
  for (const auto& [rows, tokens] : {std::pair{60'000.0, 100.0}, std::pair{6'000.0, 2'000.0}}) {
    problem.classes.push_back({rows, {{{{0, 1}, {1, tokens}}}, {{{2, 1}, {3, tokens}}}}});
  }
  return problem;
}

TEST(QuotaBound, IsNeverAboveTheOptimumAndComesCloseToIt) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= seeds_of(300); ++seed) {
    const Problem problem = random_problem(seed, seed % 3 == 0);
    const double best = optimum(problem);
    QuotaBound bound(problem);
    for (int sweeps : {1, 4, 15, 30, 50}) {
      bound.improve(sweeps);
      ASSERT_LE(bound.below(), best * (1 + 1e-6)) << "seed " << seed;
      ASSERT_GE(bound.above(), best * (1 - 1e-6)) << "seed " << seed;
      ASSERT_NEAR(bound.below(), certified_seconds(problem, bound.prices()), 1e-9 * best + 1e-9);
    }
    bound.improve(QuotaBound::default_sweeps);
    EXPECT_GE(bound.below(), 0.99 * best - 1e-6) << "seed " << seed;
    sum += best > 1e-3 ? bound.below() / best : 1;
  }
  EXPECT_GE(sum / seeds_of(300), 0.997);
}

// The shares are a schedule: what each resource gives in above() seconds is enough for them.
TEST(QuotaBound, ItsDivisionTakesAsLongAsItSays) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Problem problem = random_problem(seed, seed % 2 == 0);
    QuotaBound bound(problem);
    bound.improve();
    std::vector<double> used(problem.resources.size());
    for (std::size_t k = 0; k < problem.classes.size(); ++k) {
      double whole = 0;
      for (std::size_t i = 0; i < problem.classes[k].routes.size(); ++i) {
        const double share = bound.share(k, i);
        EXPECT_GE(share, 0);
        whole += share;
        for (const Problem::Use& use : problem.classes[k].routes[i].uses) {
          used[use.resource] += share * problem.classes[k].rows * use.units;
        }
      }
      EXPECT_NEAR(whole, 1, 1e-9);
    }
    for (std::size_t r = 0; r < used.size(); ++r) {
      const Problem::Resource& resource = problem.resources[r];
      EXPECT_LE(used[r], (resource.rate * bound.above() + resource.credit) * (1 + 1e-6)) << "seed " << seed;
    }
  }
}

TEST(QuotaBound, KnowsTheWorkedExample) {
  QuotaBound bound(worked_example());
  bound.improve();
  EXPECT_NEAR(bound.below() / 60, 60, 0.3);
  EXPECT_LE(bound.below() / 60, 60 + 1e-9);
  const double plan = bound.share(0, 0) * 60'000 + bound.share(1, 0) * 6'000;
  EXPECT_LE(plan, 500 * 60 * 1.01) << "the first group's requests hold the small rows off it";
}

// The formula with textbook multiplicative weights, of which 51.98, 59.18, 59.99 and 60.00 are known for some
// step; any step must stay below 60 and come near.
TEST(QuotaBound, AnyPricesCertifyATime) {
  const Problem problem = worked_example();
  std::vector<double> weights(4, 0.25);
  double best = 0;
  for (int i = 1; i <= 1500; ++i) {
    std::vector<double> prices(4), load(4);
    for (std::size_t r = 0; r < 4; ++r) prices[r] = weights[r] / problem.resources[r].rate;
    const double certified = certified_seconds(problem, prices) / 60;
    ASSERT_LE(certified, 60 + 1e-9);
    best = std::max(best, certified);
    for (const Problem::Class& a_class : problem.classes) {
      const auto price = [&](const Problem::Route& route) {
        return prices[route.uses[0].resource] + prices[route.uses[1].resource] * route.uses[1].units;
      };
      const Problem::Route& taken = a_class.routes[price(a_class.routes[1]) < price(a_class.routes[0])];
      for (const Problem::Use& use : taken.uses) {
        load[use.resource] += a_class.rows * use.units / problem.resources[use.resource].rate;
      }
    }
    const double most = *std::max_element(load.begin(), load.end());
    for (std::size_t r = 0; r < 4; ++r) weights[r] *= std::exp(0.5 / std::sqrt(i) * load[r] / most);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) weight /= sum;
  }
  EXPECT_GE(best, 59.5);
}

TEST(QuotaBound, NamesTheResourceThatLimits) {
  Problem problem;
  problem.resources = {{10}, {1000}, {5}};
  problem.classes = {{100, {{{{0, 1}, {1, 200}}}}}, {10, {{{{2, 1}}}}}};
  QuotaBound bound(problem);
  bound.improve();
  EXPECT_NEAR(bound.below(), 20, 0.1);
  EXPECT_EQ(bound.binding(), 1U);
  EXPECT_TRUE(bound.done());
}

TEST(QuotaBound, ACreditIsTimeSaved) {
  Problem problem;
  problem.resources = {{10, 50}};
  problem.classes = {{100, {{{{0, 1}}}}}};
  QuotaBound bound(problem);
  bound.improve();
  EXPECT_NEAR(bound.below(), 5, 1e-9);
  problem.classes[0].rows = 40;
  EXPECT_EQ(QuotaBound(problem).above(), 0) << "the credit alone is enough";
}

TEST(QuotaBound, WhereNothingLimitsItIsZero) {
  Problem free;
  free.resources = {{10}};
  free.classes = {{100, {{{{0, 1}}}, {}}}, {7, {}}};
  QuotaBound bound(free);
  bound.improve();
  EXPECT_LT(bound.below(), 1e-6);
  QuotaBound nothing(Problem{});
  nothing.improve();
  EXPECT_EQ(nothing.below(), 0);
  EXPECT_EQ(nothing.above(), 0);
  EXPECT_EQ(nothing.binding(), std::nullopt);
  EXPECT_TRUE(nothing.done());
}

}  // namespace
}  // namespace batchrun
