#define XXH_INLINE_ALL
#include "io/line_source.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace batchrun {
namespace {

constexpr std::size_t usual_capacity = LineSource::block_octets;
constexpr auto no_limit = static_cast<std::size_t>(-1);
constexpr std::size_t kept_of_long_line = 64u << 10;

struct HashStateFree {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

// Whether these are two ASCII characters in UTF-16, or one in UTF-32, as a JSON text without a byte order
// mark begins then.
bool is_wide_ascii(std::string_view four) {
  const auto text = [&](std::size_t at) {
    const char c = four[at];
    return (c >= ' ' && c <= '~') || c == '\t' || c == '\r' || c == '\n';
  };
  const auto zero = [&](std::size_t at) { return four[at] == '\0'; };
  return (text(0) && zero(1) && zero(3) && (text(2) || zero(2))) ||
         (text(3) && zero(2) && zero(0) && (text(1) || zero(1)));
}

}  // namespace

LineSource::LineSource(const std::string& path, std::size_t max_line, const std::atomic<bool>* stop)
    : LineSource(open_byte_source(path, stop), max_line) {}

LineSource::LineSource(std::unique_ptr<ByteSource> source, std::size_t max_line)
    : source_(std::move(source)), max_line_(max_line) {
  go_on_in(usual_capacity);
  drop_mark();
}

LineSource::~LineSource() = default;

void LineSource::drop_mark() {
  while (end_ < 4 && refill(no_limit)) {
  }
  const std::string_view head(buffer_.get(), end_);
  const bool utf16 = head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF");
  if (utf16 || (head.size() >= 4 && is_wide_ascii(head))) {
    throw InputError{"the input is UTF-16 or UTF-32, not UTF-8",
                     "convert it: iconv -f UTF-16 -t UTF-8 INPUT"};
  }
  if (head.starts_with("\xEF\xBB\xBF")) begin_ = 3;
}

void LineSource::go_to(const LinePlace& place) {
  number_ = place.number - 1;
  if (place.offset <= read_) {  // the first octets have been read to see what they are
    begin_ = static_cast<std::size_t>(place.offset);
    return;
  }
  source_->skip(place.offset - read_);
  read_ = place.offset;
  begin_ = end_ = 0;
}

// At most so many bytes more behind end_; false at the end of the input.
bool LineSource::refill(std::size_t most) {
  if (at_end_) return false;
  make_room();
  const std::size_t got = source_->read(buffer_.get() + end_, std::min(most, capacity_ - end_));
  end_ += got;
  read_ += got;
  at_end_ = got == 0;
  return !at_end_;
}

void LineSource::make_room() {
  const std::size_t held = end_ - begin_;
  if (held == capacity_) {
    go_on_in(std::min(2 * capacity_, max_line_ + 2 * usual_capacity));
  } else if (capacity_ > 4 * usual_capacity && held < usual_capacity / 2) {
    go_on_in(usual_capacity);
  } else if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, held);
    begin_ = 0;
    end_ = held;
  }
}

// In another buffer, with what is not given out yet. The one that was.
std::unique_ptr<char[]> LineSource::go_on_in(std::size_t capacity) {
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity);
  const std::size_t held = end_ - begin_;
  if (held > 0) std::memcpy(buffer.get(), buffer_.get() + begin_, held);
  std::swap(buffer_, buffer);
  capacity_ = capacity;
  begin_ = 0;
  end_ = held;
  return buffer;
}

bool LineSource::next(Line& line) {
  if (!given_back_.empty() && next_given_back(line)) return true;
  for (;;) {
    if (next_buffered(line)) return true;
    const std::size_t held = end_ - begin_;
    if (searched_ > max_line_ + 1) {  // one more than allowed may be a CR
      skip_long_line(line);
      return true;
    }
    if (at_end_ && held > 0) {
      give(line, held);
      begin_ = end_;
      searched_ = 0;
      return true;
    }
    if (at_end_) return false;
    refill(no_limit);
  }
}

