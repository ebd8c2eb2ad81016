// An output file read back, line by line: what each line is about. Each object one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/json_tokens.h"
#include "io/output_file.h"
#include "io/row.h"

namespace batchrun {

// What a line of an output file says of its row.
struct LoggedRow {
  RowIdentity identity;
  std::uint64_t line = 0;  // of the input, as it was when the row was answered
};

struct LogLine {
  std::string_view text;         // without its LF; good until the next call
  std::uint64_t offset = 0;      // in the file
  std::optional<LoggedRow> row;  // nothing: no line that batchrun has written
};

class LogLineParser {
 public:
  LogLineParser();
  // Of a line without its LF: what it is about, and whether it is a JSON object at all.
  std::optional<LoggedRow> parse(std::string_view text);
  bool is_object(std::string_view text);

 private:
  JsonTokens tokens_;
};

class LogLines {
 public:
  // Reads `file`, a log that outlives it, from the line that starts at `begin` to `end`.
  LogLines(const OutputFile& file, std::uint64_t begin, std::uint64_t end)
      : file_(file), file_end_(end), read_(begin) {}

  // The next line that ends in LF and is not blank; false when there is none. Throws OutputError: the file
  // cannot be read, or has no lines.
  bool next(LogLine& line);

  // After the last: what follows its LF, and where that starts.
  std::string_view rest() const { return std::string_view(buffer_).substr(begin_, end_ - begin_); }
  std::uint64_t rest_offset() const { return read_ - (end_ - begin_); }

 private:
  bool refill();

  const OutputFile& file_;
  const std::uint64_t file_end_;
  LogLineParser parser_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of buffer_: what is not given out yet
  std::size_t searched_ = 0;         // of these, how many hold no LF
  std::uint64_t read_;               // of the file
};

}  // namespace batchrun
