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

  // Writes error lines for the input rows of these numbers.
  void fail(std::initializer_list<int> numbers) {
    RowReader reader(settings_.input, RowReaderOptions{});
    std::string lines;
    for (int n = 1;; ++n) {
      auto item = reader.next();
      if (!std::holds_alternative<RowPtr>(item)) break;
      if (std::find(numbers.begin(), numbers.end(), n) == numbers.end()) continue;
      append_error_line(lines, *std::get<RowPtr>(item), {"bad_request", "no", {}, 400, "", ""}, {});
    }
    write(settings_.errors, lines);
  }

  // Of the input's rows: how many are passed over, and the id of the one after them.
  struct Check {
    std::uint64_t skipped = 0;
    std::string next;
  };
  Check check(Outputs& outputs) const {
    RowReader reader(settings_.input, RowReaderOptions{});
    Check out{check_resume(settings_, outputs, reader), ""};
    const RowReader::Item next = reader.next();
    if (const auto* row = std::get_if<RowPtr>(&next)) out.next = (*row)->custom_id;
    return out;
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
  answer({1});
  fail({2, 3});
  settings_.retry_failed = true;
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_EQ(outputs.failed, 0u);
  const Check found = check(outputs);
  EXPECT_EQ(found.skipped, 1u);
  EXPECT_EQ(found.next, "b");
  EXPECT_EQ(std::filesystem::file_size(settings_.errors), 0u);
  EXPECT_GT(std::filesystem::file_size(settings_.errors + ".old"), 0u);
}

// What is refused has touched nothing.
TEST_F(OutputsTest, RetryFailedLeavesTheErrorsFileOfAnotherInput) {
  for (const bool any_answered : {false, true}) {
    write(settings_.input, row("a", "one") + row("b", "two") + row("c", "three"));
    answer(any_answered ? std::initializer_list<int>{1} : std::initializer_list<int>{});
    fail({2});
    const auto size = std::filesystem::file_size(settings_.errors);
    settings_.retry_failed = true;
    for (const std::string& other : {row("x", "other"), row("a", "changed") + row("b", "two")}) {
      if (!any_answered && other.find("two") != std::string::npos) continue;  // nothing answered has changed
      write(settings_.input, other);
      Outputs outputs = open_outputs(settings_, system_files());
      EXPECT_THROW(check(outputs), UsageError);
      EXPECT_EQ(std::filesystem::file_size(settings_.errors), size);
      EXPECT_FALSE(std::filesystem::exists(settings_.errors + ".old"));
    }
  }
}

TEST_F(OutputsTest, AFailedRowMayBeMendedBeforeItIsTriedAgain) {
  fail({1, 2});
  write(settings_.input, row("a", "mended") + row("b", "mended"));
  settings_.retry_failed = true;
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_EQ(check(outputs).next, "a");
  EXPECT_EQ(std::filesystem::file_size(settings_.errors), 0u);
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
  const Check found = check(outputs);
  EXPECT_EQ(found.skipped, 1u);
  EXPECT_EQ(found.next, "b");
}

TEST_F(OutputsTest, ARepeatedIdIsNoChangedRow) {
  answer({1});
  write(settings_.input, row("a", "one") + row("b", "two") + row("a", "other"));
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_NO_THROW(check(outputs));
}

// A line that repeats an id is told by how often the id was met, not by its place in the input.
TEST_F(OutputsTest, ARepeatedIdHasItsErrorLineWhereverItStands) {
  const std::string repeated = row("a", "other") + row("a", "other") + row("a", "one");
  write(settings_.input, row("a", "one") + repeated);
  RowReader reader(settings_.input, RowReaderOptions{});
  std::string results, errors;
  for (RowReader::Item item = reader.next(); !std::holds_alternative<RowReader::End>(item);
       item = reader.next()) {
    Answer answer;
    answer.body = "{}";
    if (auto* good = std::get_if<RowPtr>(&item)) {
      append_result_line(results, **good, answer, 200, "req", RowFigures{});
    } else {
      append_refusal_line(errors, std::get<RowError>(item));
    }
  }
  write(settings_.output, results);
  write(settings_.errors, errors);
  for (const std::string& input : {row("a", "one") + repeated, row("z", "new") + row("a", "one") + repeated,
                                   row("a", "one") + row("z", "new") + repeated}) {
    write(settings_.input, input);
    Outputs outputs = open_outputs(settings_, system_files());
    EXPECT_EQ(outputs.failed, 3u);
    std::vector<std::string> to_do;
    RowReader again(settings_.input, RowReaderOptions{});
    for (RowReader::Item item = again.next(); !std::holds_alternative<RowReader::End>(item);
         item = again.next()) {
      auto* good = std::get_if<RowPtr>(&item);
      const RowIdentity identity = good ? (*good)->identity : std::get<RowError>(item).identity;
      if (outputs.done.find(identity) == DoneRows::Match::done) continue;
      to_do.push_back(good ? (*good)->custom_id : "a refusal");
    }
    EXPECT_EQ(to_do, input.find('z') == std::string::npos ? std::vector<std::string>{}
                                                          : std::vector<std::string>{"z"});
  }
}

TEST_F(OutputsTest, AChangedRowToBeSentAgainLosesItsOldLine) {
  answer({1, 2, 3});
  write(settings_.input, row("a", "one") + row("b", "changed") + row("c", "three"));
  settings_.changed = ChangedRows::rerun;
  Outputs outputs = open_outputs(settings_, system_files());
  EXPECT_EQ(check(outputs).skipped, 1u);
  EXPECT_EQ(outputs.answered, 2u);
  EXPECT_TRUE(std::filesystem::exists(settings_.output + ".old"));
}

}  // namespace
}  // namespace batchrun
