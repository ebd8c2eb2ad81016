#include "io/files.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "tests/support/memory_files.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

// The same script on the system's files and on those in memory, which the tests of everything else rely on.
void expect_what_files_do(Files& files) {
  FileStatus status;
  EXPECT_EQ(files.status("a", status), ENOENT);
  EXPECT_EQ(files.remove("a"), ENOENT);
  EXPECT_EQ(files.rename("a", "b"), ENOENT);

  auto [file, error] = files.create("a");
  ASSERT_EQ(error, 0);
  EXPECT_EQ(files.create("a").error, EEXIST);
  EXPECT_EQ(append_all(*file, "hello world").bytes, 11u);
  EXPECT_EQ(file->truncate(5), 0);
  EXPECT_EQ(append_all(*file, "!\n").error, 0);
  EXPECT_EQ(file->sync(), 0);
  EXPECT_EQ(file->drop_cache(), 0);
  EXPECT_EQ(files.sync_directory_of("a"), 0);
  std::string text(100, '\0');
  EXPECT_EQ(read_all(*file, text.data(), 100, 1).bytes, 6u);
  EXPECT_EQ(text.substr(0, 6), "ello!\n");
  EXPECT_EQ(read_all(*file, text.data(), 100, 7).bytes, 0u);

  EXPECT_EQ(file->lock(), 0);
  auto second = files.open("a");
  ASSERT_EQ(second.error, 0);
  EXPECT_EQ(second.file->lock(), EAGAIN);
  FileStatus same;
  EXPECT_EQ(file->status(status), 0);
  EXPECT_EQ(second.file->status(same), 0);
  EXPECT_TRUE(status.regular && status.linked);
  EXPECT_EQ(status.size, 7u);
  EXPECT_EQ(status.inode, same.inode);

  EXPECT_EQ(files.rename("a", "b"), 0);
  EXPECT_EQ(files.status("a", same), ENOENT);
  EXPECT_EQ(files.status("b", same), 0);
  EXPECT_EQ(status.inode, same.inode);
  EXPECT_EQ(files.remove("b"), 0);
  EXPECT_EQ(file->status(status), 0);
  EXPECT_FALSE(status.linked);
  file.reset();
  EXPECT_EQ(second.file->lock(), 0) << "the lock goes with the file that had it";
}

TEST(Files, OfTheSystem) {
  const ScratchDir scratch;
  expect_what_files_do(system_files());
}

TEST(Files, InMemoryDoTheSame) {
  MemoryFiles files;
  expect_what_files_do(files);
}

TEST(Files, AreNotMadeThroughALink) {
  const ScratchDir scratch;
  std::filesystem::create_symlink("elsewhere", "a");
  EXPECT_EQ(system_files().create("a").error, EEXIST);
  EXPECT_FALSE(std::filesystem::exists("elsewhere"));
}

TEST(Files, ShortAndInterruptedCallsAreGoneOnWith) {
  MemoryFiles files;
  auto file = files.open("a").file;
  int turn = 0;
  files.begin_process([&](MemoryFiles::Call, std::uint64_t) {
    return ++turn % 2 == 0 ? MemoryFiles::Doom{MemoryFiles::Fate::interrupted, EINTR}
                           : MemoryFiles::Doom{MemoryFiles::Fate::half, 0};
  });
  const IoResult written = append_all(*file, "0123456789");
  EXPECT_EQ(written.bytes, 10u);
  EXPECT_EQ(written.error, 0);
  EXPECT_EQ(files.text("a"), "0123456789");
  std::string text(10, '\0');
  EXPECT_EQ(read_all(*file, text.data(), 10, 0).bytes, 10u);
  EXPECT_EQ(text, "0123456789");
}

}  // namespace
}  // namespace batchrun
