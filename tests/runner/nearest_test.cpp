#include "runner/nearest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace batchrun {
namespace {

// The definition itself: a breadth-first search over single edits (restricted swaps differ only from 4 edits
// on).
std::size_t edits_by_search(const std::string& from, const std::string& to) {
  std::set<std::string> seen{from}, edge{from};
  for (std::size_t distance = 0;; ++distance) {
    if (edge.count(to) != 0) return distance;
    std::set<std::string> next;
    for (const std::string& text : edge) {
      for (std::size_t i = 0; i <= text.size(); ++i) {
        for (const char c : {'a', 'b'}) {
          next.insert(text.substr(0, i) + c + text.substr(i));
          if (i < text.size()) next.insert(text.substr(0, i) + c + text.substr(i + 1));
        }
        if (i < text.size()) next.insert(text.substr(0, i) + text.substr(i + 1));
        if (i + 1 < text.size()) next.insert(text.substr(0, i) + text[i + 1] + text[i] + text.substr(i + 2));
      }
    }
    edge.clear();
    std::set_difference(next.begin(), next.end(), seen.begin(), seen.end(), std::inserter(edge, edge.end()));
    seen.insert(edge.begin(), edge.end());
  }
}

TEST(EditDistance, AgreesWithASearchOverSingleEdits) {
  std::mt19937 random(3);
  const auto word = [&] {
    std::string text(random() % 4, 'a');
    for (char& c : text) c = random() % 2 ? 'a' : 'b';
    return text;
  };
  for (int round = 0; round < 60; ++round) {
    const std::string a = word(), b = word();
    EXPECT_EQ(edit_distance(a, b), edits_by_search(a, b)) << a << " " << b;
  }
}

TEST(EditDistance, CountsASwapAsOneAndIgnoresCase) {
  EXPECT_EQ(edit_distance("mdoel", "model"), 1u);
  EXPECT_EQ(edit_distance("Groq", "groq"), 0u);
}

TEST(Nearest, FindsTyposAndBeginningsButNotStrangers) {
  const std::vector<std::string> names{"gpt-4o-mini", "gpt-4o", "llama-3.1-8b-instant"};
  EXPECT_EQ(nearest("gtp-4o", names), "gpt-4o");
  EXPECT_EQ(nearest("llama-3.1", names), "llama-3.1-8b-instant");
  EXPECT_EQ(nearest("claude", names), "");
  EXPECT_EQ(nearest(std::string(500, 'x'), names), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(did_you_mean("gpt-4", names), "did you mean \"gpt-4o-mini\"?");
  EXPECT_EQ(did_you_mean("gpt-4o", names), "") << "what is right is not what is wrong";
}

TEST(Nearest, SaysItInertly) {
  EXPECT_EQ(did_you_mean("abcd", {"abc\x1b"}), "did you mean \"abc\\x1b\"?");
}

}  // namespace
}  // namespace batchrun
