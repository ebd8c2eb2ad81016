#include "io/sse_decoder.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "tests/support/sse_oracle.h"

namespace batchrun {
namespace {

constexpr std::size_t roomy = 1u << 20;

struct Decoded {
  SseEvents events;
  bool overflowed = false;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Feeds each piece from memory of its own, gone at the next.
Decoded decode(const std::vector<std::string>& pieces, std::size_t max_event_bytes = roomy) {
  SseDecoder decoder(max_event_bytes);
  Decoded result;
  const auto drain = [&] {
    while (const auto event = decoder.next()) result.events.emplace_back(event->name, event->data);
  };
  for (const std::string& piece : pieces) {
    const auto octets = std::make_unique<std::string>(piece);
    decoder.feed(*octets);
    drain();
  }
  decoder.end();
  decoder.feed({});
  drain();
  result.overflowed = decoder.overflowed();
  return result;
}

std::vector<std::string> one_by_one(const std::string& text) {
  std::vector<std::string> pieces;
  for (const char c : text) pieces.emplace_back(1, c);
  return pieces;
}

TEST(SseDecoder, ReadsTheFormsOfTheStandard) {
  const std::pair<std::string, SseEvents> table[] = {
      {"data: x\n\n", {{"", "x"}}},
      {"data:x\n\n", {{"", "x"}}},
      {"data:  x\n\n", {{"", " x"}}},
      {"data: x\r\n\r\ndata: y\r\n\r\n", {{"", "x"}, {"", "y"}}},
      {"data: x\r\rdata: y\r\r", {{"", "x"}, {"", "y"}}},
      {"data: a\ndata: b\ndata:\n\n", {{"", "a\nb\n"}}},
      {"event: ping\ndata: {}\n\n", {{"ping", "{}"}}},
      {"event: ping\n\ndata: x\n\n", {{"", "x"}}},
      {": OPENROUTER PROCESSING\n\n: again\n\ndata: x\n\n", {{"", "x"}}},
      {"id: 7\nretry: 10\nunknown: 1\nnocolon\ndata: x\n\n", {{"", "x"}}},
      {"data\n\n", {{"", ""}}},
      {"\xEF\xBB\xBF"
       "data: x\n\n",
       {{"", "x"}}},
      {"data: \xEF\xBB\xBF\n\n", {{"", "\xEF\xBB\xBF"}}},
      {"data: last", {{"", "last"}}},
      {"data: last\n", {{"", "last"}}},
      {"event: only\n\n", {}},
      {"\n\n\n", {}},
      {"", {}},
      {"Data: x\n data: y\n\n", {}},
      {"{\"error\": {\r\n  \"code\": 503\r\n}}\r\n", {{"", "{\"error\": {\n  \"code\": 503\n}}"}}},
      {"data: x\n\n[{\"error\":1}]", {{"", "x"}, {"", "[{\"error\":1}]"}}},
      {": hello\nevent: e\n{}\ndata: y\n\ndata: z\n\n", {{"e", "{}\ndata: y"}, {"", "z"}}},
      {"data: a\n{\"b\":1}\n\n", {{"", "a"}}},
  };
  for (const auto& [text, events] : table) {
    EXPECT_EQ(decode({text}), (Decoded{events, false})) << text;
    EXPECT_EQ(sse_oracle(text), events) << text;
  }
}

TEST(SseDecoder, IsTheSameAtEveryCut) {
  const std::string text =
      "\xEF\xBB\xBF: hello\r\nevent: \xC3\xA9v\xC3\xA9nement\r\ndata: {\"a\":\"\xE2\x82\xAC\"}\r\n\r\n"
      "data: one\rdata: two\r\rdata:three\n\n:c\n\ndata: [DONE]\n\n{\"bare\":\r\n1}\r\n\r\ndata: tail";
  const Decoded whole = decode({text});
  EXPECT_EQ(whole.events, sse_oracle(text));
  EXPECT_EQ(whole.events.size(), 6u);
  EXPECT_EQ(decode(one_by_one(text)), whole);
  for (std::size_t i = 0; i <= text.size(); ++i) {
    for (std::size_t j = i; j <= text.size(); ++j) {
      ASSERT_EQ(decode({text.substr(0, i), text.substr(i, j - i), text.substr(j)}), whole) << i << " " << j;
    }
  }
}

TEST(SseDecoder, AgreesWithTheStandardOnAnyText) {
  const std::string words[] = {"data: ", "data:", "data",         "event: ", "event",    ":",
                               " ",      "\n",    "\n",           "\r",      "\r\n",     "a",
                               "{}",     "id: 1", "\xEF\xBB\xBF", "\n\n",    "\r\n\r\n", "retry"};
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (std::size_t i = random() % 40; i > 0; --i) text += words[random() % std::size(words)];
    std::vector<std::string> pieces(1);
    for (const char c : text) {
      if (random() % 4 == 0) pieces.emplace_back();
      pieces.back() += c;
    }
    const Decoded expected{sse_oracle(text), false};
    ASSERT_EQ(decode({text}), expected) << "seed " << seed;
    ASSERT_EQ(decode(pieces), expected) << "seed " << seed;
    ASSERT_EQ(decode(one_by_one(text)), expected) << "seed " << seed;
  }
}

TEST(SseDecoder, HandsOutAWholeEventInPlace) {
  const std::string octets = "event: e\ndata: {\"x\":1}\n\ndata: y\n\n";
  SseDecoder decoder(roomy);
  decoder.feed(octets);
  for (int i = 0; i < 2; ++i) {
    const auto event = decoder.next();
    ASSERT_TRUE(event);
    EXPECT_GE(event->data.data(), octets.data());
    EXPECT_LE(event->data.data() + event->data.size(), octets.data() + octets.size());
  }
  EXPECT_FALSE(decoder.next());
}

TEST(SseDecoder, OverflowsAtTheSameLengthHoweverItComes) {
  constexpr std::size_t cap = 20;
  for (std::size_t size = 10; size < 30; ++size) {
    const std::string line = "data: " + std::string(size - 6, 'x');
    const bool over = size > cap;
    for (const std::string& text : {"data: first\n\n" + line + "\n\n", line, ":" + line.substr(1) + "\n"}) {
      const Decoded whole = decode({text}, cap);
      EXPECT_EQ(whole.overflowed, over) << text;
      EXPECT_EQ(decode(one_by_one(text), cap), whole) << text;
      for (std::size_t i = 0; i <= text.size(); ++i) {
        EXPECT_EQ(decode({text.substr(0, i), text.substr(i)}, cap), whole) << text << " at " << i;
      }
    }
  }
}

TEST(SseDecoder, CountsAllDataLinesOfAnEvent) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += "data: 123\n";  // 5 * 3 and 4 line feeds
  EXPECT_FALSE(decode({text + "\n"}, 19).overflowed);
  EXPECT_TRUE(decode({text + "\n"}, 18).overflowed);
  EXPECT_TRUE(decode({text + "\n"}, 18).events.empty());
}

TEST(SseDecoder, StaysLinearOnStreamsOfLineEnds) {
  for (const std::string& end : {std::string("\r"), std::string("\n"), std::string("\r\n")}) {
    std::string text;
    while (text.size() < (8u << 20)) text += end;
    EXPECT_TRUE(decode({text}).events.empty());  // quadratic would take minutes
  }
}

}  // namespace
}  // namespace batchrun
