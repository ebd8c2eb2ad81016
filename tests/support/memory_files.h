// A file system in memory that can refuse any call, lose its process at any call, and lose its power.
//
// It is as cruel as a disk may be. What was written but not synced is there after a power cut or is not, in
// pieces and in any order, with NULs in the gaps. A name that was given, changed or deleted in a directory
// that was not synced is as it was or as it is. A sync that failed has forgotten what it should have written:
// the next one says that all is well and writes nothing of it.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "io/files.h"

namespace batchrun {

class MemoryFiles : public Files {
 public:
  // What becomes of one call. After a kill nothing reaches the files any more, as when the process is gone:
  // every later call fails.
  enum class Fate : std::uint8_t { good, error, half, interrupted, kill_before, kill_half };
  struct Doom {
    Fate fate = Fate::good;
    int error = 0;
  };
  enum class Call : std::uint8_t { look, read, append, truncate, sync, name };  // name: open, rename, delete
  // Asked before each call, with its number from 0 on since the process began.
  using Judge = std::function<Doom(Call call, std::uint64_t number)>;

  // A process begins: `judge` decides about its calls.
  void begin_process(Judge judge);
  bool killed() const { return killed_; }
  std::uint64_t calls() const { return calls_; }

  // REQUIRES: no file is open.
  void lose_power(std::mt19937_64& random);

  bool exists(const std::string& path) const { return names_.contains(path); }
  std::string text(const std::string& path) const;             // "" if it is not there
  void put(const std::string& path, const std::string& text);  // as if written and synced long ago

  Opened open(const std::string& path) override { return opened(path, false); }
  Opened create(const std::string& path) override { return opened(path, true); }
  Opened standard_output() override { return {nullptr, EIO}; }
  int status(const std::string& path, FileStatus& status) override;
  int rename(const std::string& from, const std::string& to) override;
  int remove(const std::string& path) override;
  int sync_directory_of(const std::string& path) override;
  std::string real_path(const std::string& path) override { return path; }

 private:
  class Handle;
  struct Inode {
    std::uint64_t number = 0;
    std::string live, durable;
    std::string dirty;  // by octet of `live`: 1 if a sync would write it; a string for its quick search
    bool locked = false;
  };
  using InodePtr = std::shared_ptr<Inode>;

  Doom judged(Call call);
  Opened opened(const std::string& path, bool must_be_new);
  FileStatus described(const Inode& inode) const;
  static void lose_power(Inode& inode, std::mt19937_64& random);

  std::map<std::string, InodePtr> names_, durable_names_;
  std::uint64_t inodes_ = 0;
  std::atomic<std::uint64_t> calls_ = 0;  // several threads may read
  Judge judge_ = [](Call, std::uint64_t) { return Doom{}; };
  std::atomic<bool> killed_ = false;
};

}  // namespace batchrun
