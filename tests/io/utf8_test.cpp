#include "io/utf8.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

// The definition by code points: what is UTF-8 is exactly what encoding every allowed code point gives.
std::string encoded(std::uint32_t code) {
  std::string out;
  append_utf8(out, code);
  return out;
}

TEST(Utf8, EveryCodePointIsOneCharacterOfItsLength) {
  for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    const std::string text = encoded(code);
    const std::size_t expected = code < 0x80 ? 1u : code < 0x800 ? 2u : code < 0x10000 ? 3u : 4u;
    ASSERT_EQ(text.size(), expected) << code;
    ASSERT_EQ(utf8_length(text.data(), text.data() + text.size()), expected) << code;
    if (expected > 1) {
      ASSERT_EQ(utf8_length(text.data(), text.data() + text.size() - 1), 0u) << "cut short: " << code;
    }
  }
}

TEST(Utf8, WhatIsNotEncodedFromACodePointIsRefused) {
  const char* const bad[] = {"\x80",
                             "\xBF",
                             "\xC0\x80",
                             "\xC1\xBF",
                             "\xC3\x28",
                             "\xE0\x80\x80",
                             "\xE0\x9F\xBF",
                             "\xED\xA0\x80",
                             "\xED\xBF\xBF",
                             "\xE2\x82\x28",
                             "\xF0\x80\x80\x80",
                             "\xF0\x8F\xBF\xBF",
                             "\xF4\x90\x80\x80",
                             "\xF5\x80\x80\x80",
                             "\xFF"};
  for (const std::string text : bad)
    EXPECT_EQ(utf8_length(text.data(), text.data() + text.size()), 0u) << text;
}

}  // namespace
}  // namespace batchrun
