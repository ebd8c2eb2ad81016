#include "io/json_members.h"

#include <cstring>

#include "io/json_text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace batchrun {
namespace {

const char* skip_space(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

// The next quote at or after `at`, or `end`. Most strings of a request are short, where the call of memchr
// costs more than its search; the few long ones are nearly all of the bytes.
const char* find_quote(const char* at, const char* end) {
#if defined(__SSE2__)
  if (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int hits = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    if (hits != 0) return at + __builtin_ctz(static_cast<unsigned>(hits));
    at += 16;
  }
#endif
  const void* hit = std::memchr(at, '"', static_cast<std::size_t>(end - at));
  return hit ? static_cast<const char*>(hit) : end;
}

// The end of the string whose opening quote is at `at`, past its closing quote.
const char* end_of_string(const char* at, const char* end) {
  const char* const first = ++at;
  for (;;) {
    at = find_quote(at, end);
    if (at == end) return end;
    const char* slash = at;
    while (slash > first && slash[-1] == '\\') --slash;
    ++at;
    if (((at - 1 - slash) & 1) == 0) return at;
  }
}

const char* end_of_container(const char* at, const char* end) {
  std::size_t depth = 0;
  while (at < end) {
    switch (*at) {
      case '"':
        at = end_of_string(at, end);
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
    ++at;
  }
  return end;
}

}  // namespace

const char* end_of_json_value(const char* at, const char* end) {
  if (at == end) return end;
  if (*at == '"') return end_of_string(at, end);
  if (*at == '{' || *at == '[') return end_of_container(at, end);
  while (at < end && *at != ',' && *at != '}' && *at != ']' && static_cast<unsigned char>(*at) > ' ') ++at;
  return at;
}

JsonMembers::JsonMembers(std::string_view object) : at_(object.data()), end_(object.data() + object.size()) {
  at_ = skip_space(at_, end_);
  if (at_ < end_ && *at_ == '{') {
    ++at_;
  } else {
    at_ = end_;
  }
}

bool JsonMembers::next(std::string_view& key, std::string_view& value) {
  at_ = skip_space(at_, end_);
  if (at_ < end_ && *at_ == ',') at_ = skip_space(at_ + 1, end_);
  if (at_ == end_ || *at_ != '"') return false;
  const char* const key_end = end_of_string(at_, end_);
  if (key_end - at_ < 2) return false;
  key = std::string_view(at_ + 1, static_cast<std::size_t>(key_end - at_ - 2));
  at_ = skip_space(key_end, end_);
  if (at_ == end_ || *at_ != ':') return false;
  at_ = skip_space(at_ + 1, end_);
  const char* const value_end = end_of_json_value(at_, end_);
  value = std::string_view(at_, static_cast<std::size_t>(value_end - at_));
  at_ = value_end;
  return true;
}

std::string find_name(std::string_view object, const std::function<bool(std::string_view name)>& wanted) {
  std::string decoded;
  JsonMembers members(object);
  for (std::string_view key, value; members.next(key, value);) {
    const std::string_view name = json_unescaped(key, decoded);
    if (wanted(name)) return std::string(name);
  }
  return "";
}

}  // namespace batchrun
