// How many rows there are of which kind, in a bounded record: what prices and figures know of the rows of a
// lane. A kind is an octave of input and maximum output tokens together and an eighth of the share that is
// output: where some providers count output apart, that share is what decides where a row should go. Measured
// on pools of 20 such groups and rows of 10 to 60 % output, the bound is above that of single rows by up to
// 17 % without shares, 3.5 % with quarters, 1.2 % with eighths; half octaves instead of octaves gain nothing.
// One thread.
#pragma once

#include <array>
#include <cstddef>

#include "pool/scheduler.h"

namespace batchrun {

class RowMix {
 public:
  static constexpr std::size_t octaves = 16;  // the first is below 32 tokens, the last from 512k on
  static constexpr std::size_t shares = 8;
  static constexpr std::size_t buckets = octaves * shares;
  static std::size_t bucket_of(const Job& job);

  // What a row of that bucket has at least.
  struct Least {
    double input_tokens, max_output_tokens;
  };
  static Least least(std::size_t bucket) { return least_[bucket]; }

  void add(const Job& job) { add(job, 1); }
  void remove(const Job& job) { add(job, -1); }  // REQUIRES: it was added
  void add(const RowMix& other);

  struct Bucket {
    double rows = 0, input_tokens = 0, max_output_tokens = 0;  // sums; tokens as the jobs say
  };
  const Bucket& operator[](std::size_t bucket) const { return buckets_[bucket]; }
  double rows() const { return rows_; }

 private:
  void add(const Job& job, double times);

  static const std::array<Least, buckets> least_;

  std::array<Bucket, buckets> buckets_{};
  double rows_ = 0;
};

}  // namespace batchrun
