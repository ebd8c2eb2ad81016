#include "io/percent_encoding.h"

#include "io/ascii.h"

namespace batchrun {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

bool is_unreserved(char c) {
  return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

char digit(int value) {
  return digits[static_cast<std::size_t>(value)];
}

}  // namespace

void append_percent_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digit(byte >> 4);
      out += digit(byte & 15);
    }
  }
}

void percent_encode_from(std::string& text, std::size_t start) {
  for (std::size_t at = start; at < text.size(); ++at) {
    if (is_unreserved(text[at])) continue;
    const auto byte = static_cast<unsigned char>(text[at]);
    text[at] = '%';
    text.insert(at + 1, {digit(byte >> 4), digit(byte & 15)});
    at += 2;
  }
}

}  // namespace batchrun
