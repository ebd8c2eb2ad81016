#include "io/dialects/openai_usage.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

// input, cached, cache_write, output, reasoning, known
using Counts = std::array<std::uint64_t, 6>;

Counts counts_of(std::string_view text) {
  JsonTokens tokens;
  EXPECT_TRUE(tokens.scan(text)) << text;
  const Usage usage = openai_usage(tokens, JsonTokens::root);
  return {usage.input_tokens,  usage.cached_tokens,    usage.cache_write_tokens,
          usage.output_tokens, usage.reasoning_tokens, usage.known};
}

TEST(OpenAiUsage, IsReadFromEveryInterface) {
  const std::pair<const char*, Counts> table[] = {
      {R"({"prompt_tokens":14,"completion_tokens":3,"total_tokens":17})", {14, 0, 0, 3, 0, 1}},
      {R"({"prompt_tokens":14,"completion_tokens":30,"prompt_tokens_details":{"cached_tokens":8,"cache_write_tokens":4},"completion_tokens_details":{"reasoning_tokens":20}})",
       {14, 8, 4, 30, 20, 1}},
      {R"({"input_tokens":14,"input_tokens_details":{"cached_tokens":1,"cache_write_tokens":0},"output_tokens":70,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":84})",
       {14, 1, 0, 70, 64, 1}},
      {R"({"prompt_tokens":5,"total_tokens":5})", {5, 0, 0, 0, 0, 1}},
      {R"({"prompt_tokens":5,"prompt_tokens_details":null,"completion_tokens_details":null})",
       {5, 0, 0, 0, 0, 1}},
      {R"({"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":9,"cache_write_tokens":9},"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":7}})",
       {5, 5, 0, 1, 1, 1}},
      {R"({"prompt_tokens":"5","completion_tokens":null})", {0, 0, 0, 0, 0, 0}},
      {R"({})", {0, 0, 0, 0, 0, 0}},
  };
  for (const auto& [text, counts] : table) EXPECT_EQ(counts_of(text), counts) << text;
}

}  // namespace
}  // namespace batchrun
