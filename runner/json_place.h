// Where things stand in a JSON text with comments: for messages that say line and column.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace batchrun {

// Line and column, both from 1, columns in bytes.
struct TextPlace {
  std::size_t line = 1, column = 1;
  friend bool operator==(const TextPlace&, const TextPlace&) = default;
};

// The place of the byte at `offset`; of the end of the text when `offset` is past it.
TextPlace place_at(std::string_view text, std::size_t offset);

// The places of every member and element of a document, by JSON pointer (RFC 6901):
// "/providers/openai/keys/0". A value after construction. Names written with escapes are not found; their
// parents are given instead.
class JsonPlaces {
 public:
  // REQUIRES: a parser has found `text` valid (JSON with // and /* */ comments and trailing commas). Text
  // that is not gives places that mean nothing.
  explicit JsonPlaces(std::string_view text);

  // The first byte of the value, or of the member's name. For a pointer that leads nowhere: its nearest
  // parent's.
  TextPlace value(std::string pointer) const;
  TextPlace name(std::string pointer) const;

  // Pointer of the first member whose object had one of that name before; "" when there is none.
  const std::string& duplicate() const { return duplicate_; }
  TextPlace duplicate_place() const;

 private:
  struct Entry {
    std::size_t name = 0, value = 0;  // offsets
  };
  void scan_value(const std::string& pointer);
  void scan_object(const std::string& pointer);
  void scan_array(const std::string& pointer);
  std::string_view scan_string();
  void skip_space();
  bool at(char c) const { return at_ < text_.size() && text_[at_] == c; }
  const Entry& nearest(std::string& pointer) const;

  std::string text_;
  std::size_t at_ = 0;
  std::unordered_map<std::string, Entry> entries_;
  std::string duplicate_;
  std::size_t duplicate_at_ = 0;
};

// `parent` with one more step; `name` is escaped as RFC 6901 says.
std::string pointer_to(std::string_view parent, std::string_view name);

}  // namespace batchrun
