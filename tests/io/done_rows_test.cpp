#include "io/done_rows.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(DoneRows, TellsChangedFromUnknown) {
  DoneRows done;
  const RowIdentity rows[] = {{5, 1}, {5, 3}, {7, 2}, {0xFFFFFFFF00000000u, 9}, {0x00000000FFFFFFFFu, 9}};
  for (const auto& row : rows) done.add(row);
  done.add(rows[0]);
  done.add(rows[0]);
  const std::vector<RowIdentity> twice = done.seal();
  EXPECT_EQ(twice, std::vector<RowIdentity>{rows[0]});
  EXPECT_EQ(done.size(), 5u);
  for (const auto& row : rows) EXPECT_EQ(done.find(row), DoneRows::Match::done);
  for (const std::uint32_t content : {0u, 2u, 4u})
    EXPECT_EQ(done.find({5, content}), DoneRows::Match::changed);
  EXPECT_EQ(done.find({7, 9}), DoneRows::Match::changed);
  EXPECT_EQ(done.find({6, 1}), DoneRows::Match::unknown);
  EXPECT_EQ(done.find({0xFFFFFFFFFFFFFFFFu, 9}), DoneRows::Match::unknown);
}

}  // namespace
}  // namespace batchrun
