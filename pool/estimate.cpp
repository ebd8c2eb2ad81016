#include "pool/estimate.h"

#include <algorithm>

namespace batchrun {
namespace {

constexpr double memory =
    63.0 / 64.0;                  // share of the old figure that a new one leaves: looks back over 64 rows
constexpr double prior_rows = 4;  // how many rows of ratio 1 the first replies are weighed against
constexpr double lowest_ratio = 0.25, highest_ratio = 4;
constexpr double output_margin = 1.1;

}  // namespace

void Estimate::learn_input(double estimated, double actual) {
  if (!(estimated > 0) || !(actual > 0)) return;
  if (estimated_ == 0) actual_ = estimated_ = prior_rows * estimated;
  actual_ = actual_ * memory + actual;
  estimated_ = estimated_ * memory + estimated;
  ratio_ = std::clamp(actual_ / estimated_, lowest_ratio, highest_ratio);
}

void Estimate::learn_output(double actual) {
  if (!(actual >= 0)) return;
  output_mean_ = output_known_ ? output_mean_ + (actual - output_mean_) * (1 - memory) : actual;
  output_known_ = true;
  output_expected_ = whole(output_mean_ * output_margin);
}

}  // namespace batchrun
