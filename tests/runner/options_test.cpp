#include "runner/options.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <set>
#include <sstream>

#include "runner/option_table.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

std::variant<Options, Exit> parse(const std::vector<std::string>& words) {
  std::vector<const char*> argv{"batchrun"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

Options good(const std::vector<std::string>& words) {
  return std::get<Options>(parse(words));
}

UsageError refusal(const std::vector<std::string>& words) {
  try {
    parse(words);
  } catch (const UsageError& error) {
    return error;
  }
  ADD_FAILURE() << "accepted";
  return UsageError("");
}

class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest() {
    dir_.write("in.jsonl", "{}\n");
    dir_.write("prompts.jsonl", "{}\n");
  }
  const ScratchDir dir_;
};

TEST_F(OptionsTest, ReadEveryOption) {
  const Options o = good({"run",
                          "in.jsonl",
                          "-o",
                          "-",
                          "--errors=e",
                          "--report",
                          "r",
                          "-cconf",
                          "--env-file=x",
                          "-p",
                          "groq",
                          "-m=llama",
                          "--strategy",
                          "round-robin",
                          "--stream",
                          "never",
                          "-j8",
                          "--max-attempts",
                          "3",
                          "--row-deadline",
                          "1h",
                          "--max-rows",
                          "100",
                          "--max-error-rate",
                          "5%",
                          "--deadline",
                          "2h",
                          "--drain-timeout",
                          "0s",
                          "--fresh",
                          "--changed",
                          "keep",
                          "--sync=interval:50ms",
                          "--max-line",
                          "1MiB",
                          "--progress",
                          "json",
                          "--color=always",
                          "-q"});
  EXPECT_EQ(o.verb, Verb::run);
  EXPECT_EQ(o.input, "in.jsonl");
  EXPECT_EQ(o.output, "-");
  EXPECT_EQ(o.errors, "e");
  EXPECT_EQ(o.report, "r");
  EXPECT_EQ(o.config, "conf");
  EXPECT_EQ(o.env_file, "x");
  EXPECT_EQ(o.provider, "groq");
  EXPECT_EQ(o.model, "llama");
  EXPECT_EQ(o.strategy, "round-robin");
  EXPECT_EQ(o.stream, StreamMode::off);
  EXPECT_EQ(o.max_in_flight, 8u);
  EXPECT_EQ(o.max_attempts, 3u);
  EXPECT_EQ(o.row_deadline, std::chrono::hours(1));
  EXPECT_EQ(o.max_rows, 100u);
  EXPECT_EQ(o.max_error_rate, 0.05);
  EXPECT_EQ(o.deadline, std::chrono::hours(2));
  EXPECT_EQ(o.drain_timeout, Duration::zero());
  EXPECT_TRUE(o.fresh);
  EXPECT_EQ(o.changed, ChangedRows::keep);
  EXPECT_EQ(o.sync, SyncPolicy::interval);
  EXPECT_EQ(o.sync_interval, std::chrono::milliseconds(50));
  EXPECT_EQ(o.max_line, 1u << 20);
  EXPECT_EQ(o.progress, ProgressMode::json);
  EXPECT_EQ(o.color, ColorMode::on);
  EXPECT_TRUE(o.quiet);
  EXPECT_EQ(o.argv.front(), "batchrun");
}

TEST_F(OptionsTest, TakeTheFirstWordAsVerbOnlyIfItIsOne) {
  dir_.write("run", "{}\n");
  EXPECT_EQ(good({"in.jsonl"}).verb, Verb::run);
  EXPECT_EQ(good({"plan", "in.jsonl"}).verb, Verb::plan);
  EXPECT_EQ(good({"-q", "plan", "in.jsonl"}).verb, Verb::plan);
  EXPECT_EQ(good({"in.jsonl", "-n"}).verb, Verb::plan);
  EXPECT_EQ(good({"run", "run"}).input, "run");
  EXPECT_EQ(good({"./run"}).input, "./run");
  EXPECT_EQ(good({"-"}).input, "-");
  EXPECT_EQ(good({"in.jsonl", "--fresh", "-n"}).verb, Verb::plan);
}

TEST_F(OptionsTest, TakeTheKeysVerbsWithoutAnInput) {
  EXPECT_EQ(good({"keys"}).verb, Verb::keys);
  EXPECT_EQ(good({"keys", "-q", "check", "-c", "x", "--env-file", "y"}).verb, Verb::check_keys);
  EXPECT_EQ(good({"keys"}).input, "");
  const std::string help = std::get<Exit>(parse({"keys", "--help"})).text;
  EXPECT_NE(help.find("--config"), std::string::npos);
  EXPECT_EQ(help.find("--output"), std::string::npos);
  EXPECT_EQ(help.find("Limits:"), std::string::npos) << "no title without options";
}

TEST_F(OptionsTest, PrintTheConfigWithOrWithoutAnInput) {
  EXPECT_EQ(good({"--print-config", "-j8"}).given,
            (std::vector<std::string>{"print-config", "max-in-flight"}));
  EXPECT_EQ(good({"plan", "in.jsonl", "--print-config"}).input, "in.jsonl");
  EXPECT_TRUE(good({"plan", "--print-config"}).print_config);
  EXPECT_NE(std::string(refusal({"missing.jsonl", "--print-config"}).what()).find("neither"),
            std::string::npos);
}

TEST_F(OptionsTest, EndAtTwoDashes) {
  dir_.write("--odd", "{}\n");
  EXPECT_EQ(good({"-q", "--", "--odd"}).input, "--odd");
}

TEST_F(OptionsTest, RefuseWhatCannotBeMeantAndSayWhatMight) {
  const struct {
    std::vector<std::string> words;
    std::string message, hint;
  } cases[] = {
      {{"in.jsonl", "--outptu", "x"}, "unknown option --outptu", "--output"},
      {{"in.jsonl", "--max-atempts=3"}, "unknown option --max-atempts", "--max-attempts"},
      {{"in.jsonl", "--zzzzzzzz"}, "unknown option --zzzzzzzz", "--help"},
      {{"in.jsonl", "-x"}, "unknown option -x", ""},
      {{"in.jsonl", "-o"}, "-o needs a value", ""},
      {{"in.jsonl", "-m", "--fresh"}, "-m needs a value", "-m=VALUE"},
      {{"in.jsonl", "--fresh=yes"}, "--fresh takes no value", ""},
      {{"in.jsonl", "-j", "0"}, "-j: \"0\" is not a whole number", ""},
      {{"in.jsonl", "-j", "4294967296"}, "is not a whole number", ""},
      {{"in.jsonl", "--deadline", "5"}, "--deadline: \"5\" is not a duration", ""},
      {{"in.jsonl", "--deadline", "0s"}, "is not a duration", ""},
      {{"in.jsonl", "--max-error-rate", "0"}, "is not a percentage", ""},
      {{"in.jsonl", "--stream", "maybe"}, "is not auto, always or never", ""},
      {{"in.jsonl", "--sync", "interval:0s"}, "is not interval:DUR", ""},
      {{"in.jsonl", "--max-line", "10"}, "is not a size", ""},
      {{"in.jsonl", "-o", ""}, "is not a file name", ""},
      {{"in.jsonl", "prompts.jsonl"}, "one input at a time", "cat A B"},
      {{"plna", "in.jsonl"}, "\"plna\" is neither a file nor a verb", "batchrun plan"},
      {{"plan", "in.jsonl", "--fresh"}, "--fresh is not an option of plan", ""},
      {{"in.jsonl", "--fresh", "--retry-failed"}, "exclude each other", ""},
      {{"promts.jsonl"}, "neither a file nor a verb", "\"prompts.jsonl\""},
      {{"plna"}, "neither a file nor a verb", "batchrun plan"},
      {{"run", "promts.jsonl"}, "no such file", "\"prompts.jsonl\""},
      {{"nothing-like-it"}, "neither a file nor a verb", "verbs are run, plan and keys"},
      {{"kesy"}, "neither a file nor a verb", "did you mean batchrun keys?"},
      {{"keys", "chekc"}, "keys cannot take \"chekc\"", "batchrun keys check"},
      {{"keys", "check", "check"}, "keys cannot take", ""},
      {{"keys", "--fresh"}, "--fresh is not an option of keys", ""},
      {{"."}, "is a directory", ""},
      {{""}, "empty", ""},
      {{"in.jsonl", "--a\x1b[2J"}, "unknown option --a\\x1b[2J", ""},
  };
  for (const auto& c : cases) {
    const UsageError error = refusal(c.words);
    EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos) << error.what();
    EXPECT_NE(error.hint.find(c.hint), std::string::npos) << error.what() << "\n" << error.hint;
  }
}

