// How long things took, as a table of counts: fixed size, mergeable, and a plain copy (7.5 kB), so that a
// picture of it may cross threads.
//
// Buckets are log-linear: every doubling is cut into 32 equal parts, so a percentile is within 1.6 % of the
// value that was recorded, from 32 microseconds to 2.4 hours; below that within half a microsecond, above it
// "at least 2.4 hours" (max() stays exact). One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pool/time.h"

namespace batchrun {

class Histogram {
 public:
  // Counts one value; negative counts as zero.
  void record(Duration value);

  // Adds all that `other` has counted.
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  Duration max() const { return max_; }  // zero if nothing was counted
  Duration mean() const;                 // zero if nothing was counted

  // The smallest value that at least `percent` % of the values do not exceed, within the precision above;
  // 0 gives the smallest value, 100 the largest, and anything outside is clamped. Zero if nothing was
  // counted.
  Duration percentile(double percent) const;

 private:
  static constexpr std::size_t parts = 32;    // of each doubling
  static constexpr std::size_t octaves = 28;  // doublings above the first `parts` microseconds
  static constexpr std::size_t buckets = parts + octaves * parts;

  static std::size_t bucket_of(std::uint64_t us);
  static Duration middle_of(std::size_t bucket);

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  double sum_s_ = 0;
  Duration min_ = Duration::max();
  Duration max_ = Duration::zero();
};

}  // namespace batchrun
