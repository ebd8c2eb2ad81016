// UTF-8, one character at a time. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace batchrun {

inline constexpr std::string_view utf8_replacement = "\xEF\xBF\xBD";  // U+FFFD

// The bytes (1 to 4) of the character at `at`, or 0 when the bytes there are no UTF-8 (RFC 3629: no overlong
// forms, no surrogates, nothing over U+10FFFF, nothing cut short). REQUIRES: at < end.
std::size_t utf8_length(const char* at, const char* end);

// Appends a code point. REQUIRES: at most 0x10FFFF and no surrogate.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace batchrun
