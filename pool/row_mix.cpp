#include "pool/row_mix.h"

#include <algorithm>
#include <cmath>

namespace batchrun {

namespace {

constexpr int first_octave = 5;  // ends at 2 to the power of this

}  // namespace

std::size_t RowMix::bucket_of(const Job& job) {
  const double tokens = std::max(1.0, job.input_tokens + job.max_output_tokens);
  int octave = 0;
  std::frexp(tokens, &octave);
  octave = std::clamp(octave - first_octave, 0, static_cast<int>(octaves) - 1);
  const double share = std::clamp(job.max_output_tokens / tokens, 0.0, 1.0);
  return static_cast<std::size_t>(octave) * shares +
         std::min(static_cast<std::size_t>(share * shares), shares - 1);
}

RowMix::Least RowMix::least(std::size_t bucket) {
  const std::size_t octave = bucket / shares, share = bucket % shares;
  if (octave == 0) return {0, 0};
  const double eighth = static_cast<double>(std::uint64_t{1} << (octave + first_octave - 1)) / shares;
  return {eighth * static_cast<double>(shares - 1 - share), eighth * static_cast<double>(share)};
}

void RowMix::add(const Job& job, double times) {
  Bucket& bucket = buckets_[bucket_of(job)];
  rows_ += times;
  bucket.rows += times;
  bucket.input_tokens += times * job.input_tokens;
  bucket.max_output_tokens += times * job.max_output_tokens;
  if (bucket.rows == 0) bucket = {};  // sums of fractions do not come back to zero by themselves
}

void RowMix::add(const RowMix& other) {
  rows_ += other.rows_;
  for (std::size_t i = 0; i < buckets; ++i) {
    buckets_[i].rows += other.buckets_[i].rows;
    buckets_[i].input_tokens += other.buckets_[i].input_tokens;
    buckets_[i].max_output_tokens += other.buckets_[i].max_output_tokens;
  }
}

}  // namespace batchrun
