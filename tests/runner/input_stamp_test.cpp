#include "runner/input_stamp.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

TEST(InputStamp, DiffersOnceTheFileWasChangedOrReplaced) {
  const ScratchDir scratch;
  scratch.write("in", "one\n");
  const auto before = stamp_of("in");
  ASSERT_TRUE(before);
  EXPECT_EQ(stamp_of("in"), before);
  scratch.write("in", "one\ntwo\n");
  EXPECT_NE(stamp_of("in"), before) << "grown";
  scratch.write("in", "two\n");
  std::filesystem::last_write_time("in", std::filesystem::last_write_time("in") + std::chrono::seconds(1));
  EXPECT_NE(stamp_of("in"), before) << "written anew";
  scratch.write("next", "one\n");
  std::filesystem::rename("next", "in");
  EXPECT_NE(stamp_of("in"), before) << "replaced";
  std::filesystem::remove("in");
  EXPECT_FALSE(stamp_of("in"));
}

TEST(InputStamp, IsNoneOfAPipe) {
  EXPECT_FALSE(stamp_of("-"));
  EXPECT_FALSE(stamp_of("/dev/null"));
}

}  // namespace
}  // namespace batchrun
