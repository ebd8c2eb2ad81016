#include "io/output_error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace batchrun {
namespace {

TEST(OutputError, SaysWhatFailedWhereAndWhy) {
  try {
    fail_output("write", "out.jsonl", ENOSPC, "make room");
  } catch (const OutputError& error) {
    EXPECT_STREQ(error.what(), "cannot write out.jsonl: No space left on device");
    EXPECT_EQ(error.hint, "make room");
  }
}

}  // namespace
}  // namespace batchrun
