// A set of kinds of rows, the buckets of a RowMix: where there are many kinds, most groups have to do with
// few of them, and whoever asks about each passes over the others. One thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "pool/row_mix.h"

namespace batchrun {

class KindSet {
 public:
  static KindSet all() {
    KindSet set;
    set.words_.fill(~std::uint64_t{0});
    return set;
  }

  void insert(std::size_t kind) { words_[kind / 64] |= bit(kind); }
  void erase(std::size_t kind) { words_[kind / 64] &= ~bit(kind); }
  bool contains(std::size_t kind) const { return (words_[kind / 64] & bit(kind)) != 0; }

  // Calls visit(kind) for each that is in both, smallest first.
  template <class Visit>
  void for_each_in_both(const KindSet& other, Visit visit) const {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      for (std::uint64_t left = words_[word] & other.words_[word]; left != 0; left &= left - 1) {
        visit(word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
      }
    }
  }

 private:
  static std::uint64_t bit(std::size_t kind) { return std::uint64_t{1} << kind % 64; }

  static_assert(RowMix::buckets % 64 == 0);
  std::array<std::uint64_t, RowMix::buckets / 64> words_{};
};

}  // namespace batchrun
