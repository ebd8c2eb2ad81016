#include "pool/quota_bound.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "pool/invariant.h"

namespace batchrun {
namespace {

constexpr int moves_of_a_class = 6;  // in one sweep
constexpr double sharpest = 6000;
constexpr double sharper_by = 1.1;
// The softmax is off by about ln(resources) / sharpness: no use in a closer meeting of the two sides than
// this many sharpness-ths.
constexpr double slack_of_softmax = 2;
constexpr double sharpness_of_a_known_start = 200;
constexpr double same_price = 1e-9;

}  // namespace

double certified_seconds(const QuotaProblem& problem, std::span<const double> prices) {
  require(prices.size() == problem.resources.size(), "one price for each resource");
  double scale = 0, credit = 0, work = 0;
  for (std::size_t r = 0; r < prices.size(); ++r) {
    scale += prices[r] * problem.resources[r].rate;
    credit += prices[r] * problem.resources[r].credit;
  }
  if (!(scale > 0)) return 0;
  for (const QuotaProblem::Class& a_class : problem.classes) {
    double cheapest = a_class.routes.empty() ? 0 : std::numeric_limits<double>::infinity();
    for (const QuotaProblem::Route& route : a_class.routes) {
      double price = 0;
      for (const QuotaProblem::Use& use : route.uses) price += prices[use.resource] * use.units;
      cheapest = std::min(cheapest, price);
    }
    work += a_class.rows * cheapest;
  }
  return std::max(0.0, (work - credit) / scale);
}

QuotaBound::QuotaBound(QuotaProblem problem, std::span<const double> weights)
    : problem_(std::move(problem)), prices_(problem_.resources.size()) {
  for (const QuotaProblem::Class& a_class : problem_.classes) {
    const std::size_t first_route = routes_.size();
    for (const QuotaProblem::Route& route : a_class.routes) {
      const std::size_t first_slope = slopes_.size();
      for (const QuotaProblem::Use& use : route.uses) {
        require(use.resource < problem_.resources.size(), "a use of a resource that does not exist");
        const double rate = problem_.resources[use.resource].rate;
        require(rate > 0, "a resource without a rate");
        slopes_.push_back({use.resource, a_class.rows * use.units / rate});
      }
      routes_.push_back({first_slope, slopes_.size()});
    }
    classes_.push_back({first_route, routes_.size()});
  }
  shares_.resize(routes_.size());
  route_prices_.resize(routes_.size());
  weights_.resize(problem_.resources.size());
  loads_.reserve(problem_.resources.size());
  for (const QuotaProblem::Resource& resource : problem_.resources) {
    loads_.push_back(-resource.credit / resource.rate);
  }
  divide(weights);
  if (!weights.empty()) sharpness_ = sharpness_of_a_known_start;
  above_ = loads_.empty() ? 0 : std::max(0.0, *std::max_element(loads_.begin(), loads_.end()));
  done_ = above_ == 0;
}

// What each route could carry alone is a good start, and by far the nearest one where groups are alike.
void QuotaBound::divide(std::span<const double> weights) {
  for (const Span& routes : classes_) {
    double total = 0;
    for (std::size_t route = routes.begin; !weights.empty() && route < routes.end; ++route) {
      shares_[route] = weights[route];
      total += shares_[route];
    }
    const bool known = total > 0;
    for (std::size_t route = routes.begin; !known && route < routes.end; ++route) {
      double slowest = 1e-12;
      for (std::size_t s = routes_[route].begin; s < routes_[route].end; ++s) {
        slowest = std::max(slowest, slopes_[s].load);
      }
      shares_[route] = 1 / slowest;
      total += shares_[route];
    }
    for (std::size_t route = routes.begin; route < routes.end; ++route) {
      shares_[route] /= total;
      for (std::size_t s = routes_[route].begin; s < routes_[route].end; ++s) {
        loads_[slopes_[s].resource] += shares_[route] * slopes_[s].load;
      }
    }
  }
}

void QuotaBound::price_loads() {
  const double greatest = *std::max_element(loads_.begin(), loads_.end());
  scale_ = sharpness_ / greatest;
  for (std::size_t r = 0; r < loads_.size(); ++r) weights_[r] = std::exp(scale_ * (loads_[r] - greatest));
}

double QuotaBound::price_of(const Span& slopes) const {
  double price = 0;
  for (std::size_t s = slopes.begin; s < slopes.end; ++s) {
    price += weights_[slopes_[s].resource] * slopes_[s].load;
  }
  return price;
}

void QuotaBound::move(const Span& from, const Span& to, double share) {
  const auto add = [&](const Span& slopes, double sign) {
    for (std::size_t s = slopes.begin; s < slopes.end; ++s) {
      const double change = sign * share * slopes_[s].load;
      loads_[slopes_[s].resource] += change;
      weights_[slopes_[s].resource] *= std::exp(scale_ * change);
    }
  };
  add(from, -1);
  add(to, 1);
}

// Newton steps on the softmax along "from the dearest route in use to the cheapest"; none makes any load
// grow by more than what multiplies its price by e, where the quadratic picture ends.
void QuotaBound::sweep_class(const Span& routes) {
  for (int moves = 0; moves < moves_of_a_class && routes.begin < routes.end; ++moves) {
    std::size_t cheapest = routes.begin, dearest = routes.end;
    for (std::size_t route = routes.begin; route < routes.end; ++route) {
      route_prices_[route] = price_of(routes_[route]);
      if (route_prices_[route] < route_prices_[cheapest]) cheapest = route;
      if (shares_[route] <= 0) continue;
      if (dearest == routes.end || route_prices_[route] > route_prices_[dearest]) dearest = route;
    }
    const double gain = route_prices_[dearest] - route_prices_[cheapest];
    if (!(gain > same_price * route_prices_[cheapest])) return;
    double curvature = 0, steepest = 0;
    for (const std::size_t route : {dearest, cheapest}) {
      for (std::size_t s = routes_[route].begin; s < routes_[route].end; ++s) {
        const Slope& slope = slopes_[s];
        curvature += weights_[slope.resource] * slope.load * slope.load;
        if (route == cheapest) steepest = std::max(steepest, slope.load);
      }
    }
    double share = std::min(shares_[dearest], gain / (scale_ * curvature));
    if (steepest > 0) share = std::min(share, 1 / (scale_ * steepest));
    if (!(share > 0)) return;
    shares_[dearest] -= share;
    shares_[cheapest] += share;
    move(routes_[dearest], routes_[cheapest], share);
  }
}

void QuotaBound::certify() {
  double weight = 0, work = 0;
  for (std::size_t r = 0; r < weights_.size(); ++r) {
    weight += weights_[r];
    work -= weights_[r] * problem_.resources[r].credit / problem_.resources[r].rate;
  }
  for (const Span& routes : classes_) {
    if (routes.begin == routes.end) continue;
    double cheapest = std::numeric_limits<double>::infinity();
    for (std::size_t route = routes.begin; route < routes.end; ++route) {
      cheapest = std::min(cheapest, price_of(routes_[route]));
    }
    work += cheapest;
  }
  if (!(weight > 0) || work / weight <= below_) return;
  below_ = work / weight;
  for (std::size_t r = 0; r < weights_.size(); ++r) {
    prices_[r] = weights_[r] / weight / problem_.resources[r].rate;
  }
}

void QuotaBound::improve(int sweeps) {
  for (int sweep = 0; sweep < sweeps && !done_; ++sweep) {
    price_loads();
    for (const Span& routes : classes_) sweep_class(routes);
    certify();
    above_ = std::max(0.0, *std::max_element(loads_.begin(), loads_.end()));
    const double apart = above_ > 0 ? 1 - below_ / above_ : 0;
    done_ = apart <= close_enough;
    if (apart < slack_of_softmax / sharpness_) sharpness_ = std::min(sharpness_ * sharper_by, sharpest);
  }
}

std::optional<std::uint32_t> QuotaBound::binding() const {
  std::optional<std::uint32_t> most;
  double most_weight = 0;
  for (std::uint32_t r = 0; r < prices_.size(); ++r) {
    const double weight = prices_[r] * problem_.resources[r].rate;
    if (weight <= most_weight) continue;
    most = r;
    most_weight = weight;
  }
  return most;
}

double QuotaBound::share(std::size_t a_class, std::size_t route) const {
  return shares_[classes_[a_class].begin + route];
}

}  // namespace batchrun
