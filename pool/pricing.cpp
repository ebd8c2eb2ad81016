#include "pool/pricing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace batchrun {
namespace {

constexpr double minute_s = 60, day_s = 86'400;
constexpr double too_short_s = 1;
// How much dearer than its cheapest way a way may be for a row to suit it.
constexpr double dearer_at_most = 0.05;
// Prices of limits that hold nothing back are not zero but tiny; a way is not dear that costs less than this
// share of what the row would cost if one of its limits held everything back.
constexpr double next_to_nothing = 1e-4;
constexpr Duration soon = std::chrono::seconds(5);

}  // namespace

Pricing::Pricing(KeyPool& pool, std::vector<LaneRows> work, Scope scope, TimePoint now, const Pricing* before)
    : pool_(pool), work_(std::move(work)), bound_(build(scope, now, before), known_) {}

QuotaProblem Pricing::build(Scope scope, TimePoint now, const Pricing* before) {
  QuotaProblem problem;
  add_resources(problem, scope, now);
  ways_.resize(work_.size());
  for (std::size_t lane = 0; lane < work_.size(); ++lane) {
    for (std::size_t way = 0; way < work_[lane].lane->ways(); ++way) {
      ways_[lane].push_back(work_[lane].lane->way(way));
    }
    for (std::size_t bucket = 0; bucket < RowMix::buckets; ++bucket) {
      if (work_[lane].rows[bucket].rows > 0) add_class(problem, lane, bucket, scope, now, before);
    }
  }
  if (std::all_of(known_.begin(), known_.end(), [](double part) { return part == 0; })) known_.clear();
  return problem;
}

void Pricing::add_resources(QuotaProblem& problem, Scope scope, TimePoint now) {
  limits_.resize(pool_.groups());
  for (std::uint32_t g = 0; g < limits_.size(); ++g) {
    const QuotaGroup& group = pool_.group({g});
    const auto add = [&](std::optional<Dimension> dimension, double rate, double credit) {
      limits_[g].push_back({static_cast<std::uint32_t>(problem.resources.size()), dimension});
      problem.resources.push_back({rate, credit});
      resources_.push_back({{g}, dimension});
    };
    const auto limits = scope == Scope::whole_run ? group.granted() : group.limits();
    const auto used = group.used(now);
    for (std::size_t d = 0; d < dimensions; ++d) {
      if (!limits[d]) continue;
      const auto dimension = static_cast<Dimension>(d);
      if (is_per_day(dimension)) {
        add(dimension, *limits[d] / day_s,
            scope == Scope::whole_run ? *limits[d] : std::max(0.0, *limits[d] - used[d]));
      } else {
        add(dimension, *limits[d] / minute_s, 0);
      }
    }
    if (const std::uint32_t open = pool_.most_concurrent({g}); open > 0) add(std::nullopt, open, 0);
  }
}

QuotaProblem::Route Pricing::route(GroupId group, const Cost& cost) const {
  QuotaProblem::Route route;
  route.uses.reserve(limits_[group.value].size());
  for (const Limit& limit : limits_[group.value]) {
    const double units = limit.dimension ? amount(cost, *limit.dimension) : pool_.service_s(group);
    route.uses.push_back({limit.resource, units});
  }
  return route;
}

void Pricing::add_class(QuotaProblem& problem, std::size_t lane_number, std::size_t bucket, Scope scope,
                        TimePoint now, const Pricing* before) {
  Lane& lane = *work_[lane_number].lane;
  const RowMix::Bucket& rows = work_[lane_number].rows[bucket];
  QuotaProblem::Class a_class{rows.rows, {}};
  ClassOf of{lane_number, bucket, {}};
  a_class.routes.reserve(lane.ways());
  of.ways.reserve(lane.ways());
  for (std::size_t way = 0; way < lane.ways(); ++way) {
    const Lane::Way& its = ways_[lane_number][way];
    if (scope == Scope::from_now && (!its.alive || its.usable_at > now + soon)) continue;
    const Cost cost =
        lane.expected_cost(rows.input_tokens / rows.rows, rows.max_output_tokens / rows.rows, way);
    if (pool_.group(its.group).exceeds(cost)) continue;
    a_class.routes.push_back(route(its.group, cost));
    of.ways.push_back(way);
    if (before != nullptr) {
      known_.push_back(before->part(lane_number, bucket, way));
    } else {
      known_.push_back(scope == Scope::from_now && lane.plan().active() ? lane.plan().part(way, bucket) : 0);
    }
  }
  if (a_class.routes.empty()) return;
  problem.classes.push_back(std::move(a_class));
  classes_.push_back(std::move(of));
}

// The rows of a kind that were to go a way; 0 if that is not known.
double Pricing::part(std::size_t lane, std::size_t bucket, std::size_t way) const {
  const auto found =
      std::lower_bound(classes_.begin(), classes_.end(), std::pair(lane, bucket),
                       [](const ClassOf& of, const std::pair<std::size_t, std::size_t>& place) {
                         return std::pair(of.lane, of.bucket) < place;
                       });
  if (found == classes_.end() || found->lane != lane || found->bucket != bucket) return 0;
  const auto route = std::find(found->ways.begin(), found->ways.end(), way) - found->ways.begin();
  const auto number = static_cast<std::size_t>(found - classes_.begin());
  if (static_cast<std::size_t>(route) == found->ways.size()) return 0;
  return bound_.share(number, static_cast<std::size_t>(route));
}

