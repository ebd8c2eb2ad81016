#include "runner/outputs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "io/result.h"
#include "io/row_reader.h"

namespace batchrun {
namespace {

class OutputsTest : public testing::Test {
 protected:
  OutputsTest() {
    char name[] = "/tmp/batchrun-outputs-XXXXXX";
    folder_ = mkdtemp(name);
    settings_.input = folder_ + "/in.jsonl";
    settings_.output = folder_ + "/in.results.jsonl";
    settings_.errors = folder_ + "/in.errors.jsonl";
    write(settings_.input, row("a", "one") + row("b", "two") + row("c", "three"));
  }
  ~OutputsTest() override { std::filesystem::remove_all(folder_); }

  static std::string row(const std::string& id, const std::string& prompt) {
    return R"({"custom_id":")" + id + R"(","prompt":")" + prompt + "\"}\n";
  }
  static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  // Writes result lines for the input rows of these numbers.
  void answer(std::initializer_list<int> numbers) {
    RowReader reader(settings_.input, RowReaderOptions{});
    std::string lines;
    for (int n = 1;; ++n) {
      auto item = reader.next();
      if (!std::holds_alternative<RowPtr>(item)) break;
      Answer body;
      body.body = "{}";
      if (std::find(numbers.begin(), numbers.end(), n) != numbers.end()) {
        append_result_line(lines, *std::get<RowPtr>(item), body, 200, "req", RowFigures{});
      }
    }
    write(settings_.output, lines);
  }

  Skipped check(Outputs& outputs) const {
    RowReader reader(settings_.input, RowReaderOptions{});
    return check_resume(settings_, outputs, reader);
  }

  std::string folder_;
  Settings settings_;
};

TEST_F(OutputsTest, FindsWhatEarlierRunsAnswered) {
  answer({1, 3});
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_EQ(outputs.answered, 2u);
  EXPECT_EQ(outputs.done.size(), 2u);
  EXPECT_NO_THROW(check(outputs));
}

TEST_F(OutputsTest, FreshEmptiesBothFiles) {
  answer({1});
  write(settings_.errors, "{}\n");
  settings_.fresh = true;
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_EQ(outputs.done.size(), 0u);
  EXPECT_EQ(std::filesystem::file_size(settings_.output), 0u);
  EXPECT_EQ(std::filesystem::file_size(settings_.errors), 0u);
}

TEST_F(OutputsTest, RetryFailedSetsTheErrorsFileAside) {
  write(settings_.errors, "{\"id\":\"x\"}\n");
  settings_.retry_failed = true;
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_EQ(std::filesystem::file_size(settings_.errors), 0u);
  EXPECT_TRUE(std::filesystem::exists(settings_.errors + ".old"));
}

TEST_F(OutputsTest, RefusesToWriteOverTheInputUnderAnyName) {
  std::filesystem::create_hard_link(settings_.input, folder_ + "/hard");
  std::filesystem::create_symlink(settings_.input, folder_ + "/soft");
  for (const char* name : {"/in.jsonl", "/hard", "/soft"}) {
    Settings settings;
    settings.input = settings_.input;
    settings.output = folder_ + name;
    settings.errors = settings_.errors;
    EXPECT_THROW(open_outputs(settings, system_files()), UsageError) << name;
  }
  EXPECT_GT(std::filesystem::file_size(settings_.input), 0u);
}

TEST_F(OutputsTest, AChangedRowIsAskedAbout) {
  answer({1, 2, 3});
  write(settings_.input, row("a", "one") + row("b", "changed") + row("c", "three"));
  Outputs outputs = open_outputs(settings_, system_files());
  try {
    check(outputs);
    FAIL() << "not asked about";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
  }
}

TEST_F(OutputsTest, InsertedAndRemovedRowsAreNoChange) {
  answer({1, 2, 3});
  write(settings_.input, row("z", "new") + row("c", "three") + row("a", "one"));
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_NO_THROW(check(outputs));
}

TEST_F(OutputsTest, AnswersToAnotherInputAreAskedAbout) {
  answer({1, 2, 3});
  write(settings_.input, row("x", "other") + row("y", "other"));
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_THROW(check(outputs), UsageError);
}

TEST_F(OutputsTest, SkipsWhatIsDoneUpToTheFirstRowThatIsNot) {
  answer({1, 3});
  Outputs outputs = open_outputs(settings_, system_files());
  const Skipped skipped = check(outputs);
  EXPECT_EQ(skipped.rows, 1u);
  EXPECT_EQ(std::get<RowPtr>(*skipped.next)->custom_id, "b");
}

TEST_F(OutputsTest, ARepeatedIdIsNoChangedRow) {
  answer({1});
  write(settings_.input, row("a", "one") + row("b", "two") + row("a", "other"));
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_NO_THROW(check(outputs));
}

TEST_F(OutputsTest, AChangedRowToBeSentAgainLosesItsOldLine) {
  answer({1, 2, 3});
  write(settings_.input, row("a", "one") + row("b", "changed") + row("c", "three"));
  settings_.changed = ChangedRows::rerun;
  Outputs outputs = open_outputs(settings_, system_files());
  const Skipped skipped = check(outputs);
  EXPECT_EQ(skipped.rows, 1u);
  EXPECT_EQ(outputs.answered, 2u);
  EXPECT_TRUE(std::filesystem::exists(settings_.output + ".old"));
}

}  // namespace
}  // namespace batchrun
