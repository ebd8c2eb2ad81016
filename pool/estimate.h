// What the rows of a lane really cost on one model, learned from what replies report, so that what is
// reserved comes close to what is charged. One thread.
#pragma once

#include <cmath>
#include <cstdint>

namespace batchrun {

class Estimate {
 public:
  // A reply reported `actual` input tokens, `cached` of them read from a cache, for a row estimated at
  // `estimated`. Ignored unless estimate and report are > 0.
  void learn_input(double estimated, double actual, double cached = 0);

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

  // The same without the share that is read from a cache.
  double uncached_input(double estimated) const { return plain_input(estimated * ratio_ * uncached_share_); }

  // Input tokens uncorrected, in the same form.
  static double plain_input(double estimated) { return estimated > 1 ? whole(estimated) : 1; }

  // Output tokens to expect: the learned mean, never more than `max_output` unless that is 0 (no maximum
  // set). Before the first reply 512.
  double output(double max_output) const { return bounded(output_mean_, max_output); }

  // Output tokens to reserve for one of `in_flight` requests where what is produced is charged: more than the
  // mean, by so much that all of them together have in_flight * mean + 2 * deviation * sqrt(in_flight). One
  // by one that would be twice the deviation each, and most of a quota unused. REQUIRES: in_flight >= 1.
  double output_reserve(double max_output, std::uint32_t in_flight) const {
    return bounded(output_mean_ + output_margin_ / std::sqrt(static_cast<double>(in_flight)), max_output);
  }

  double ratio() const { return ratio_; }
  // What all that is said of input, of output goes by: as long as it is the same, so is what is said.
  double input_factor() const { return ratio_ * uncached_share_; }
  double output_reach() const { return output_mean_ + output_margin_; }

 private:
  static double bounded(double output, double max_output) {
    return whole(max_output > 0 && max_output < output ? max_output : output);
  }

  double ratio_ = 1;
  double uncached_share_ = 1;
  double actual_ = 0, cached_ = 0, estimated_ = 0;  // sums that fade
  double output_mean_ = 512;
  double output_variance_ = 0;
  double output_margin_ = 0;  // of a request alone
  double replies_ = 0;        // with output; no more are counted than are looked back over
};

}  // namespace batchrun
