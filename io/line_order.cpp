#include "io/line_order.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "io/done_rows.h"
#include "io/log_lines.h"

namespace batchrun {
namespace {

constexpr std::size_t block = 1u << 20;

// Copies pieces of one file, those that lie one after the other with one read.
class Copier {
 public:
  Copier(const OutputFile& from, ReplacementFile& to) : from_(from), to_(to) {}

  void add(std::uint64_t offset, std::size_t size) {
    if (offset != begin_ + size_ || size_ >= block) {
      flush();
      begin_ = offset;
    }
    size_ += size;
  }

  void flush() {
    buffer_.resize(std::max(buffer_.size(), size_));
    if (from_.read(buffer_.data(), size_, begin_) != size_) {
      throw OutputError(from_.path() + " was cut short while it was put in order", std::string(resume_hint));
    }
    to_.append(std::string_view(buffer_).substr(0, size_));
    size_ = 0;
  }

 private:
  const OutputFile& from_;
  ReplacementFile& to_;
  std::string buffer_;
  std::uint64_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace

LineOrder::LineOrder(const OutputFile& file) {
  LogLines lines(file, 0, file.size());
  for (LogLine line; lines.next(line);) {
    if (!line.row) {
      throw OutputError(file.path() + " cannot be put in order: it holds a line that is no result",
                        "run the same command again: it sets such lines aside");
    }
    pieces_.push_back(
        {line.row->identity, line.row->line, line.offset, static_cast<std::uint32_t>(line.text.size() + 1)});
  }
}

void LineOrder::sort_by_identity() {
  std::sort(pieces_.begin(), pieces_.end(), [](const Piece& a, const Piece& b) { return a.row < b.row; });
  by_identity_ = true;
}

void LineOrder::place(const RowIdentity& row, std::uint64_t line) {
  if (!by_identity_) sort_by_identity();
  const auto found =
      std::lower_bound(pieces_.begin(), pieces_.end(), row,
                       [](const Piece& piece, const RowIdentity& wanted) { return piece.row < wanted; });
  if (found != pieces_.end() && found->row == row) found->line = line;
}

bool LineOrder::apply(OutputFile& file) {
  const auto in_order = [](const Piece& a, const Piece& b) {
    return std::tie(a.line, a.offset) < std::tie(b.line, b.offset);
  };
  std::sort(pieces_.begin(), pieces_.end(), in_order);
  by_identity_ = false;
  const auto lies_before = [](const Piece& a, const Piece& b) { return a.offset < b.offset; };
  if (std::is_sorted(pieces_.begin(), pieces_.end(), lies_before)) return false;
  ReplacementFile ordered(file.files(), file.path());
  Copier copier(file, ordered);
  for (const Piece& piece : pieces_) copier.add(piece.offset, piece.size);
  copier.flush();
  file = ordered.keep();
  return true;
}

}  // namespace batchrun
