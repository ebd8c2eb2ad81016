// The rows that have their line in an output file already, by identity: 13 bytes a row. Filled, sealed, then
// read only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include "io/row.h"

namespace batchrun {

// By id, then by content: all that was ever answered under one id lies together.
inline bool operator<(const RowIdentity& a, const RowIdentity& b) {
  return std::tie(a.id_hash, a.content_hash) < std::tie(b.id_hash, b.content_hash);
}

class DoneRows {
 public:
  void add(const RowIdentity& identity);
  void add(const DoneRows& others);

  // REQUIRED once after the last add and before the first find. Gives back the rows that were added more than
  // once, each once.
  std::vector<RowIdentity> seal();

  enum class Match : std::uint8_t { unknown, done, changed };  // changed: the same id, but other content
  Match find(const RowIdentity& identity) const;
  // For a caller that knows rows ahead: brings what find() will look at into the processor's cache.
  void prefetch(const RowIdentity& identity) const;
  std::size_t size() const { return rows_.size(); }

 private:
  using Entry = std::array<std::uint32_t, 3>;  // both halves of the id's hash, the content's
  static Entry entry(const RowIdentity& identity);
  static std::uint64_t id_hash(const Entry& row);
  void index();
  void sort();

  std::size_t bucket_of(std::uint64_t id_hash) const { return static_cast<std::size_t>(id_hash >> shift_); }

  std::vector<Entry> rows_;  // sorted, once sealed
  // Where the rows whose id's hash begins with the same bits start: hashes lie evenly, so a look-up needs no
  // search through all of memory. About eight rows a bucket, half a byte a row.
  std::vector<std::uint32_t> starts_ = {0, 0, 0};
  int shift_ = 63;
};

}  // namespace batchrun
