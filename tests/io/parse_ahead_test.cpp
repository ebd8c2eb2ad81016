#include "io/parse_ahead.h"

#include <gtest/gtest.h>

#include <random>

namespace batchrun {
namespace {

class TextSource final : public ByteSource {
 public:
  TextSource(const std::string& text, bool breaks) : text_(text), breaks_(breaks) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t count = std::min({size, std::size_t{50'000}, text_.size() - at_});
    text_.copy(into, count, at_);
    at_ += count;
    if (count == 0 && breaks_) throw InputError{"the disk broke", ""};
    return count;
  }
  std::uint64_t bytes_read() const override { return at_; }
  std::uint64_t bytes_total() const override { return text_.size(); }

 private:
  const std::string& text_;
  const bool breaks_;
  std::size_t at_ = 0;
};

std::string some_lines(std::uint32_t seed, int count) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < count; ++i) {
    const auto pick = random() % 20;
    if (pick == 0) text += "  \t";
    if (pick == 1) text += "{\"prompt\":";
    if (pick == 2) text += std::string(3000, 'x');
    if (pick > 2) text += "{\"prompt\":\"" + std::string(random() % 900, 'p') + "\"}";
    text += "\n";
  }
  return text;
}

// Everything there is to read, in words.
std::vector<std::string> all_of(const std::string& text, unsigned helpers, bool breaks = false) {
  LineSource lines(std::make_unique<TextSource>(text, breaks), 2000);
  ParseAhead ahead(lines, 2000, helpers);
  std::vector<std::string> seen;
  try {
    while (auto next = ahead.next()) {
      if (const auto* row = std::get_if<RowPtr>(&*next)) {
        seen.push_back(std::to_string((*row)->line) + " row " + (*row)->custom_id);
      } else {
        const RowError& error = std::get<RowError>(*next);
        seen.push_back(std::to_string(error.line) + ": " + error.message + error.custom_id);
      }
    }
    EXPECT_FALSE(ahead.next());
  } catch (const InputError& error) {
    seen.push_back(error.message);
  }
  return seen;
}

TEST(ParseAhead, GivesTheSameInTheSameOrderWhateverTheThreads) {
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    const std::string text = some_lines(seed, 6000);
    const auto expected = all_of(text, 0);
    EXPECT_GT(expected.size(), 5000u);
    for (const unsigned helpers : {1u, 3u}) EXPECT_EQ(all_of(text, helpers), expected);
  }
  EXPECT_TRUE(all_of("", 1).empty());
  EXPECT_TRUE(all_of("\n\n", 1).empty());
}

TEST(ParseAhead, ThrowsAfterTheRowsThatWereThere) {
  const std::string text = some_lines(9, 2000);
  const auto expected = all_of(text, 0, true);
  EXPECT_EQ(expected.back(), "the disk broke");
  EXPECT_EQ(all_of(text, 1, true), expected);
}

TEST(ParseAhead, MayBeLeftInTheMiddle) {
  const std::string text = some_lines(10, 6000);
  for (int taken = 0; taken < 600; taken += 97) {
    LineSource lines(std::make_unique<TextSource>(text, false), 2000);
    ParseAhead ahead(lines, 2000, 2);
    for (int i = 0; i < taken; ++i) EXPECT_TRUE(ahead.next());
  }
}

}  // namespace
}  // namespace batchrun
