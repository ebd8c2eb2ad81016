#include "pool/estimate.h"

#include <algorithm>

namespace batchrun {
namespace {

constexpr double rows_back = 64;  // about as many rows the figures look back over
constexpr double memory = 1 - 1 / rows_back;
constexpr double prior_rows = 4;  // how many rows of ratio 1 the first replies are weighed against
constexpr double lowest_ratio = 0.25, highest_ratio = 4;
constexpr double deviations = 2;

}  // namespace

void Estimate::learn_input(double estimated, double actual, double cached) {
  if (!(estimated > 0) || !(actual > 0)) return;
  if (estimated_ == 0) actual_ = estimated_ = prior_rows * estimated;
  actual_ = actual_ * memory + actual;
  cached_ = cached_ * memory + std::clamp(cached, 0.0, actual);
  estimated_ = estimated_ * memory + estimated;
  ratio_ = std::clamp(actual_ / estimated_, lowest_ratio, highest_ratio);
  uncached_share_ = 1 - cached_ / actual_;
}

// One reply says nothing of the spread: until there are more, it is taken to be as wide as the mean.
void Estimate::learn_output(double actual) {
  if (!(actual >= 0)) return;
  replies_ = std::min(replies_ + 1, rows_back);
  const double weight = 1 / replies_;
  const double off = replies_ == 1 ? actual : actual - output_mean_;
  output_mean_ = replies_ == 1 ? actual : output_mean_ + off * weight;
  output_variance_ += (off * off - output_variance_) * weight;
  output_margin_ = deviations * std::sqrt(output_variance_);
}

}  // namespace batchrun
