#include "pool/invariant.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(Invariant, ABrokenOneSaysWhichAndAborts) {
  EXPECT_DEATH(broken_invariant("two ends for one row"), "two ends for one row");
  EXPECT_DEATH(require(false, "two ends for one row"), "two ends for one row");
  require(true, "holds");
}

}  // namespace
}  // namespace batchrun
