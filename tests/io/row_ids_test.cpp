#include "io/row_ids.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

std::string made(RowIds& ids, std::string id) {
  RowIdentity identity;
  identity.id_hash = hash_id(id).low;
  ids.make(id, identity);
  EXPECT_EQ(identity.id_hash, hash_id(id).low);
  return id;
}

TEST(RowIds, RefusesAnIdGivenTwiceAndNamesBothLines) {
  RowIds ids;
  EXPECT_FALSE(ids.give(hash_id("a"), 1));
  EXPECT_FALSE(ids.give(hash_id("b"), 2));
  const auto repeated = ids.give(hash_id("a"), 9);
  ASSERT_TRUE(repeated);
  EXPECT_EQ(repeated->why, "the custom_id of line 9 is already that of line 1");
  EXPECT_EQ(repeated->occurrence, 2u);
}

TEST(RowIds, CountsTheLinesThatGiveAnId) {
  RowIds ids;
  for (const char* id : {"a", "b"}) {
    EXPECT_FALSE(ids.give(hash_id(id), 1));
    for (std::uint32_t n = 2; n < 50'000; ++n) ASSERT_EQ(ids.give(hash_id(id), 2 * n)->occurrence, n);
  }
}

TEST(RowIds, NumbersRowsOfEqualContent) {
  RowIds ids;
  EXPECT_EQ(made(ids, "row-1"), "row-1");
  EXPECT_EQ(made(ids, "row-1"), "row-1-2");
  EXPECT_EQ(made(ids, "row-1"), "row-1-3");
  EXPECT_EQ(made(ids, "row-2"), "row-2");
}

TEST(RowIds, KeepsMadeAndGivenIdsApart) {
  RowIds ids;
  EXPECT_FALSE(ids.give(hash_id("row-1-2"), 1));
  EXPECT_EQ(made(ids, "row-1"), "row-1");
  EXPECT_EQ(made(ids, "row-1"), "row-1-3");
  EXPECT_EQ(ids.give(hash_id("row-1"), 4)->why,
            "the custom_id of line 4 is that of an earlier row without one");
}

}  // namespace
}  // namespace batchrun
