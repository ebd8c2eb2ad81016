#include "pool/limit_search.h"

#include <algorithm>
#include <cmath>

namespace batchrun {
namespace {

constexpr double first_limit = 60;  // units a minute
constexpr Duration doubling = std::chrono::seconds(5);
constexpr double most_doublings = 16;                    // four million a minute: no limit at all
constexpr Duration recovery = std::chrono::seconds(60);  // from a cut back to where it was made
constexpr double deep_cut = 0.3, shallow_cut = 0.03;
constexpr double close = 0.05;                           // two refusals so near each other are the limit
constexpr double settled_growth = 0.01;                  // a minute
constexpr Duration one_event = std::chrono::seconds(2);  // replies in flight together tell of the same
constexpr double least_limit = 1;

}  // namespace

LimitSearch LimitSearch::below(double units, TimePoint now) {
  LimitSearch search;
  search.most_ = units;
  search.cut(units, now);
  return search;
}

LimitSearch LimitSearch::around(double units) {
  LimitSearch search;
  search.top_ = std::max(units, least_limit);
  search.settled_ = true;
  search.depth_ = shallow_cut;
  return search;
}

double LimitSearch::limit(TimePoint now) {
  if (since_ == never) since_ = now;
  if (starting()) {
    const double doublings = std::floor(seconds(now - since_) / seconds(doubling));
    return first_limit * std::exp2(std::min(doublings, most_doublings));
  }
  const double progress = seconds(now - since_) / seconds(recovery);
  double units = top_;
  if (progress < 1) {
    units -= top_ * depth_ * std::pow(1 - progress, 3);
  } else if (settled_) {
    units += top_ * settled_growth * (progress - 1) * seconds(recovery) / 60;
  } else {
    units += std::max(top_, first_limit) * depth_ * std::pow(progress - 1, 3);
  }
  units = std::max(units, least_limit);
  return most_ > 0 ? std::min(units, most_) : units;
}

void LimitSearch::refused(double accepted, TimePoint now) {
  if (starting()) return cut(accepted, now);
  if (since_ == never || now - since_ < one_event) return;
  const double units = std::min(limit(now), accepted);
  settled_ = std::abs(units - top_) <= close * top_;
  depth_ = settled_ ? shallow_cut : deep_cut;
  cut(units, now);
}

void LimitSearch::cut(double units, TimePoint now) {
  top_ = std::max(units, least_limit);
  since_ = now;
}

bool LimitSearch::recovered(TimePoint now) const {
  return most_ > 0 && top_ >= most_ && now - since_ >= recovery;
}

}  // namespace batchrun
