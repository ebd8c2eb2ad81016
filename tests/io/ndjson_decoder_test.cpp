#include "io/ndjson_decoder.h"

#include <gtest/gtest.h>

#include <vector>

namespace batchrun {
namespace {

using Lines = std::vector<std::string>;

Lines decode(std::string_view text, std::size_t cut, std::size_t max = 100) {
  NdjsonDecoder decoder(max);
  Lines lines;
  const auto take = [&] {
    while (const auto line = decoder.next()) lines.emplace_back(*line);
  };
  for (std::size_t at = 0; at < text.size(); at += cut) {
    const std::string octets(text.substr(at, cut));  // a copy: what is kept must not point into it
    decoder.feed(octets);
    take();
  }
  decoder.feed({});
  decoder.end();
  take();
  if (decoder.overflowed()) lines.emplace_back("overflow");
  return lines;
}

TEST(NdjsonDecoder, FindsLinesHoweverTheOctetsAreCut) {
  const std::string text = "{\"a\":1}\n\n  \r\n{\"b\":2}\r\n{\"c\":3}";
  for (std::size_t cut = 1; cut <= text.size(); ++cut) {
    EXPECT_EQ(decode(text, cut), (Lines{"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"})) << cut;
  }
}

TEST(NdjsonDecoder, NothingIsNothing) {
  EXPECT_EQ(decode("", 1), Lines());
  EXPECT_EQ(decode("\n\n\n", 2), Lines());
}

TEST(NdjsonDecoder, ALineMayNotBeTooLong) {
  const std::string ten = "0123456789";
  for (std::size_t cut = 1; cut <= 12; ++cut) {
    EXPECT_EQ(decode(ten + "\n", cut, 10), (Lines{ten})) << cut;
    EXPECT_EQ(decode("a\n" + ten + "x\nb\n", cut, 10), (Lines{"a", "overflow"})) << cut;
  }
}

}  // namespace
}  // namespace batchrun
