// A JSONL source as rows: plain file, .gz, .zst or stdin; one row or one refusal for every line that is not
// blank. Memory is bounded by the longest line allowed, whatever the input's size. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "io/done_rows.h"
#include "io/input_error.h"
#include "io/line_source.h"
#include "io/row.h"

namespace batchrun {

struct RowReaderOptions {
  std::size_t max_line = 32u << 20;         // longer lines are refused without being held
  const std::atomic<bool>* stop = nullptr;  // see open_byte_source
};

class RowReader {
 public:
  // Opens `path` ("-" = stdin; .gz and .zst by name, then by magic bytes). Throws InputError when it cannot
  // be read at all: missing, a directory, UTF-16.
  RowReader(const std::string& path, const RowReaderOptions& options);
  ~RowReader();

  struct End {};
  using Item = std::variant<RowPtr, RowError, End>;
  // The next row, refusal, or End. A read error in the middle throws InputError.
  Item next();

  struct Skipped {
    std::uint64_t rows = 0;
    std::optional<LinePlace> stop;  // of the line that next() makes its next item of; nothing at the end
  };
  // Passes over the first rows and refusals, as long as `done` has them. Works with every core, on blocks of
  // lines of about `block` octets. REQUIRED before the first next(). Throws InputError.
  Skipped skip(const DoneRows& done, std::size_t block = LineSource::block_octets);

  // Whether next() can answer without reading: false means that a slow pipe may keep it waiting.
  bool line_is_buffered() const;

  // Of the file as it lies on disk, for progress: up to the last item given, not as far as has been read
  // ahead. Of a packed file in proportion to what is unpacked.
  std::uint64_t bytes_done() const;
  std::uint64_t bytes_total() const;  // 0 when not known (a pipe)

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One line as a row. Pure; any thread. `line` is its number in the file. An id made from the content is not
// yet told apart from that of an equal row before it; RowReader does that, and finds ids given twice.
std::variant<RowPtr, RowError> parse_row(std::string text, std::uint64_t line);

// parse_row() of a line of an input; nothing for a blank one, a refusal for one that is too long.
std::optional<std::variant<RowPtr, RowError>> read_line(const Line& line, std::size_t max_line);

}  // namespace batchrun