// What the rows of a class that go by each route are to be, those too dear left out.
std::vector<double> Pricing::parts(std::size_t number) const {
  const ClassOf& of = classes_[number];
  const QuotaProblem::Class& a_class = bound_.problem().classes[number];
  std::vector<double> prices(a_class.routes.size()), parts(a_class.routes.size());
  double quickest_s = std::numeric_limits<double>::infinity();
  std::map<int, double> cheapest;  // by tier
  for (std::size_t i = 0; i < prices.size(); ++i) {
    double alone_s = 0;
    for (const QuotaProblem::Use& use : a_class.routes[i].uses) {
      prices[i] += bound_.prices()[use.resource] * use.units;
      alone_s = std::max(alone_s, use.units / bound_.problem().resources[use.resource].rate);
    }
    quickest_s = std::min(quickest_s, alone_s);
    double& of_tier = cheapest.try_emplace(way(of, i).tier, prices[i]).first->second;
    of_tier = std::min(of_tier, prices[i]);
  }
  for (std::size_t i = 0; i < prices.size(); ++i) {
    const double dear = cheapest[way(of, i).tier] * (1 + dearer_at_most) + next_to_nothing * quickest_s;
    if (prices[i] <= dear) parts[i] = a_class.rows * bound_.share(number, i);
  }
  return parts;
}

void Pricing::publish() {
  const bool worth_it = bound_.below() >= too_short_s;
  for (std::size_t lane = 0; lane < work_.size(); ++lane) {
    LanePlan& plan = work_[lane].lane->plan();
    if (!worth_it) {
      plan.clear();
      continue;
    }
    std::vector<double> sends;
    for (const Lane::Way& way : ways_[lane]) sends.push_back(pool_.sends_of(way.group));
    plan.renew(sends);
  }
  if (worth_it) give_parts();
}

void Pricing::give_parts() {
  std::vector<std::vector<double>> parts_of;
  std::vector<double> of_group(pool_.groups());
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    parts_of.push_back(parts(number));
    for (std::size_t i = 0; i < parts_of[number].size(); ++i) {
      of_group[way(classes_[number], i).group.value] += parts_of[number][i];
    }
  }
  std::vector<double> greatest(pool_.groups(), -std::numeric_limits<double>::infinity());
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    const ClassOf& of = classes_[number];
    LanePlan& plan = work_[of.lane].lane->plan();
    plan.know(of.bucket);
    for (std::size_t i = 0; i < of.ways.size(); ++i) {
      const double part = parts_of[number][i];
      const GroupId group = way(of, i).group;
      if (part <= 0) continue;
      plan.give(of.ways[i], of.bucket, part, part / of_group[group.value]);
      greatest[group.value] =
          std::max(greatest[group.value], plan.credit(of.ways[i], of.bucket, pool_.sends_of(group)));
    }
  }
  // Kinds with credit may all be gone; the others must not wait for them.
  for (std::size_t lane = 0; lane < work_.size(); ++lane) {
    for (std::size_t way = 0; way < ways_[lane].size(); ++way) {
      const double most = greatest[ways_[lane][way].group.value];
      if (most < -LanePlan::most_ahead && std::isfinite(most)) work_[lane].lane->plan().raise(way, -most);
    }
  }
}

std::optional<Pricing::Bottleneck> Pricing::bottleneck() const {
  const auto resource = bound_.binding();
  if (!resource) return std::nullopt;
  return resources_[*resource];
}

std::optional<double> Pricing::used_share(const Bottleneck& limit, Duration took) const {
  if (!limit.dimension) return std::nullopt;
  const auto d = static_cast<std::size_t>(*limit.dimension);
  const QuotaGroup& group = pool_.group(limit.group);
  const double granted = *group.granted()[d];
  return group.total()[d] / (is_per_day(*limit.dimension) ? granted : granted / minute_s * seconds(took));
}

Losses Pricing::losses(const LossWatch& watch, Duration took) const {
  Losses losses{};
  const double whole = std::max(0.0, 1 - bound_.below() / seconds(took));
  double known = 0;
  for (std::size_t r = 0; r < resources_.size(); ++r) {
    if (bound_.prices()[r] == 0) continue;
    const QuotaProblem::Resource& resource = bound_.problem().resources[r];
    const double granted = resource.rate * seconds(took) + resource.credit;
    const Losses units = watch.lost(resources_[r].group, resources_[r].dimension, granted);
    for (std::size_t cause = 0; cause < loss_causes; ++cause) {
      const double share = bound_.prices()[r] * units[cause] / seconds(took);
      losses[cause] += share;
      known += share;
    }
  }
  // A burst at the start is ahead of what was granted, and makes good some of what is lost later.
  for (double& share : losses) share *= known > whole ? whole / known : 1;
  of(losses, LossCause::packing) += std::max(0.0, whole - known);
  return losses;
}

}  // namespace batchrun
