#include "pool/row_mix.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace batchrun {

namespace {

constexpr std::size_t first_octave = 5;  // ends at 2 to the power of this
constexpr double most_tokens = 1e15;     // of the last octave all the same, and still a whole number

constexpr RowMix::Least least_of(std::size_t bucket) {
  const std::size_t octave = bucket / RowMix::shares, share = bucket % RowMix::shares;
  if (octave == 0) return {0, 0};
  const double eighth = static_cast<double>(std::uint64_t{1} << (octave + first_octave - 1)) / RowMix::shares;
  return {eighth * static_cast<double>(RowMix::shares - 1 - share), eighth * static_cast<double>(share)};
}

}  // namespace

std::size_t RowMix::bucket_of(const Job& job) {
  const double tokens = std::max(1.0, job.input_tokens + job.max_output_tokens);
  const auto whole = static_cast<std::uint64_t>(std::min(tokens, most_tokens));
  const std::size_t octave =
      std::clamp<std::size_t>(std::bit_width(whole), first_octave, first_octave + octaves - 1) - first_octave;
  const double share = std::clamp(job.max_output_tokens / tokens, 0.0, 1.0);
  return octave * shares + std::min(static_cast<std::size_t>(share * shares), shares - 1);
}

constinit const std::array<RowMix::Least, RowMix::buckets> RowMix::least_ = [] {
  std::array<Least, buckets> least{};
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) least[bucket] = least_of(bucket);
  return least;
}();

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
