// Which of the runs that share a state file are at work. Each holds a lock on a place of its own in a file
// beside it, which the system lets go of however the run ends: no process number is taken for another's, and
// nothing needs to be cleaned up. One thread at a time.
#pragma once

#include <cstdint>
#include <string>

namespace batchrun {

class RunMark {
 public:
  // Marks this run in the file `path`, made with mode 0600 if it is not there. If that cannot be done, the
  // run counts as gone for others, and all others for it.
  explicit RunMark(const std::string& path);
  ~RunMark();
  RunMark(RunMark&& other) noexcept;
  RunMark& operator=(RunMark&& other) noexcept;

  // Of this run, drawn at random: more than 0, and no other run's.
  std::int64_t id() const { return id_; }

  // Whether another run of that id is at work.
  bool at_work(std::int64_t id) const;

 private:
  int fd_ = -1;
  std::int64_t id_ = 0;
};

}  // namespace batchrun
