// Remembers a number for each of any number of ids in little memory: what finds ids given twice in an input
// of any size. One thread.
//
// New entries go into a table that grows to a fixed size. A full table is sorted and written to a temporary
// file without a name, as one run; of a run only a Bloom filter (12 bits an entry) and the first hash of each
// page stay in memory. A look-up asks the table, then the runs from the newest, and reads one page of a run
// whose filter says maybe (0.5 % of those that do not hold the id). A table large enough for few runs is what
// makes it fast. A million ids cost 6 MB, ten million 20 MB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "io/row_identity.h"

namespace batchrun {

class IdIndex {
 public:
  // `table_entries`: how many places the table has before it is written out, rounded up to a power of two; a
  // quarter of them stays free.
  explicit IdIndex(std::size_t table_entries = 1u << 18);
  ~IdIndex();
  IdIndex(const IdIndex&) = delete;
  IdIndex& operator=(const IdIndex&) = delete;

  // The number last set for that id, or nothing. Two ids are the same if their hashes are. Throws InputError
  // when the temporary file cannot be written or read.
  std::optional<std::uint32_t> find(const IdHash& id) const;
  void set(const IdHash& id, std::uint32_t number);
  // find(), and set() if there was nothing.
  std::optional<std::uint32_t> find_or_set(const IdHash& id, std::uint32_t number);

  // Brings what a find() will look at into the processor's cache, for a caller that knows ids ahead.
  void prefetch(const IdHash& id) const;

  std::size_t runs() const { return runs_.size(); }

 private:
  struct Entry {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
    std::uint32_t number = 0;  // + 1; 0 marks a free place
  };
  struct Run {
    std::uint64_t offset = 0;  // in the file
    std::size_t entries = 0;
    std::vector<std::uint64_t> filter;       // blocks of 512 bits
    std::vector<std::uint64_t> page_starts;  // the first hash of each page
  };

  std::size_t home_of(std::uint64_t low) const;
  std::size_t place_of(const IdHash& id) const;
  std::optional<std::uint32_t> find_in_runs(const IdHash& id) const;
  std::optional<std::uint32_t> find_in(const Run& run, const IdHash& id) const;
  void put(std::size_t place, const IdHash& id, std::uint32_t number);
  void grow();
  void sort_table();
  void spill();
  void write_run(Run& run, const std::vector<Entry>& sorted);

  const std::size_t most_places_;
  std::vector<Entry> table_;  // open addressing, at most 3/4 full
  std::size_t used_ = 0;
  std::vector<Run> runs_;  // oldest first
  int file_ = -1;
  std::uint64_t file_size_ = 0;
};

}  // namespace batchrun
