#include "runner/inert.h"

#include <array>
#include <cstdint>
#include <iterator>

#include "io/append_format.h"
#include "io/utf8.h"

namespace batchrun {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

Character first_character(std::string_view text) {
  const std::size_t bytes = utf8_length(text.data(), text.data() + text.size());
  if (bytes == 0) return {};
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  static constexpr std::array<std::uint8_t, 5> lead_bits{0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t code = byte(0) & lead_bits[bytes];
  for (std::size_t i = 1; i < bytes; ++i) code = (code << 6) | (byte(i) & 0x3fu);
  return {code, bytes, true};
}

bool in(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

// Characters that are obeyed or hide, rather than shown: controls, bidirectional controls and their kin
// (Unicode TR9, TR36), line and paragraph separators, byte order marks, tags, noncharacters.
bool shows(char32_t code) {
  if (in(code, 0x20, 0x7e)) return true;
  const bool hidden = code < 0xa0 || code == 0xad || code == 0x61c || in(code, 0x200b, 0x200f) ||
                      in(code, 0x2028, 0x202e) || in(code, 0x2060, 0x206f) || code == 0xfeff ||
                      in(code, 0xfff9, 0xffff) || in(code, 0xe0000, 0xe0fff) || (code & 0xfffe) == 0xfffe;
  return !hidden;
}

void append_shown(std::string& out, std::string_view bytes, const Character& character) {
  if (character.valid && shows(character.code)) {
    out += bytes;
  } else if (!character.valid || character.code < 0x80) {
    const auto byte = static_cast<std::uint8_t>(bytes[0]);
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '\r') {
      out += "\\r";
    } else {
      append_format(out, "\\x{:02x}", byte);
    }
  } else {
    append_format(out, "\\u{{{:x}}}", static_cast<std::uint32_t>(character.code));
  }
}

}  // namespace

std::string inert(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view mark = "...";
  std::string out;
  out.reserve(text.size() < max_bytes ? text.size() : max_bytes);
  std::size_t cut = 0;  // the longest prefix of `out` that leaves room for the mark
  while (!text.empty()) {
    const Character character = first_character(text);
    append_shown(out, text.substr(0, character.bytes), character);
    text.remove_prefix(character.bytes);
    if (out.size() > max_bytes) {
      out.resize(cut);
      out += mark.substr(0, max_bytes - cut);
      return out;
    }
    if (max_bytes >= mark.size() && out.size() <= max_bytes - mark.size()) cut = out.size();
  }
  return out;
}

std::string in_quotes(std::string_view text, std::size_t max_bytes) {
  return '"' + inert(text, max_bytes) + '"';
}

}  // namespace batchrun
