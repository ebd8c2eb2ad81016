#include "io/result_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/memory_files.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

ResultWriter open_writer(const std::string& path) {
  return ResultWriter(OutputFile::open(system_files(), path));
}

TEST(ResultWriter, AppendsToWhatIsThereAndCounts) {
  const ScratchDir scratch;
  scratch.write("out", "old\n");
  ResultWriter writer = open_writer("out");
  EXPECT_EQ(writer.written_bytes(), 4u);
  writer.append("one\ntwo\n");
  EXPECT_EQ(writer.written_bytes(), 12u);
  EXPECT_EQ(writer.synced_bytes(), 4u);
  writer.sync();
  EXPECT_EQ(writer.synced_bytes(), 12u);
  ResultWriter moved = std::move(writer);
  moved.append("three\n");
  moved.sync();
  EXPECT_EQ(scratch.read("out"), "old\none\ntwo\nthree\n");
}

TEST(ResultWriter, SaysWhenItsFileWasDeletedOrCut) {
  const ScratchDir scratch;
  ResultWriter deleted = open_writer("deleted");
  deleted.append("one\n");
  ::unlink("deleted");
  EXPECT_THROW(deleted.sync(), OutputError);
  EXPECT_THROW(deleted.append("two\n"), OutputError);
  ResultWriter cut = open_writer("cut");
  cut.append("one\ntwo\n");
  ASSERT_EQ(::truncate("cut", 4), 0);
  EXPECT_THROW(cut.sync(), OutputError);
  EXPECT_THROW(cut.sync(), OutputError);
}

// The limit of a file's size stands for a full disk: the kernel takes a part of the write, then refuses.
TEST(ResultWriter, EndsOnALineBoundaryWhenTheDiskIsFull) {
  const ScratchDir scratch;
  for (const rlim_t room : {0u, 1u, 3u, 4u, 5u, 11u}) {
    ::unlink("out");
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      ResultWriter writer = open_writer("out");
      const rlimit limit{room, room};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      try {
        writer.append("one\ntwo\nthree\n");
      } catch (const OutputError&) {
        ::_exit(writer.written_bytes() == room / 4 * 4 ? 0 : 1);
      }
      ::_exit(2);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << room;
    EXPECT_EQ(scratch.read("out"), std::string("one\ntwo\n").substr(0, room / 4 * 4)) << room;
  }
}

TEST(ResultWriter, LoopsOverShortWritesToAPipeThatIsFull) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  std::string text;
  while (text.size() < 300'000) text += "a line of the output\n";
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    ResultWriter writer = open_writer("-");
    writer.append(text);
    writer.sync();
    ::_exit(writer.synced_bytes() == text.size() ? 0 : 1);
  }
  ::close(ends[1]);
  std::string read;
  char buffer[777];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    read.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(read == text);
}

TEST(ResultWriter, TellsOfADeviceThatIsFull) {
  ResultWriter writer = open_writer("/dev/full");
  EXPECT_THROW(writer.append("x\n"), OutputError);
}

// What the kernel could not write it may have dropped: neither this run nor a later one may count on it.
TEST(ResultWriter, CutsBackWhatASyncCouldNotWriteAndNeverTriesAgain) {
  MemoryFiles files;
  ResultWriter writer(OutputFile::open(files, "out"));
  writer.append("safe\n");
  writer.sync();
  writer.append("lost\n");
  int syncs = 0;
  files.begin_process([&](MemoryFiles::Call call, std::uint64_t) {
    if (call != MemoryFiles::Call::sync) return MemoryFiles::Doom{};
    ++syncs;
    return MemoryFiles::Doom{MemoryFiles::Fate::error, EIO};
  });
  EXPECT_THROW(writer.sync(), OutputError);
  EXPECT_EQ(files.text("out"), "safe\n");
  EXPECT_EQ(writer.written_bytes(), 5u);
  EXPECT_THROW(writer.sync(), OutputError);
  EXPECT_THROW(writer.append("more\n"), OutputError);
  EXPECT_EQ(syncs, 1);
  EXPECT_EQ(files.text("out"), "safe\n");
}

}  // namespace
}  // namespace batchrun
