#include "io/line_source.h"

#include <gtest/gtest.h>

#include <random>

#include "io/row_identity.h"

namespace batchrun {
namespace {

// Gives a text in pieces of random size.
class TextSource final : public ByteSource {
 public:
  TextSource(std::string text, std::uint32_t seed) : text_(std::move(text)), random_(seed) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t most = random_() % 3 == 0 ? 1 + random_() % 7 : 1 + random_() % 200'000;
    const std::size_t count = std::min({size, most, text_.size() - at_});
    text_.copy(into, count, at_);
    at_ += count;
    return count;
  }
  std::uint64_t bytes_read() const override { return at_; }
  std::uint64_t bytes_total() const override { return text_.size(); }

 private:
  const std::string text_;
  std::mt19937 random_;
  std::size_t at_ = 0;
};

struct Seen {
  std::uint64_t number, offset;
  std::string text;
  bool too_long;
  std::uint64_t size, hash;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen seen(const Line& line) {
  return {line.number,   line.offset, std::string(line.text),
          line.too_long, line.size,   line.too_long ? line.hash : 0};
}

std::vector<Seen> rest_of(LineSource& source) {
  std::vector<Seen> lines;
  for (Line line; source.next(line);) lines.push_back(seen(line));
  Line after;
  EXPECT_FALSE(source.next(after));
  return lines;
}

std::vector<Seen> lines_of(const std::string& text, std::size_t max_line, std::uint32_t seed = 1) {
  LineSource source(std::make_unique<TextSource>(text, seed), max_line);
  return rest_of(source);
}

// The same by the book: split at LF, drop one CR.
std::vector<Seen> split(const std::string& text, std::size_t max_line) {
  std::vector<Seen> seen;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::uint64_t size = line.size();
    const bool too_long = size > max_line;
    const std::uint64_t hash = too_long ? hash_line(line) : 0;
    if (too_long) line.resize(std::min<std::size_t>(line.size(), 64u << 10));
    seen.push_back({seen.size() + 1, at, line, too_long, size, hash});
    at = end + 1;
  }
  return seen;
}

TEST(LineSource, AcceptsEveryLineEnding) {
  const std::vector<Seen> expected = {{1, 0, "a", false, 1, 0},
                                      {2, 3, "", false, 0, 0},
                                      {3, 4, "b\rc", false, 3, 0},
                                      {4, 8, "d", false, 1, 0}};
  EXPECT_EQ(lines_of("a\r\n\nb\rc\nd", 100), expected);
  EXPECT_EQ(lines_of("a\r\n\nb\rc\nd\r\n", 100), expected);
  EXPECT_EQ(lines_of("", 100), std::vector<Seen>{});
}

TEST(LineSource, DropsAByteOrderMarkAndRefusesWideText) {
  EXPECT_EQ(lines_of("\xEF\xBB\xBF{}\n", 100), (std::vector<Seen>{{1, 3, "{}", false, 2, 0}}));
  EXPECT_EQ(lines_of("\xEF\xBB\xBF", 100), std::vector<Seen>{});
  for (const std::string& text :
       {std::string("\xFF\xFE{\0", 4), std::string("\xFE\xFF\0{", 4), std::string("{\0\"\0", 4),
        std::string("{\0\0\0", 4), std::string("\0\0\0{", 4), std::string("\n\0 \0", 4),
        std::string("\0{\0\"", 4), std::string("\xFF\xFE", 2)}) {
    EXPECT_THROW(lines_of(text, 100), InputError);
  }
  // Zeros alone make no text of it: its lines are refused one by one, as what they are.
  for (const std::string& octets :
       {std::string("\0\1\2\3", 4), std::string("\1\0\0\0", 4), std::string("\0\0\1\0", 4),
        std::string("{\0", 2), std::string("\x7f\0E\0", 4)}) {
    EXPECT_EQ(lines_of(octets, 100).size(), 1u) << octets;
  }
}

// Lines of any length, with any ending.
std::string some_lines(std::mt19937& random, std::size_t max_line) {
  std::string text;
  for (std::size_t i = 0, count = random() % 200; i < count; ++i) {
    const std::size_t size = random() % 9 == 0 ? max_line - 2 + random() % 5 : random() % (random() % 40 + 1);
    text.append(size, static_cast<char>('a' + random() % 26));
    text += random() % 3 == 0 ? "\r\n" : random() % 7 == 0 ? "\r\r\n" : "\n";
  }
  if (random() % 2 == 0 && !text.empty()) text.pop_back();
  return text;
}

TEST(LineSource, AgreesWithASplitByTheBook) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const std::size_t max_line = seed % 3 == 0 ? 10 : seed % 3 == 1 ? 1000 : 150'000;
    const std::string text = some_lines(random, max_line);
    EXPECT_EQ(lines_of(text, max_line, seed), split(text, max_line)) << "seed " << seed;
  }
}

