#include "io/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "tests/support/memory_files.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

TEST(OutputFile, IsMadeForItsOwnerAlone) {
  const ScratchDir scratch;
  const mode_t before = ::umask(0);
  const OutputFile file = OutputFile::open(system_files(), "out");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat("out", &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(OutputFile, IsOneToAFileUnderAnyName) {
  const ScratchDir scratch;
  scratch.write("out", "");
  std::filesystem::create_hard_link("out", "other");
  {
    const OutputFile first = OutputFile::open(system_files(), "out");
    for (const char* name : {"out", "other"}) {
      try {
        OutputFile::open(system_files(), name);
        FAIL() << "two writers";
      } catch (const OutputInUse& error) {
        EXPECT_NE(std::string(error.what()).find("is being written by another"), std::string::npos);
        EXPECT_FALSE(error.hint.empty());
      }
    }
  }
  EXPECT_NO_THROW(OutputFile::open(system_files(), "out"));
}

TEST(OutputFile, SaysWhatCannotBeOpened) {
  const ScratchDir scratch;
  try {
    OutputFile::open(system_files(), "no/such/directory/out");
    FAIL() << "made out of nothing";
  } catch (const OutputError& error) {
    EXPECT_NE(error.hint.find("make its directory"), std::string::npos) << error.hint;
  }
  EXPECT_THROW(OutputFile::open(system_files(), scratch.path()), OutputError);
}

// Between the opening and the lock the run that had the file may end, and delete or replace it.
TEST(OutputFile, IsTheOneOfThatNameOnceItIsLocked) {
  class Swapping : public MemoryFiles {
   public:
    Opened open(const std::string& path) override {
      Opened opened = MemoryFiles::open(path);
      if (++opens == 1) put(path, "new");  // another file has got the name
      if (opens == 2) remove(path);
      return opened;
    }
    int opens = 0;
  } files;
  files.put("out", "old one");
  const OutputFile file = OutputFile::open(files, "out");
  EXPECT_EQ(files.opens, 3);
  EXPECT_EQ(file.size(), 0u);
}

TEST(OutputFile, OfADeviceIsNoLog) {
  OutputFile file = OutputFile::open(system_files(), "/dev/null");
  EXPECT_FALSE(file.is_log());
  file.append("x");
  file.sync(1);
}

TEST(ReplacementFile, IsSeenWholeOrNotAtAllWhateverFails) {
  const std::string old_text = "old", new_text(3'000'000, 'n');
  for (const auto fate :
       {MemoryFiles::Fate::error, MemoryFiles::Fate::kill_before, MemoryFiles::Fate::kill_half}) {
    bool happened = true;
    for (std::uint64_t when = 0; happened; ++when) {
      happened = false;
      MemoryFiles files;
      files.put("out", old_text);
      files.begin_process([&](MemoryFiles::Call, std::uint64_t call) {
        happened = happened || call == when;
        return call == when ? MemoryFiles::Doom{fate, EIO} : MemoryFiles::Doom{};
      });
      bool kept = false;
      try {
        ReplacementFile file(files, "out");
        file.append(new_text);
        file.keep();
        kept = true;
      } catch (const OutputError&) {
      }
      const std::string now = files.text("out");
      EXPECT_TRUE(now == new_text || (now == old_text && !kept)) << "call " << when;
      EXPECT_TRUE(files.killed() || fate != MemoryFiles::Fate::error || !files.exists("out.tmp") || when < 4);
      std::mt19937_64 random(when);
      files.lose_power(random);
      const std::string after = files.text("out");
      EXPECT_TRUE(after == new_text || (after == old_text && (!kept || files.killed()))) << "call " << when;
    }
  }
}

TEST(ReplacementFile, LeavesALinkALink) {
  const ScratchDir scratch;
  scratch.write("real/out", "old");
  std::filesystem::create_symlink("real/out", "out");
  {
    ReplacementFile file(system_files(), "out");
    file.append("new");
    file.keep();
  }
  EXPECT_TRUE(std::filesystem::is_symlink("out"));
  EXPECT_EQ(scratch.read("real/out"), "new");
}

TEST(ReplacementFile, KeepsTheLock) {
  const ScratchDir scratch;
  scratch.write("out", "old");
  OutputFile file = OutputFile::open(system_files(), "out");
  ReplacementFile next(system_files(), "out");
  next.append("new\n");
  file = next.keep();
  EXPECT_THROW(OutputFile::open(system_files(), "out"), OutputError);
  file.append("more\n");
  EXPECT_EQ(scratch.read("out"), "new\nmore\n");
}

}  // namespace
}  // namespace batchrun
