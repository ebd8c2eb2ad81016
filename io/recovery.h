// The scan that makes a run resumable: which rows the output files already hold, and the repair of a torn
// end.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "io/row.h"

namespace batchrun {

// Rows that need no sending again, by identity. Built once by recover(), then read only.
class DoneRows {
 public:
  enum class Match : std::uint8_t { unknown, done, changed };  // changed: the same id, but other content
  Match find(const RowIdentity& identity) const;
  std::size_t size() const;
  void add(const RowIdentity& identity);
  void seal();  // REQUIRED once after the last add and before the first find

 private:
  using Entry = std::array<std::uint32_t, 3>;  // both halves of the id's hash, the content's: 12 bytes a row
  std::vector<Entry> rows_;                    // sorted, once sealed
};

struct RecoveredFile {
  std::uint64_t size = 0;            // of the usable part: append from here
  std::uint64_t lines = 0;           // good lines
  std::uint64_t corrupt_lines = 0;   // bad lines in the middle, copied to PATH.corrupt and left out of `done`
  std::uint64_t repaired_bytes = 0;  // cut from a torn end
};

// Scans one output file, repairs its end in place (see below) and adds its rows to `done`.
// A last piece without LF: a whole object gets its LF and is kept, anything else is cut off. Trailing NULs
// are cut. A missing file is an empty one. Throws OutputError when the file cannot be read, repaired or
// synced.
RecoveredFile recover(int fd, const std::string& path, DoneRows& done);

}  // namespace batchrun
