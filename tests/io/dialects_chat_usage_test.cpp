#include "io/dialects/chat_usage.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(ChatUsage, IsInOpenAisForm) {
  Usage usage;
  usage.input_tokens = 9;
  usage.cached_tokens = 4;
  usage.output_tokens = 33;
  usage.reasoning_tokens = 31;
  EXPECT_EQ(
      chat_usage_json(usage),
      R"({"prompt_tokens":9,"completion_tokens":33,"total_tokens":42,)"
      R"("prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":31}})");
}

}  // namespace
}  // namespace batchrun