// The next line, if it is here to its LF and not too long to be held. If not, searched_ tells how much of it
// is.
bool LineSource::next_buffered(Line& line) {
  const char* const start = buffer_.get() + begin_;
  const std::size_t held = end_ - begin_;
  const void* const hit = std::memchr(start + searched_, '\n', held - searched_);
  searched_ = hit ? static_cast<std::size_t>(static_cast<const char*>(hit) - start) : held;
  if (!hit || searched_ > max_line_ + 1) return false;
  give(line, searched_);
  begin_ += searched_ + 1;
  searched_ = 0;
  return true;
}

// A block goes once its last line is no longer needed.
bool LineSource::next_given_back(Line& line) {
  while (given_again_ == given_back_.front().lines.size()) {
    given_back_.pop_front();
    given_again_ = 0;
    if (given_back_.empty()) return false;
  }
  line = given_back_.front().lines[given_again_++];
  return true;
}

LineBlock LineSource::next_block(std::size_t octets) {
  octets = std::min(octets, block_octets);
  while (end_ - begin_ < octets && refill(octets - (end_ - begin_))) {
  }
  LineBlock block;
  const std::size_t until = begin_ + octets;
  for (Line line; begin_ < until && next_buffered(line);) block.lines.push_back(line);
  if (block.lines.empty()) return block_of_one();
  block.text = go_on_in(std::max(usual_capacity, 2 * (end_ - begin_)));
  return block;
}

// For a line that is longer than a block, too long to be held, or the last and without its LF.
LineBlock LineSource::block_of_one() {
  LineBlock block;
  Line line;
  if (!next(line)) return block;
  block.text = std::make_unique_for_overwrite<char[]>(line.text.size());
  line.text.copy(block.text.get(), line.text.size());
  line.text = {block.text.get(), line.text.size()};
  block.lines.push_back(line);
  return block;
}

void LineSource::give(Line& line, std::size_t size) {
  line.number = ++number_;
  line.offset = read_ - (end_ - begin_);
  line.text = {buffer_.get() + begin_, size};
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  line.size = line.text.size();
  line.too_long = line.size > max_line_;
  if (!line.too_long) return;
  line.hash = XXH3_64bits(line.text.data(), line.text.size());
  line.text = line.text.substr(0, kept_of_long_line);
}

// A line is too long to be held whole: passes over it, block by block.
void LineSource::skip_long_line(Line& line) {
  const std::unique_ptr<XXH3_state_t, HashStateFree> state(XXH3_createState());
  XXH3_64bits_reset(state.get());
  line.offset = read_ - (end_ - begin_);
  long_line_head_.clear();
  line.size = 0;
  const auto take = [&](std::string_view piece) {
    XXH3_64bits_update(state.get(), piece.data(), piece.size());
    line.size += piece.size();
    long_line_head_ += piece.substr(0, kept_of_long_line - long_line_head_.size());
  };
  bool held_back_cr = false;  // a CR is part of the line only if something other than LF follows
  for (bool ended = false; !ended;) {
    const char* const start = buffer_.get() + begin_;
    const void* const hit = std::memchr(start, '\n', end_ - begin_);
    std::string_view piece(
        start, hit ? static_cast<std::size_t>(static_cast<const char*>(hit) - start) : end_ - begin_);
    begin_ += piece.size() + (hit ? 1 : 0);
    if (!piece.empty()) {
      if (held_back_cr) take("\r");
      held_back_cr = piece.ends_with('\r');
      if (held_back_cr) piece.remove_suffix(1);
      take(piece);
    }
    ended = hit != nullptr || !refill(no_limit);
  }
  searched_ = 0;
  line.number = ++number_;
  line.too_long = true;
  line.hash = XXH3_64bits_digest(state.get());
  line.text = long_line_head_;
}

bool LineSource::line_is_buffered() const {
  if (given_back_.size() > 1) return true;
  if (!given_back_.empty() && given_again_ < given_back_.front().lines.size()) return true;
  const char* from = buffer_.get() + begin_ + searched_;
  return std::memchr(from, '\n', end_ - begin_ - searched_) != nullptr;
}

}  // namespace batchrun
