#include "io/run_mark.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

class RunMarkTest : public ::testing::Test {
 protected:
  ScratchDir scratch_;
  std::string path_ = scratch_.path() + "/runs";
};

TEST_F(RunMarkTest, TellsRunsAtWorkFromThoseThatAreGone) {
  const RunMark mine(path_);
  std::optional<RunMark> other(path_);
  const std::int64_t others_id = other->id();
  EXPECT_NE(mine.id(), others_id);
  EXPECT_GT(mine.id(), 0);
  EXPECT_TRUE(mine.at_work(others_id));
  EXPECT_TRUE(other->at_work(mine.id()));
  EXPECT_FALSE(mine.at_work(mine.id())) << "it is no other run";
  EXPECT_FALSE(mine.at_work(others_id + 1));
  EXPECT_FALSE(mine.at_work(0));
  RunMark moved = std::move(*other);
  other.reset();
  EXPECT_TRUE(mine.at_work(others_id)) << "it has only moved";
  moved = RunMark(path_);
  EXPECT_FALSE(mine.at_work(others_id));
  EXPECT_TRUE(mine.at_work(moved.id()));
}

TEST_F(RunMarkTest, AProcessThatIsKilledIsGone) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const RunMark childs(path_);
    const std::int64_t id = childs.id();
    if (::write(told[1], &id, sizeof id) < 0) ::_exit(1);
    for (;;) ::pause();
  }
  std::int64_t id = 0;
  ASSERT_EQ(::read(told[0], &id, sizeof id), static_cast<ssize_t>(sizeof id));
  const RunMark mine(path_);
  EXPECT_TRUE(mine.at_work(id));
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_FALSE(mine.at_work(id));
  ::close(told[0]);
  ::close(told[1]);
}

TEST_F(RunMarkTest, IsItsOwnersAloneAndDoesWithoutAFile) {
  const RunMark mine(path_);
  struct stat file {};
  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(file.st_size, 0) << "a lock is no octet";
  const RunMark nowhere(path_ + "/no/such");
  EXPECT_GT(nowhere.id(), 0);
  EXPECT_FALSE(nowhere.at_work(mine.id()));
  EXPECT_FALSE(mine.at_work(nowhere.id()));
}

}  // namespace
}  // namespace batchrun
