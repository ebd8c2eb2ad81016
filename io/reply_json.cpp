#include "io/reply_json.h"

#include <charconv>

#include "io/ascii.h"
#include "io/json_text.h"

namespace batchrun {

namespace {

// The copy of a text larger than this is given back at the next.
constexpr std::size_t large_text = 1u << 20;

struct Scanner {
  JsonTokens tokens;
  std::string text;  // a copy, so that the byte after the text may be read and is none of it

  void keep(std::string_view octets) {
    if (text.capacity() > large_text && octets.size() <= large_text) text = std::string();
    text = octets;
  }
};

// The code unit of a \uXXXX at `at`, or -1.
int escaped_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  const auto read = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
  return read.ptr == text.data() + at + 6 ? unit : -1;
}
bool is_high(int unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
bool is_low(int unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

// Writes \ufffd over every lone surrogate escape; false if there was none.
bool mend_surrogates(std::string& text) {
  bool mended = false;
  for (std::size_t at = text.find('\\'); at != std::string::npos; at = text.find('\\', at)) {
    const int unit = escaped_unit(text, at);
    if (unit < 0) {
      at += 2;
    } else if (is_high(unit) && is_low(escaped_unit(text, at + 6))) {
      at += 12;
    } else {
      if (is_high(unit) || is_low(unit)) {
        text.replace(at + 2, 4, "fffd");
        mended = true;
      }
      at += 6;
    }
  }
  return mended;
}

bool is_zero(std::string_view number) {
  return number.substr(0, number.find_first_of("eE")).find_first_of("123456789") == std::string_view::npos;
}

}  // namespace

ReplyJson scan_reply(std::string_view text) {
  thread_local Scanner scanner;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  scanner.keep(ascii::trim(text));
  const bool good = scanner.tokens.scan(scanner.text) ||
                    (mend_surrogates(scanner.text) && scanner.tokens.scan(scanner.text));
  if (!good) return {nullptr, {}, scanner.tokens.fault().message};
  return {&scanner.tokens, scanner.text, ""};
}

std::string_view string_inner(const JsonTokens& tokens, JsonTokens::Value value) {
  return tokens.first(value) == '"' ? tokens.inner(value) : std::string_view();
}

std::string string_of(const JsonTokens& tokens, JsonTokens::Value value) {
  std::string result;
  append_json_unescaped(result, string_inner(tokens, value));
  return result;
}

std::optional<std::uint64_t> count_of(const JsonTokens& tokens, JsonTokens::Value value) {
  constexpr double exact_in_a_double = 9007199254740992.0;
  constexpr std::size_t digits_of_2_53 = 15;  // fewer digits than 2^53 has, so any number of them is less
  if (!ascii::is_digit(tokens.first(value))) return std::nullopt;
  const std::string_view raw = tokens.raw(value);
  const char* const end = raw.data() + raw.size();
  std::uint64_t count = 0;
  if (raw.size() <= digits_of_2_53 && std::from_chars(raw.data(), end, count).ptr == end) return count;
  double number = 0;
  const auto read = std::from_chars(raw.data(), end, number);
  if (read.ec != std::errc() || !(number < exact_in_a_double)) return std::nullopt;
  count = static_cast<std::uint64_t>(number);
  return static_cast<double>(count) == number ? std::optional(count) : std::nullopt;
}

bool is_truthy(const JsonTokens& tokens, JsonTokens::Value value) {
  switch (tokens.first(value)) {
    case 'n':
    case 'f':
      return false;
    case '"':
      return !tokens.inner(value).empty();
    case '{':
    case '[':
    case 't':
      return true;
    default:
      return !is_zero(tokens.raw(value));
  }
}

}  // namespace batchrun
