#include "runner/lines_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace batchrun {
namespace {

class LinesWriterTest : public testing::Test {
 protected:
  LinesWriterTest() {
    char name[] = "/tmp/batchrun-lines-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~LinesWriterTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const char* name) const { return folder_ + "/" + name; }
  ResultWriter opened(const char* name) const {
    return ResultWriter(OutputFile::open(system_files(), path(name)));
  }
  std::string content(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }

  std::string folder_;
  Settings settings_;
};

TEST_F(LinesWriterTest, WritesAllLinesInOrderAndSyncsBeforeItEnds) {
  ResultWriter results = opened("r"), errors = opened("e");
  LinesLink link(1u << 20);
  LinesWriter writer(settings_, results, errors, link);
  std::thread thread([&] { writer.run(); });
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = "{\"line\":" + std::to_string(i) + "}\n";
    expected += line;
    link.lines.put(Lines{line, i % 100 == 0 ? line : "", 1}, line.size());
  }
  link.lines.close();
  thread.join();
  EXPECT_FALSE(writer.failed());
  EXPECT_EQ(content("r"), expected);
  const std::string error_lines = content("e");
  EXPECT_EQ(std::count(error_lines.begin(), error_lines.end(), '\n'), 10);
  EXPECT_EQ(writer.synced_bytes(), results.written_bytes() + errors.written_bytes());
  EXPECT_EQ(results.synced_bytes(), expected.size());
  std::size_t told = 0;
  while (const auto rows = link.written.try_pop()) told += *rows;
  EXPECT_EQ(told, 1000u);
}

TEST_F(LinesWriterTest, SyncsInTimeWhileTheRunGoesOn) {
  settings_.sync_interval = std::chrono::milliseconds(20);
  ResultWriter results = opened("r"), errors = opened("e");
  LinesLink link(1u << 20);
  LinesWriter writer(settings_, results, errors, link);
  std::thread thread([&] { writer.run(); });
  link.lines.put(Lines{"{}\n", "", 1}, 3);
  for (int i = 0; i < 500 && writer.synced_bytes() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(writer.synced_bytes(), 3u);
  link.lines.close();
  thread.join();
}

TEST_F(LinesWriterTest, AFullDiskIsRememberedAndTheFileEndsInAWholeLine) {
  ResultWriter results = opened("r"), errors = opened("e");
  LinesLink link(1u << 20);
  LinesWriter writer(settings_, results, errors, link);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::thread thread([&] { writer.run(); });
  for (int i = 0; i < 20; ++i)
    link.lines.put(Lines{"{\"x\":\"" + std::string(90, 'x') + "\"}\n", "", 1}, 100);
  link.lines.close();
  thread.join();
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(writer.failed());
  EXPECT_NE(std::string(writer.failure().what()), "");
  const std::string kept = content("r");
  EXPECT_FALSE(kept.empty());
  EXPECT_LE(kept.size(), 1000u);
  EXPECT_EQ(kept.back(), '\n');
  std::size_t told = 0;
  while (const auto rows = link.written.try_pop()) told += *rows;
  EXPECT_EQ(told, 10u) << "no word comes of what was not written";
}

}  // namespace
}  // namespace batchrun