TEST(LineSource, GivesTheSameLinesInBlocksOneByOneOrTwice) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::size_t max_line = seed % 3 == 0 ? 10 : seed % 3 == 1 ? 1000 : 150'000;
    const std::size_t most = seed % 2 == 0 ? 500 : 1'000'000;  // octets of a block
    const std::string text = some_lines(random, max_line);
    LineSource source(std::make_unique<TextSource>(text, seed), max_line);
    std::vector<Seen> lines;
    std::deque<LineBlock> returned;
    for (const std::size_t to_return = random() % 5; returned.size() < to_return;) {
      returned.push_back(source.next_block(1 + random() % most));
      if (random() % 3 != 0) continue;
      for (const Line& line : returned.front().lines) lines.push_back(seen(line));
      returned.pop_front();
      if (random() % 4 == 0) break;
    }
    source.give_back(std::move(returned));
    for (const Seen& line : rest_of(source)) lines.push_back(line);
    EXPECT_EQ(lines, split(text, max_line));
  }
}

TEST(LineSource, GivesBlocksToTheEndOfLinesOfAnyLength) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const std::size_t max_line = seed % 3 == 0 ? 10 : seed % 3 == 1 ? 1000 : 900'000;
    const std::string text = some_lines(random, max_line);
    LineSource source(std::make_unique<TextSource>(text, seed), max_line);
    std::vector<LineBlock> blocks;  // all kept: none lies in memory of another
    do {
      blocks.push_back(source.next_block(seed % 2 == 0 ? 300 : 512 << 10));
    } while (!blocks.back().lines.empty());
    std::vector<Seen> lines;
    for (const LineBlock& block : blocks) {
      for (const Line& line : block.lines) lines.push_back(seen(line));
    }
    EXPECT_EQ(lines, split(text, max_line)) << "seed " << seed;
  }
}

TEST(LineSource, GoesOnAtAnyOfItsLines) {
  std::mt19937 random(7);
  std::string text;
  while (split(text, 1000).size() < 50) text = some_lines(random, 1000);
  const std::vector<Seen> all = split(text, 1000);
  for (std::size_t i = 0; i < all.size(); ++i) {
    LineSource source(std::make_unique<TextSource>(text, static_cast<std::uint32_t>(i)), 1000);
    source.go_to({all[i].number, all[i].offset});
    EXPECT_EQ(rest_of(source), std::vector<Seen>(all.begin() + static_cast<std::ptrdiff_t>(i), all.end()));
  }
}

TEST(LineSource, PassesOverLinesLongerThanItsBuffer) {
  std::string text = "first\n" + std::string(5'000'000, 'x') + "\r\nsecond\n" + std::string(3'000'000, 'y');
  EXPECT_EQ(lines_of(text, 100), split(text, 100));
  EXPECT_EQ(lines_of(text, 2'500'000), split(text, 2'500'000));
  EXPECT_EQ(lines_of(text, 4'000'000), split(text, 4'000'000));
  EXPECT_EQ(lines_of(text, 5'000'000), split(text, 5'000'000));
}

}  // namespace
}  // namespace batchrun
