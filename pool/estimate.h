// What the rows of a lane really cost on one model, learned from what replies report, so that what is
// reserved comes close to what is charged. One thread.
#pragma once

#include <cstdint>

namespace batchrun {

class Estimate {
 public:
  // A reply reported `actual` input tokens for a row estimated at `estimated`. Ignored unless both are > 0.
  void learn_input(double estimated, double actual);

  // A reply reported its output tokens.
  void learn_output(double actual);

  // Tokens as a whole number that is not less, at most 1e15, so that sums are exact.
  static double whole(double tokens) {
    const double bounded = tokens < 1e15 ? tokens : 1e15;
    const auto cut = static_cast<double>(static_cast<std::int64_t>(bounded));
    return cut < bounded ? cut + 1 : cut;
  }

  // Estimated input tokens, corrected: a whole number, at least 1. The correction starts at 1, is within 3 %
  // of the true ratio after some 50 replies, and stays in [0.25, 4]: beyond that it is not the estimate that
  // is wrong.
  double input(double estimated) const { return plain_input(estimated * ratio_); }

  // Input tokens uncorrected, in the same form.
  static double plain_input(double estimated) { return estimated > 1 ? whole(estimated) : 1; }

  // Output tokens to expect where a provider charges what is produced: the learned mean and a tenth, never
  // more than `max_output` unless that is 0 (no maximum set). Before the first reply 512.
  double output(double max_output) const {
    return max_output > 0 && max_output < output_expected_ ? whole(max_output) : output_expected_;
  }

  double ratio() const { return ratio_; }

 private:
  double ratio_ = 1;
  double actual_ = 0, estimated_ = 0;  // sums that fade
  double output_mean_ = 0;
  bool output_known_ = false;
  double output_expected_ = 512;
};

}  // namespace batchrun