TEST_F(OptionsTest, AnswerHelpVersionAndVerbsToCome) {
  EXPECT_EQ(std::get<Exit>(parse({"--help"})).code, 0);
  EXPECT_FALSE(std::get<Exit>(parse({"-h"})).to_stderr);
  EXPECT_EQ(std::get<Exit>(parse({"--version"})).text.rfind("batchrun ", 0), 0u);
  EXPECT_EQ(std::get<Exit>(parse({"missing.jsonl", "--help"})).code, 0);
  for (const char* verb : {"bench", "report"}) {
    const Exit exit = std::get<Exit>(parse({verb, "check"}));
    EXPECT_EQ(exit.code, 2);
    EXPECT_TRUE(exit.to_stderr);
    EXPECT_NE(exit.text.find("not in this version"), std::string::npos);
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) out.push_back(line);
  return out;
}

TEST(Help, FitsEightyColumnsAndShowsExamplesBeforeOptions) {
  const std::string help = render_help(for_all);
  for (const std::string& line : lines_of(help)) EXPECT_LE(line.size(), 80u) << line;
  for (const std::string& line : lines_of(render_short_help())) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_LT(help.find("Examples:"), help.find("--output"));
  EXPECT_EQ(help.find("--api-key"), std::string::npos);
}

TEST(Help, NamesEveryOptionOfItsVerb) {
  const std::string run = render_help(for_run), plan = render_help(for_plan);
  for (const OptionRow& row : option_table()) {
    const std::string shown = "--" + std::string(row.long_name);
    EXPECT_EQ(run.find("  " + shown) != std::string::npos || run.find(", " + shown) != std::string::npos,
              (row.verbs & for_run) != 0);
    if ((row.verbs & for_plan) == 0) {
      EXPECT_EQ(plan.find("      " + shown + " "), std::string::npos) << shown;
    }
  }
}

TEST(OptionTable, HasEachNameOnceAndSaysWhatValuesItTakes) {
  std::set<std::string_view> names;
  std::set<char> letters;
  for (const OptionRow& row : option_table()) {
    EXPECT_TRUE(names.insert(row.long_name).second) << row.long_name;
    EXPECT_TRUE(!row.short_name || letters.insert(row.short_name).second) << row.short_name;
    EXPECT_EQ(row.argument.empty(), row.expects.empty()) << row.long_name;
    EXPECT_FALSE(row.help.empty());
  }
}

}  // namespace
}  // namespace batchrun
