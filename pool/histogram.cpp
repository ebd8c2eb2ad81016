#include "pool/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace batchrun {

std::size_t Histogram::bucket_of(std::uint64_t us) {
  if (us < parts) return static_cast<std::size_t>(us);
  const auto octave = static_cast<std::size_t>(std::bit_width(us) - std::bit_width(parts));
  if (octave >= octaves) return buckets - 1;
  const auto part = static_cast<std::size_t>(us >> octave) - parts;
  return parts + octave * parts + part;
}

Duration Histogram::middle_of(std::size_t bucket) {
  const auto middle = [](std::uint64_t low_us, std::uint64_t width_us) {
    return Duration(static_cast<Duration::rep>(low_us * 1000 + width_us * 500));
  };
  if (bucket < parts) return middle(bucket, 1);
  const std::size_t octave = (bucket - parts) / parts;
  const std::size_t part = (bucket - parts) % parts;
  return middle(static_cast<std::uint64_t>(parts + part) << octave, std::uint64_t{1} << octave);
}

void Histogram::record(Duration value) {
  value = std::max(value, Duration::zero());
  ++counts_[bucket_of(static_cast<std::uint64_t>(value.count()) / 1000)];
  ++count_;
  sum_s_ += seconds(value);
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_s_ += other.sum_s_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

Duration Histogram::mean() const {
  return count_ == 0 ? Duration::zero() : from_seconds(sum_s_ / static_cast<double>(count_));
}

Duration Histogram::percentile(double percent) const {
  if (count_ == 0) return Duration::zero();
  if (!(percent > 0)) return min_;
  const double share = std::min(percent, 100.0) / 100.0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  if (rank >= count_) return max_;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::clamp(middle_of(i), min_, max_);
  }
  return max_;
}

}  // namespace batchrun
