// Puts a finished results file into the order of its input: one pass to see where each line lies, one copy.
// 40 bytes of memory a line. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/output_file.h"
#include "io/row.h"

namespace batchrun {

class LineOrder {
 public:
  // Sees where the lines of `file` lie and what line of its input each says it is about. REQUIRES: a log that
  // holds whole lines of batchrun and nothing else.
  explicit LineOrder(const OutputFile& file);

  // Corrects that for lines that an earlier run has written, from an input whose rows have moved since. To be
  // called with the line of every row, in any order; lines whose row is gone stay with the number they had.
  void place(const RowIdentity& row, std::uint64_t line);

  // Puts the lines in order and replaces the file; nothing is written if they are in order already. False:
  // they were. Throws OutputError; the file is then as it was.
  bool apply(OutputFile& file);

 private:
  struct Piece {
    RowIdentity row;
    std::uint64_t line;  // of the input
    std::uint64_t offset;
    std::uint32_t size;  // with its LF
  };

  void sort_by_identity();

  std::vector<Piece> pieces_;
  bool by_identity_ = false;
};

}  // namespace batchrun
