// Lines parsed into rows in their order, by any number of threads. Used from one thread; the others are its
// own.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "io/line_source.h"
#include "io/row.h"

namespace batchrun {

class ParseAhead {
 public:
  // `lines` must outlive this. `helpers`: threads beside the caller's; with none, each line is parsed when it
  // is asked for. With some, up to 1 MiB of lines (or one line, if it is longer) is held ahead.
  ParseAhead(LineSource& lines, std::size_t max_line, unsigned helpers);
  ~ParseAhead();

  // What the next line that is not blank is, or nothing at the end. Throws what `lines` throws, in its place
  // in the order.
  std::optional<std::variant<RowPtr, RowError>> next();

 private:
  struct Batch;
  class Crew;

  std::optional<std::variant<RowPtr, RowError>> next_directly();
  void fill();

  LineSource& lines_;
  const std::size_t max_line_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace batchrun
