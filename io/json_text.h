// JSON written piece by piece into a string, and the text inside of JSON strings. Pure.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace batchrun {

// Appends `text` as a JSON string with its quotes. What is appended is always valid UTF-8 without control
// characters: bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// Appends JSON text as it is, but with raw CR and LF as spaces, so that it stays on one line. REQUIRES: valid
// JSON (where CR and LF only occur between tokens).
void append_json_raw(std::string& out, std::string_view json);

// Appends a number.
template <std::integral Number>
void append_json_number(std::string& out, Number value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}
// Not a number and infinity, for which JSON has no word, become null.
void append_json_number(std::string& out, double value);

// Appends what a JSON string stands for. `inner` is what is between its quotes. REQUIRES: a parser has said
// that it is valid; surrogates without their partner, if it let them pass, become U+FFFD.
void append_json_unescaped(std::string& out, std::string_view inner);

// The same as a view: of `inner` itself where it holds no escape, else of `decoded`. For the names of
// members, which are the same to every parser however they are spelled.
std::string_view json_unescaped(std::string_view inner, std::string& decoded);

// How many bytes append_json_unescaped would append.
std::size_t json_unescaped_size(std::string_view inner);

}  // namespace batchrun
