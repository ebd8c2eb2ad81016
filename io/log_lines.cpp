#include "io/log_lines.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "io/json_text.h"
#include "io/row_identity.h"

namespace batchrun {
namespace {

constexpr std::size_t block = 1u << 20;
// The longest reply and the longest row, every byte of them escaped, fit in this.
constexpr std::size_t longest_line = 1u << 30;
// A row and a reply may be nested 128 deep, and lie some levels down in their line.
constexpr std::size_t line_depth = 160;

// Takes "br-LINE-HASH8" apart. False: it is no id of ours.
bool parse_id(std::string_view id, std::uint64_t& line, std::uint32_t& content_hash) {
  if (!id.starts_with("br-")) return false;
  const char* const end = id.data() + id.size();
  const auto number = std::from_chars(id.data() + 3, end, line);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != '-' || end - number.ptr != 9)
    return false;
  const auto hash = std::from_chars(number.ptr + 1, end, content_hash, 16);
  return hash.ec == std::errc() && hash.ptr == end;
}

std::string_view member(const JsonTokens& tokens, JsonTokens::Value object, std::string_view name) {
  const auto value = find_member(tokens, object, name);
  return value ? tokens.raw(*value) : std::string_view();
}

std::uint32_t number_of(std::string_view text) {
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

LogLineParser::LogLineParser() : tokens_(line_depth) {}

bool LogLines::next(LogLine& line) {
  for (;;) {
    const char* const start = buffer_.data() + begin_;
    const void* const hit = std::memchr(start + searched_, '\n', end_ - begin_ - searched_);
    if (hit == nullptr) {
      searched_ = end_ - begin_;
      if (!refill()) return false;
      continue;
    }
    line.offset = rest_offset();
    line.text = {start, static_cast<std::size_t>(static_cast<const char*>(hit) - start)};
    begin_ += line.text.size() + 1;
    searched_ = 0;
    if (line.text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    line.row = parser_.parse(line.text);
    return true;
  }
}

// Reads the next block behind what is not given out yet; false at the end.
bool LogLines::refill() {
  if (read_ >= file_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ > longest_line) {
    throw OutputError(file_.path() + " is no results file: it has no lines", "give another --output");
  }
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(block, file_end_ - read_));
  if (buffer_.size() - end_ < wanted) buffer_.resize(std::max(end_ + wanted, 2 * end_));
  const std::size_t got = file_.read(buffer_.data() + end_, wanted, read_);
  read_ += got;
  end_ += got;
  return got > 0;
}

bool LogLineParser::is_object(std::string_view text) {
  return tokens_.scan(text) && tokens_.first(JsonTokens::root) == '{';
}

std::optional<LoggedRow> LogLineParser::parse(std::string_view text) {
  if (!is_object(text)) return std::nullopt;
  LoggedRow row;
  std::uint32_t content_hash = 0;
  bool has_id = false, has_custom_id = false, duplicate = false;
  std::string custom_id;
  std::uint32_t occurrence = 0;
  for (ObjectWalk walk(tokens_, JsonTokens::root); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "error") {
      duplicate = member(tokens_, walk.value(), "code") == "\"duplicate_custom_id\"";
    } else if (duplicate && name == "batchrun") {
      occurrence = number_of(member(tokens_, walk.value(), "occurrence"));
    } else if (tokens_.first(walk.value()) != '"') {
      continue;
    } else if (name == "id" && !has_id) {
      has_id = parse_id(tokens_.inner(walk.value()), row.line, content_hash);
    } else if (name == "custom_id" && !has_custom_id) {
      append_json_unescaped(custom_id, tokens_.inner(walk.value()));
      has_custom_id = true;
    }
  }
  if (!has_id || !has_custom_id) return std::nullopt;
  row.identity = duplicate ? duplicate_identity(custom_id, occurrence, content_hash)
                           : make_identity(custom_id, content_hash);
  return row;
}

}  // namespace batchrun
