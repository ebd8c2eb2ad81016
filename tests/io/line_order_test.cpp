#include "io/line_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "io/result.h"
#include "io/row_reader.h"
#include "tests/support/memory_files.h"

namespace batchrun {
namespace {

struct Written {
  std::string text;
  RowIdentity identity;
};

Written written(std::uint64_t line, std::size_t answer_size) {
  auto parsed = parse_row(R"({"id":"r)" + std::to_string(line) + R"(","prompt":"x"})", line);
  Answer answer;
  answer.body = '"' + std::string(answer_size, 'a') + '"';
  Written out;
  append_result_line(out.text, *std::get<RowPtr>(parsed), answer, 200, "", {});
  out.identity = std::get<RowPtr>(parsed)->identity;
  return out;
}

std::string joined(const std::vector<Written>& lines) {
  std::string text;
  for (const Written& line : lines) text += line.text;
  return text;
}

TEST(LineOrder, IsThatOfTheInput) {
  std::mt19937_64 random(20);
  for (int round = 0; round < 50; ++round) {
    std::vector<Written> lines;
    for (std::uint64_t i = 1; i <= random() % 60 + 2; ++i) {
      lines.push_back(written(i * 7, random() % 40 == 0 ? 1'200'000 : random() % 300));
    }
    const std::string ordered = joined(lines);
    std::shuffle(lines.begin(), lines.end(), random);
    MemoryFiles files;
    files.put("out", joined(lines));
    OutputFile file = OutputFile::open(files, "out");
    const bool was_in_order = joined(lines) == ordered;
    EXPECT_EQ(LineOrder(file).apply(file), !was_in_order);
    EXPECT_TRUE(files.text("out") == ordered) << "round " << round;
    EXPECT_FALSE(LineOrder(file).apply(file));
  }
}

TEST(LineOrder, FollowsRowsThatHaveMoved) {
  const std::vector<Written> lines{written(1, 5), written(2, 6), written(3, 7), written(9, 8)};
  MemoryFiles files;
  files.put("out", joined(lines));
  OutputFile file = OutputFile::open(files, "out");
  LineOrder order(file);
  order.place(lines[2].identity, 1);
  order.place(lines[0].identity, 2);
  order.place(lines[1].identity, 3);
  order.place({77, 7}, 4);  // has no line yet
  EXPECT_TRUE(order.apply(file));
  EXPECT_EQ(files.text("out"), joined({lines[2], lines[0], lines[1], lines[3]}));
}

TEST(LineOrder, RefusesWhatIsNoResult) {
  MemoryFiles files;
  files.put("out", "{}\n");
  const OutputFile file = OutputFile::open(files, "out");
  EXPECT_THROW(LineOrder{file}, OutputError);
}

}  // namespace
}  // namespace batchrun
