#include "io/done_rows.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace batchrun {

DoneRows::Entry DoneRows::entry(const RowIdentity& identity) {
  return {static_cast<std::uint32_t>(identity.id_hash >> 32), static_cast<std::uint32_t>(identity.id_hash),
          identity.content_hash};
}

std::uint64_t DoneRows::id_hash(const Entry& row) {
  return std::uint64_t{row[0]} << 32 | row[1];
}

void DoneRows::add(const RowIdentity& identity) {
  rows_.push_back(entry(identity));
}

void DoneRows::add(const DoneRows& others) {
  rows_.insert(rows_.end(), others.rows_.begin(), others.rows_.end());
}

std::vector<RowIdentity> DoneRows::seal() {
  index();
  sort();
  std::vector<RowIdentity> repeated;
  for (auto at = rows_.begin(); (at = std::adjacent_find(at, rows_.end())) != rows_.end();) {
    const Entry twice = *at;
    repeated.push_back({id_hash(twice), twice[2]});
    at = std::find_if(at, rows_.end(), [&](const Entry& other) { return other != twice; });
  }
  if (repeated.empty()) return repeated;
  rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
  index();
  return repeated;
}

// The index says where each bucket's rows belong: to put them there is most of sorting them.
void DoneRows::sort() {
  std::vector<Entry> sorted(rows_.size());
  std::vector<std::uint32_t> next = starts_;
  for (const Entry& row : rows_) sorted[next[bucket_of(id_hash(row))]++] = row;
  rows_ = std::move(sorted);
  for (std::size_t bucket = 0; bucket + 1 < starts_.size(); ++bucket) {
    std::sort(rows_.begin() + starts_[bucket], rows_.begin() + starts_[bucket + 1]);
  }
}

void DoneRows::index() {
  constexpr std::size_t rows_in_a_bucket = 8;
  const int bits = std::clamp(static_cast<int>(std::bit_width(rows_.size() / rows_in_a_bucket)), 1, 32);
  shift_ = 64 - bits;
  starts_.assign((std::size_t{1} << bits) + 1, 0);
  for (const Entry& row : rows_) ++starts_[bucket_of(id_hash(row)) + 1];
  std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
}

void DoneRows::prefetch(const RowIdentity& identity) const {
  constexpr std::size_t rows_in_a_line = 64 / sizeof(Entry);
  const std::size_t first = starts_[bucket_of(identity.id_hash)];
  if (first < rows_.size()) __builtin_prefetch(&rows_[first]);
  if (first + rows_in_a_line < rows_.size()) __builtin_prefetch(&rows_[first + rows_in_a_line]);
}

DoneRows::Match DoneRows::find(const RowIdentity& identity) const {
  const Entry wanted = entry(identity);
  const auto same_id = [&](const Entry& other) { return other[0] == wanted[0] && other[1] == wanted[1]; };
  const std::size_t bucket = bucket_of(identity.id_hash);
  const auto begin = rows_.begin() + starts_[bucket], end = rows_.begin() + starts_[bucket + 1];
  const auto at = std::lower_bound(begin, end, wanted);
  if (at != end && *at == wanted) return Match::done;
  const bool changed = (at != end && same_id(*at)) || (at != begin && same_id(*(at - 1)));
  return changed ? Match::changed : Match::unknown;
}

}  // namespace batchrun
