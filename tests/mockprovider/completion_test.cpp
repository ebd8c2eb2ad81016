#include "bench/mockprovider/completion.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

Completion complete(const std::string& text, std::optional<std::uint64_t> max_tokens = {},
                    const Scenario& scenario = {}, bool thinks = false) {
  Call call;
  PromptReader reader(call);
  reader.message("user");
  reader.text(text);
  reader.done();
  call.max_tokens = max_tokens;
  call.thinks = thinks;
  Completion out;
  make_completion(call, scenario, out);
  return out;
}

TEST(Completion, IsTheSameForTheSamePromptAndSeed) {
  EXPECT_EQ(complete("why?").text, complete("why?").text);
  EXPECT_NE(complete("why?").text, complete("why not?").text);
  EXPECT_NE(complete("why?").text, complete("why?", {}, Scenario{.seed = 2}).text);
}

TEST(Completion, StartsWithTheMarkerAndKeepsMaxTokens) {
  int cut = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string marker = "row-" + std::to_string(i);
    const std::uint64_t most = 1 + static_cast<std::uint64_t>(i) % 30;
    const Completion c = complete("[[" + marker + "]] go", most);
    EXPECT_TRUE(c.text.starts_with(marker));
    EXPECT_LE(c.tokens, most);
    if (c.finish == Finish::length) {
      ++cut;
      EXPECT_EQ(c.tokens, most);
    }
  }
  EXPECT_GT(cut, 10);
  EXPECT_LT(cut, 120);
}

TEST(Completion, ScenarioCanFixTheLength) {
  EXPECT_EQ(complete("a", {}, Scenario{.answer_tokens = 7}).tokens, 7u);
  EXPECT_EQ(complete("a", 5, Scenario{.answer_tokens = 7}).tokens, 5u);
  EXPECT_LE(complete("a", 100'000, Scenario{.longest_answer = 50}).tokens, 50u);
}

TEST(Completion, ThinkingTakesItsPartOfMaxTokens) {
  const Completion c = complete("a", 30, Scenario{.answer_tokens = 100}, true);
  EXPECT_GT(c.thought_tokens, 0u);
  EXPECT_EQ(c.tokens, 30u);
  EXPECT_EQ(c.piece_ends.size() + c.thought_tokens, c.tokens);
  const Completion starved = complete("a", 3, {}, true);
  EXPECT_EQ(starved.text, "");
  EXPECT_EQ(starved.finish, Finish::length);
  EXPECT_EQ(starved.tokens, 3u);
}

TEST(Completion, ChunksPutTogetherAreTheText) {
  const Completion c = complete("h\xc3\xa9", {}, Scenario{.answer_tokens = 11});
  for (const std::uint32_t chunks : {0u, 1u, 3u, 11u, 1000u}) {
    std::string text;
    std::size_t calls = 0, lasts = 0, tokens = 0;
    for_each_chunk(c, chunks, [&](std::string_view piece, std::size_t so_far, bool last) {
      text += piece;
      ++calls;
      lasts += last;
      EXPECT_GT(so_far, tokens);
      tokens = so_far;
    });
    EXPECT_EQ(text, c.text);
    EXPECT_EQ(calls, chunk_count(c, chunks));
    EXPECT_EQ(lasts, 1u);
    EXPECT_EQ(tokens, 11u);
  }
  EXPECT_EQ(chunk_count(c, 0), 11u);
  EXPECT_EQ(chunk_count(c, 3), 3u);
}

TEST(Completion, ABlockedPromptGeneratesNothing) {
  Completion c = complete("a");
  make_blocked(c);
  EXPECT_EQ(c.tokens, 0u);
  EXPECT_TRUE(c.text.empty() && c.piece_ends.empty() && c.blocked);
}

}  // namespace
}  // namespace batchrun::mock
