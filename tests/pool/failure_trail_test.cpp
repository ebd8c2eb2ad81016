#include "pool/failure_trail.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

constexpr KeyId a{1}, b{2}, c{3};

TEST(FailureTrail, KeepsTheLastTwoDifferentKeys) {
  FailureTrail trail;
  trail.note(a, 1);
  trail.note(a, 2);
  ASSERT_EQ(trail.count, 1);
  EXPECT_EQ(trail.stops[0].streak, 2U);
  trail.note(b, 5);
  ASSERT_EQ(trail.count, 2);
  EXPECT_EQ(trail.stops[1].key, b);
  trail.note(c, 7);
  ASSERT_EQ(trail.count, 2);
  EXPECT_EQ(trail.stops[0].key, b);
  EXPECT_EQ(trail.stops[0].streak, 5U);
  EXPECT_EQ(trail.stops[1].key, c);
  EXPECT_EQ(trail.stops[1].streak, 7U);
}

TEST(FailureTrail, AKeyAgainIsTheLastOne) {
  FailureTrail trail;
  trail.note(a, 1);
  trail.note(b, 2);
  trail.note(b, 3);
  EXPECT_EQ(trail.stops[1].streak, 3U);
  trail.note(a, 4);
  ASSERT_EQ(trail.count, 2);
  EXPECT_EQ(trail.stops[0].key, b);
  EXPECT_EQ(trail.stops[1].key, a);
  EXPECT_EQ(trail.stops[1].streak, 4U);
}

}  // namespace
}  // namespace batchrun
