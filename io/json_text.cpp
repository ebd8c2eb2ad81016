#include "io/json_text.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "io/utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace batchrun {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

// The first byte that is not plain ASCII text, or `end`.
const char* skip_plain(const char* at, const char* end) {
#if defined(__SSE2__)
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // As signed numbers, control characters and bytes from 0x80 up are all below 0x20.
    const __m128i below = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const int hits = _mm_movemask_epi8(_mm_or_si128(below, _mm_or_si128(quote, slash)));
    if (hits != 0) return at + __builtin_ctz(static_cast<unsigned>(hits));
    at += 16;
  }
#endif
  while (at < end && is_plain(*at)) ++at;
  return at;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += hex_digits[(c >> 4) & 0xF];
      out += hex_digits[c & 0xF];
  }
}

std::uint32_t hex4(const char* at) {
  std::uint32_t value = 0;
  std::from_chars(at, at + 4, value, 16);
  return value;
}

bool is_high_surrogate(std::uint32_t code) {
  return code >= 0xD800 && code < 0xDC00;
}
bool is_low_surrogate(std::uint32_t code) {
  return code >= 0xDC00 && code < 0xE000;
}

// The code point of the \u escape whose 'u' is at `at`; moves `at` past it, and past its partner if it has
// one.
std::uint32_t read_unicode_escape(const char*& at, const char* end) {
  if (end - at < 5) {
    at = end;
    return 0xFFFD;
  }
  const std::uint32_t first = hex4(at + 1);
  at += 5;
  if (is_high_surrogate(first) && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    const std::uint32_t second = hex4(at + 2);
    if (is_low_surrogate(second)) {
      at += 6;
      return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }
  }
  return is_high_surrogate(first) || is_low_surrogate(first) ? 0xFFFD : first;
}

char simple_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return c;
  }
}

const char* find_backslash(const char* at, const char* end) {
  const void* hit = std::memchr(at, '\\', static_cast<std::size_t>(end - at));
  return hit ? static_cast<const char*>(hit) : end;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const char* const plain_end = skip_plain(at, end);
    out.append(at, plain_end);
    at = plain_end;
    if (at == end) break;
    if (static_cast<unsigned char>(*at) < 0x80) {
      append_escaped(out, *at++);
    } else if (const std::size_t length = utf8_length(at, end); length != 0) {
      out.append(at, length);
      at += length;
    } else {
      out += utf8_replacement;
      ++at;
    }
  }
  out += '"';
}

void append_json_raw(std::string& out, std::string_view json) {
  const std::size_t start = out.size();
  out += json;
  for (const char ending : {'\n', '\r'}) {
    for (std::size_t at = out.find(ending, start); at != std::string::npos; at = out.find(ending, at))
      out[at] = ' ';
  }
}

void append_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_json_unescaped(std::string& out, std::string_view inner) {
  const char* at = inner.data();
  const char* const end = at + inner.size();
  while (at < end) {
    const char* const slash = find_backslash(at, end);
    out.append(at, static_cast<std::size_t>(slash - at));
    at = slash;
    if (end - at < 2) break;
    ++at;
    if (*at == 'u') {
      append_utf8(out, read_unicode_escape(at, end));
    } else {
      out += simple_escape(*at++);
    }
  }
}

std::string_view json_unescaped(std::string_view inner, std::string& decoded) {
  if (inner.find('\\') == std::string_view::npos) return inner;
  decoded.clear();
  append_json_unescaped(decoded, inner);
  return decoded;
}

std::size_t json_unescaped_size(std::string_view inner) {
  std::size_t size = 0;
  const char* at = inner.data();
  const char* const end = at + inner.size();
  while (at < end) {
    const char* const slash = find_backslash(at, end);
    size += static_cast<std::size_t>(slash - at);
    at = slash;
    if (end - at < 2) break;
    ++at;
    if (*at == 'u') {
      const std::uint32_t code = read_unicode_escape(at, end);
      size += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    } else {
      ++size;
      ++at;
    }
  }
  return size;
}

}  // namespace batchrun
