#include "io/json_text.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cmath>
#include <limits>
#include <random>

#include "io/utf8.h"

namespace batchrun {
namespace {

std::string as_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

// What another parser reads back.
std::string read_back(const std::string& json) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded("[" + json + "]");
  std::string_view text;
  EXPECT_EQ(parser.parse(padded).at(0).get(text), simdjson::SUCCESS) << json;
  return std::string(text);
}

TEST(JsonString, IsAsTheTableSays) {
  const std::pair<std::string, std::string> table[] = {
      {"", "\"\""},
      {"plain", "\"plain\""},
      {"a\"b\\c", R"("a\"b\\c")"},
      {"\n\r\t", R"("\n\r\t")"},
      {std::string("\0\x1b\x1f", 3), R"("\u0000\u001b\u001f")"},
      {"\x7f", "\"\x7f\""},
      {"\xC3\xA9", "\"\xC3\xA9\""},
      {"\xFF", "\"\xEF\xBF\xBD\""},
      {"a\xE2\x82", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
  };
  for (const auto& [text, json] : table) EXPECT_EQ(as_json(text), json);
}

TEST(JsonString, ComesBackTheSameWhereItWasUtf8AndIsAlwaysValid) {
  std::mt19937 engine(11);
  const auto random = [&] { return static_cast<std::uint32_t>(engine()); };
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const std::size_t characters = random() % 60;
    const bool spoil = round % 2 == 1;
    for (std::size_t i = 0; i < characters; ++i) {
      const std::uint32_t pick = random() % 6;
      if (pick == 0) text += static_cast<char>(random() % 0x20);
      if (pick == 1) append_utf8(text, 0x80 + random() % 0xD000);
      if (pick == 2) append_utf8(text, 0x10000 + random() % 0x100000);
      if (pick == 3) text += "\"\\/"[random() % 3];
      if (pick > 3) text += static_cast<char>(0x20 + random() % 0x5F);
      if (spoil && random() % 8 == 0) text += static_cast<char>(0x80 + random() % 0x80);
    }
    const std::string back = read_back(as_json(text));
    if (!spoil) {
      EXPECT_EQ(back, text);
    }
    EXPECT_TRUE(simdjson::validate_utf8(back.data(), back.size()));
  }
}

TEST(JsonUnescaped, AgreesWithAnotherParser) {
  const char* const inners[] = {
      "",           "plain",  R"(\"\\\/\b\f\n\r\t)",    R"(\u0041\u00e9\u6f22\uD83D\uDE00)", R"(x\u0000y)",
      R"(\\u0041)", R"(a\\)", "\xC3\xA9\\n\xE2\x82\xAC"};
  for (const std::string inner : inners) {
    std::string out = "before ";
    append_json_unescaped(out, inner);
    const std::string expected = read_back("\"" + inner + "\"");
    EXPECT_EQ(out, "before " + expected);
    EXPECT_EQ(json_unescaped_size(inner), expected.size()) << inner;
  }
}

TEST(JsonUnescaped, IsAViewOfWhatNeedsNoDecoding) {
  std::string decoded = "of before";
  const std::string_view plain = "model";
  EXPECT_EQ(json_unescaped(plain, decoded).data(), plain.data());
  EXPECT_EQ(json_unescaped(R"(\u006dod\u0065l)", decoded), "model");
  EXPECT_EQ(json_unescaped("", decoded), "");
}

TEST(JsonUnescaped, IsSafeForTextThatNoParserWouldPass) {
  for (const std::string inner :
       {R"(\)", R"(\u)", R"(\u12)", R"(\uD800)", R"(\uDC00\uD800)", R"(\uD800\u0041)", R"(\q)"}) {
    std::string out;
    append_json_unescaped(out, inner);
    EXPECT_TRUE(simdjson::validate_utf8(out.data(), out.size())) << inner;
    EXPECT_EQ(json_unescaped_size(inner), out.size()) << inner;
  }
}

TEST(JsonRaw, StaysOnOneLine) {
  std::string out = "kept\n";
  append_json_raw(out, "{\r\n\"a\":\n[1,\r2]}");
  EXPECT_EQ(out, "kept\n{  \"a\": [1, 2]}");
}

TEST(JsonNumber, IsShortestAndNeverNan) {
  std::string out;
  append_json_number(out, std::numeric_limits<std::uint64_t>::max());
  out += ' ';
  append_json_number(out, -7);
  out += ' ';
  append_json_number(out, 0.1);
  out += ' ';
  append_json_number(out, std::nan(""));
  out += ' ';
  append_json_number(out, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(out, "18446744073709551615 -7 0.1 null null");
}

}  // namespace
}  // namespace batchrun
