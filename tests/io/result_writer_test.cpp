#include "io/result_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

TEST(ResultWriter, AppendsToWhatIsThereAndCounts) {
  const ScratchDir scratch;
  scratch.write("out", "old\n");
  ResultWriter writer = ResultWriter::open("out");
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

TEST(ResultWriter, MakesAFileOnlyItsOwnerCanRead) {
  const ScratchDir scratch;
  const mode_t before = ::umask(0);
  const ResultWriter writer = ResultWriter::open("out");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat("out", &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_NE(::fcntl(writer.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ResultWriter, IsOneToAFile) {
  const ScratchDir scratch;
  {
    const ResultWriter first = ResultWriter::open("out");
    try {
      ResultWriter::open("out");
      FAIL() << "two writers";
    } catch (const OutputError& error) {
      EXPECT_NE(std::string(error.what()).find("is being written by"), std::string::npos);
      EXPECT_FALSE(error.hint.empty());
    }
  }
  EXPECT_NO_THROW(ResultWriter::open("out"));
}

TEST(ResultWriter, CountsFromWhereARecoveryLeftTheFile) {
  const ScratchDir scratch;
  scratch.write("out", "whole\ntorn");
  ResultWriter writer = ResultWriter::open("out");
  ASSERT_EQ(::ftruncate(writer.fd(), 6), 0);
  writer.append("next\n");
  writer.sync();
  EXPECT_EQ(writer.synced_bytes(), 11u);
  EXPECT_EQ(scratch.read("out"), "whole\nnext\n");
}

TEST(ResultWriter, SaysWhenItsFileWasDeletedOrCut) {
  const ScratchDir scratch;
  ResultWriter deleted = ResultWriter::open("deleted");
  deleted.append("one\n");
  ::unlink("deleted");
  EXPECT_THROW(deleted.sync(), OutputError);
  EXPECT_THROW(deleted.append("two\n"), OutputError);
  ResultWriter cut = ResultWriter::open("cut");
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
      ResultWriter writer = ResultWriter::open("out");
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
  const std::string path = "/proc/self/fd/" + std::to_string(ends[1]);
  std::string text;
  while (text.size() < 300'000) text += "a line of the output\n";
  const pid_t reader = ::fork();
  if (reader == 0) {
    ::close(ends[1]);
    std::size_t total = 0;
    char buffer[777];
    for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      total += static_cast<std::size_t>(got);
    ::_exit(total == text.size() ? 0 : 1);
  }
  {
    ResultWriter writer = ResultWriter::open(path);
    ::fcntl(writer.fd(), F_SETFL, O_NONBLOCK);
    ::close(ends[0]);
    ::close(ends[1]);
    writer.append(text);
    writer.sync();
    EXPECT_EQ(writer.synced_bytes(), text.size());
  }
  int status = -1;
  ASSERT_EQ(::waitpid(reader, &status, 0), reader);
  EXPECT_EQ(status, 0);
}

TEST(ResultWriter, SaysWhatCannotBeOpened) {
  const ScratchDir scratch;
  EXPECT_THROW(ResultWriter::open("no/such/directory/out"), OutputError);
  EXPECT_THROW(ResultWriter::open(scratch.path()), OutputError);
}

TEST(ResultWriter, TellsOfADeviceThatIsFull) {
  ResultWriter writer = ResultWriter::open("/dev/full");
  EXPECT_THROW(writer.append("x\n"), OutputError);
}

}  // namespace
}  // namespace batchrun
