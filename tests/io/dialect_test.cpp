#include "io/dialect.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

TEST(Dialect, IsFoundByName) {
  EXPECT_EQ(dialect_names().size(), static_cast<std::size_t>(DialectKind::serper) + 1);
  for (int i = 0; i <= static_cast<int>(DialectKind::serper); ++i) {
    const auto kind = static_cast<DialectKind>(i);
    EXPECT_EQ(dialect_named(name(kind)), kind);
  }
  EXPECT_FALSE(dialect_named("OpenAI"));
  EXPECT_FALSE(dialect_named(""));
}

TEST(Dialect, AProbeIsGoodWhenTheReplyIs) {
  const auto dialect = make_dialect(DialectKind::openai);
  EXPECT_FALSE(dialect->judge_probe(reply_head(200), "{}"));
  const auto fault = dialect->judge_probe(reply_head(401), "");
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, FaultKind::unauthorized);
}

}  // namespace
}  // namespace batchrun
