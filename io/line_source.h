// An input cut into its lines. One thread. Memory: the longest line allowed and a block, whatever the input's
// size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/byte_source.h"

namespace batchrun {

struct Line {
  std::uint64_t number = 0;  // 1-based; empty lines count
  std::string_view
      text;  // without LF or CRLF; good until the next call. Of a line that is too long: its first 64 KiB
  bool too_long = false;
  std::uint64_t size = 0;  // of the whole line
  std::uint64_t hash = 0;  // XXH3 of the whole line; only of one that is too long
};

class LineSource {
 public:
  // Opens `path` ("-" = stdin; see open_byte_source). A UTF-8 byte order mark is dropped. Throws InputError
  // when it cannot be read at all, or is UTF-16 or UTF-32.
  LineSource(const std::string& path, std::size_t max_line, const std::atomic<bool>* stop = nullptr);
  LineSource(std::unique_ptr<ByteSource> source, std::size_t max_line);
  ~LineSource();

  // The next line, or false at the end; what follows the last LF is a line if it is not empty. Throws
  // InputError.
  bool next(Line& line);

  // Whether the next line is here already, so that next() need not read.
  bool line_is_buffered() const;

  std::uint64_t bytes_read() const { return source_->bytes_read(); }
  std::uint64_t bytes_total() const { return source_->bytes_total(); }

 private:
  bool refill();
  void make_room();
  void drop_mark();
  void give(Line& line, std::size_t size) const;
  void skip_long_line(Line& line);

  std::unique_ptr<ByteSource> source_;
  const std::size_t max_line_;
  std::vector<char> buffer_;  // [begin_, end_) is what is not given out yet
  std::size_t begin_ = 0, end_ = 0;
  std::size_t searched_ = 0;  // no LF in [begin_, begin_ + searched_)
  std::uint64_t number_ = 0;
  std::string long_line_head_;
  bool at_end_ = false;
};

}  // namespace batchrun
