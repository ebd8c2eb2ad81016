#include "io/log_lines.h"

#include <gtest/gtest.h>

#include "tests/support/memory_files.h"

namespace batchrun {
namespace {

TEST(LogLines, SaysOfEachLineWhereItIsAndWhatItIsAbout) {
  const std::string good = R"({"id":"br-7-0000002a","custom_id":"a","x":1})",
                    other = R"({"id":"batch-7","custom_id":"a"})";
  const std::string text = good + "\n \r\n" + other + "\nrest";
  MemoryFiles files;
  files.put("out", text + "not to be read\n");
  const OutputFile file = OutputFile::open(files, "out");
  LogLines lines(file, 0, text.size());
  LogLine line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line.text, good);
  EXPECT_EQ(line.offset, 0u);
  ASSERT_TRUE(line.row);
  EXPECT_EQ(line.row->line, 7u);
  EXPECT_EQ(line.row->identity.content_hash, 42u);
  ASSERT_TRUE(lines.next(line)) << "a blank line is passed over";
  EXPECT_EQ(line.text, other);
  EXPECT_EQ(line.offset, good.size() + 4);
  EXPECT_FALSE(line.row);
  EXPECT_FALSE(lines.next(line));
  EXPECT_EQ(lines.rest(), "rest");
  EXPECT_EQ(lines.rest_offset(), text.size() - 4);
}

TEST(LogLines, KnowsItsOwnLinesFromOthers) {
  LogLineParser lines;
  for (const char* text : {"", "[]", "{", R"({"custom_id":"a"})", R"({"id":"br-1-0000002a"})",
                           R"({"id":"br-1-2a","custom_id":"a"})", R"({"id":"br--0000002a","custom_id":"a"})",
                           R"({"id":"br-1-0000002g","custom_id":"a"})", R"({"id":7,"custom_id":"a"})"}) {
    EXPECT_FALSE(lines.parse(text)) << text;
  }
  EXPECT_TRUE(lines.parse(R"({"custom_id":"a","id":"br-1-0000002a"})"));
}

}  // namespace
}  // namespace batchrun
