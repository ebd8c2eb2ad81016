#include "io/row_identity.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

// These figures are in output files that exist: a change of them makes every finished row look like another
// one.
TEST(RowIdentity, IsTheSameForEver) {
  EXPECT_EQ(hash_line(""), 0x2d06800538d394c2u);
  EXPECT_EQ(made_id(0x2d06800538d394c2u), "row-2d06800538d394c2");
  EXPECT_EQ(made_id(0x2d06800538d394c2u, 3), "row-2d06800538d394c2-3");
  EXPECT_EQ(hash_id("").low, 0x6001c324468d497fu);
  EXPECT_EQ(make_identity("", 0x0123456789abcdefu), (RowIdentity{0x6001c324468d497fu, 0x89abcdefu}));
}

TEST(RowIdentity, TellsApartWhatDiffers) {
  EXPECT_NE(hash_content("", "{}"), hash_content("m", "{}"));
  EXPECT_NE(hash_content("", "{}"), hash_content("", "{ }"));
  EXPECT_EQ(hash_content("", "{}"), hash_line("{}"));
  const RowIdentity first = make_identity("r1", 7);
  EXPECT_NE(duplicate_identity("r1", 2, 7), first);
  EXPECT_NE(duplicate_identity("r1", 2, 7), duplicate_identity("r1", 3, 7));
  EXPECT_EQ(duplicate_identity("r1", 2, 7).content_hash, 7u);
}

}  // namespace
}  // namespace batchrun
