#include "runner/run_paths.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

Settings paths(const GivenPaths& given) {
  Settings settings;
  set_paths(given, settings);
  return settings;
}

TEST(RunPaths, FindTheStem) {
  const std::pair<const char*, const char*> cases[] = {{"x.jsonl", "x"},
                                                       {"dir/x.jsonl.gz", "dir/x"},
                                                       {"/a/b.c/x.json.zst", "/a/b.c/x"},
                                                       {"data.v2.jsonl", "data.v2"},
                                                       {"plain", "plain"},
                                                       {"./x.errors.jsonl", "./x.errors"},
                                                       {".hidden", ".hidden"},
                                                       {"x.gz", "x"}};
  for (const auto& [path, stem] : cases) EXPECT_EQ(path_stem(path), stem) << path;
}

TEST(RunPaths, DefaultBesideTheInput) {
  const Settings s = paths({"in/x.jsonl.gz", {}, {}, {}});
  EXPECT_EQ(s.output, "in/x.results.jsonl");
  EXPECT_EQ(s.errors, "in/x.errors.jsonl");
  EXPECT_EQ(s.report, "in/x.report.json");
}

// Else two runs of one input would share an errors file and overwrite each other's report.
TEST(RunPaths, FollowTheResults) {
  const Settings s = paths({"in/x.jsonl", "out/second.jsonl", {}, {}});
  EXPECT_EQ(s.errors, "out/second.errors.jsonl");
  EXPECT_EQ(s.report, "out/second.report.json");
  const Settings named = paths({"x.jsonl", "y.results.jsonl", "e", {}});
  EXPECT_EQ(named.errors, "e");
  EXPECT_EQ(named.report, "y.report.json");
  const Settings nowhere = paths({"x.jsonl", "/dev/null", {}, {}});
  EXPECT_EQ(nowhere.errors, "x.errors.jsonl");
  EXPECT_EQ(nowhere.report, "x.report.json");
}

// Of a device or a process substitution as of stdin: nothing is written beside it.
TEST(RunPaths, FollowStdinAndStdout) {
  const ScratchDir dir;
  std::filesystem::create_symlink("/dev/null", "link.jsonl");
  for (const char* input :
       {"-", "/dev/null", "/dev/stdin", "/dev/../dev/./fd/63", "/proc/self/fd/5", "link.jsonl"}) {
    const Settings piped = paths({input, {}, {}, {}});
    EXPECT_EQ(piped.output, "-") << input;
    EXPECT_EQ(piped.errors, "stdin.errors.jsonl") << input;
    EXPECT_EQ(piped.report, "") << input;
  }
  const Settings to_file = paths({"-", "out/y.results.jsonl", {}, {}});
  EXPECT_EQ(to_file.errors, "out/y.errors.jsonl");
  EXPECT_EQ(to_file.report, "out/y.report.json");
  const Settings to_stdout = paths({"x.jsonl", "-", {}, "r.json"});
  EXPECT_EQ(to_stdout.report, "r.json");
  EXPECT_EQ(to_stdout.errors, "x.errors.jsonl");
}

TEST(RunPaths, RefuseTwoUsesOfOneFile) {
  const ScratchDir dir;
  dir.write("x.jsonl", "{}\n");
  dir.write("sub/y", "");
  std::filesystem::create_directory_symlink("sub", "link");
  const GivenPaths bad[] = {{"x.jsonl", "x.jsonl", {}, {}},
                            {"x.jsonl", "./sub/../x.jsonl", {}, {}},
                            {"x.jsonl", dir.path() + "/x.jsonl", {}, {}},
                            {"sub/y", "link/y", {}, {}},
                            {"x.jsonl", "o", "o", {}},
                            {"x.jsonl", "o", "e", "o"},
                            {"x.jsonl", {}, "x.jsonl", {}},
                            {"x.jsonl", {}, "-", {}},
                            {"x.jsonl", "-", {}, "-"}};
  for (const GivenPaths& given : bad) EXPECT_THROW(paths(given), UsageError) << given.output.value_or("");
  EXPECT_NO_THROW(paths({"x.jsonl", "/dev/null", "/dev/null", {}}));
}

// What a real shell makes of a command line.
std::string through_shell(const std::string& command) {
  FILE* pipe = ::popen(("printf '%s|' " + command).c_str(), "r");
  std::string out;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  ::pclose(pipe);
  return out;
}

TEST(RunPaths, QuoteTheResumeCommandAsAShellReadsIt) {
  EXPECT_EQ(resume_command({"batchrun", "x.jsonl", "--fresh", "-j", "8"}), "batchrun x.jsonl -j 8");
  const std::vector<std::string> words{"a b", "it's",      "$HOME",    "`id`", "",
                                       "*",   "new\nline", "-m=x/y,z", "\\"};
  std::string expected;
  for (const std::string& word : words) expected += word + "|";
  EXPECT_EQ(through_shell(resume_command(words)), expected);
}

}  // namespace
}  // namespace batchrun
