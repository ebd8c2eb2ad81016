#include "io/append_format.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(AppendFormat, KeepsWhatIsThereAndAddsToItsEnd) {
  std::string out = "a";
  append_format(out, "{}-{:04x}", "b", 255);
  append_format(out, "{{}}");
  const std::string kept = "c";
  append_format(out, "{:.2f}{}", 1.0, kept);
  EXPECT_EQ(out, "ab-00ff{}1.00c");
}

}  // namespace
}  // namespace batchrun
