// An input cut into its lines. One thread. Memory: the longest line allowed and a block, whatever the input's
// size.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/byte_source.h"

namespace batchrun {

// Where a line starts.
struct LinePlace {
  std::uint64_t number = 1;  // of the line; empty lines count
  std::uint64_t offset = 0;  // in the input, unpacked
};

struct Line {
  std::uint64_t number = 0, offset = 0;  // its LinePlace
  std::string_view
      text;  // without LF or CRLF; good until the next call. Of a line that is too long: its first 64 KiB
  bool too_long = false;
  std::uint64_t size = 0;  // of the whole line
  std::uint64_t hash = 0;  // XXH3 of the whole line; only of one that is too long
};

// Lines taken out of a source, for who looks at them later or on another thread.
struct LineBlock {
  std::unique_ptr<char[]> text;
  std::vector<Line> lines;  // their texts lie in `text`
};

class LineSource {
 public:
  // Opens `path` ("-" = stdin; see open_byte_source). A UTF-8 byte order mark is dropped. Throws InputError
  // when it cannot be read at all, or is UTF-16 or UTF-32.
  LineSource(const std::string& path, std::size_t max_line, const std::atomic<bool>* stop = nullptr);
  LineSource(std::unique_ptr<ByteSource> source, std::size_t max_line);
  ~LineSource();

  // Goes on at that place, which an earlier reading of the same input has found. REQUIRED before the first
  // next(). Throws InputError.
  void go_to(const LinePlace& place);

  // The next line, or false at the end; what follows the last LF is a line if it is not empty. Throws
  // InputError.
  bool next(Line& line);

  // What a block has at most, unless a line is longer.
  static constexpr std::size_t block_octets = 512u << 10;
  // The next lines, about `octets` of them, or one that is longer; none at the end. They stay in the memory
  // they were read into: only what has come of the line after them is copied. REQUIRED: nothing was given
  // back. Throws InputError.
  LineBlock next_block(std::size_t octets);

  // Puts back lines that were read as blocks: next() gives them again. REQUIRED: they are the last that were
  // read, in their order.
  void give_back(std::deque<LineBlock> blocks) { given_back_ = std::move(blocks); }

  // Whether the next line is here already, so that next() need not read.
  bool line_is_buffered() const;

  // How far has been read, ahead of the lines given: of the input, and of the file as it lies on disk.
  std::uint64_t octets_read() const { return read_; }
  std::uint64_t bytes_read() const { return source_->bytes_read(); }
  std::uint64_t bytes_total() const { return source_->bytes_total(); }

 private:
  bool next_given_back(Line& line);
  bool next_buffered(Line& line);
  bool refill(std::size_t most);
  void make_room();
  std::unique_ptr<char[]> go_on_in(std::size_t capacity);
  LineBlock block_of_one();
  void drop_mark();
  void give(Line& line, std::size_t size);
  void skip_long_line(Line& line);

  std::unique_ptr<ByteSource> source_;
  const std::size_t max_line_;
  std::unique_ptr<char[]> buffer_;  // [begin_, end_) is what is not given out yet
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  std::size_t searched_ = 0;  // no LF in [begin_, begin_ + searched_)
  std::uint64_t number_ = 0;
  std::uint64_t read_ = 0;  // octets that have come into buffer_; where end_ is in the input
  std::string long_line_head_;
  bool at_end_ = false;
  std::deque<LineBlock> given_back_;
  std::size_t given_again_ = 0;  // lines of its first block
};

}  // namespace batchrun
