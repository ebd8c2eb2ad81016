#include "runner/first_chunk_patience.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

using std::chrono::seconds;

TEST(FirstChunkPatience, IsAMinuteForAllThatAnswerInAQuarterOfIt) {
  FirstChunkPatience patience;
  EXPECT_EQ(patience.deadline(seconds(600)), seconds(60)) << "nothing is known yet";
  for (int i = 0; i < 1000; ++i) patience.came_after(seconds(15));
  EXPECT_EQ(patience.deadline(seconds(600)), seconds(60));
}

TEST(FirstChunkPatience, IsFourTimesWhatNearlyAllTook) {
  FirstChunkPatience patience;
  for (int i = 0; i < 985; ++i) patience.came_after(seconds(1));
  for (int i = 0; i < 15; ++i) patience.came_after(seconds(40));
  EXPECT_NEAR(std::chrono::duration<double>(patience.deadline(seconds(600))).count(), 160, 3);
  EXPECT_EQ(patience.deadline(seconds(120)), seconds(120)) << "but no longer than a whole attempt";
}

TEST(FirstChunkPatience, IsNotMovedByAFew) {
  FirstChunkPatience patience;
  for (int i = 0; i < 995; ++i) patience.came_after(seconds(2));
  for (int i = 0; i < 5; ++i) patience.came_after(seconds(50));
  EXPECT_EQ(patience.deadline(seconds(600)), seconds(60));
}

}  // namespace
}  // namespace batchrun
