// The file operations that output files need, behind a seam: what is promised of those files is tested by
// making each operation fail and by cutting the power between any two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace batchrun {

// How far a call came, and the errno that ended it; 0 = none.
struct IoResult {
  std::size_t bytes = 0;
  int error = 0;
};

struct FileStatus {
  bool regular = false;  // else a pipe, a terminal, a device
  bool linked = false;   // some name still leads to it
  std::uint64_t size = 0;
  std::uint64_t device = 0, inode = 0;  // what tells one file from another
};

// An open file, closed with its object. One thread at a time, but any number may read. What gives back an int
// gives the errno, 0 when all went well; a call that was interrupted before it did anything is told of only
// by read and append.
class File {
 public:
  virtual ~File() = default;

  // As pread and write are: either may do less than was asked, or be interrupted (EINTR).
  virtual IoResult read(char* into, std::size_t size, std::uint64_t offset) = 0;
  virtual IoResult append(std::string_view octets) = 0;

  virtual int truncate(std::uint64_t size) = 0;
  virtual int sync() = 0;  // fdatasync: the octets and the size are on the disk
  // Forgets what of the file is only in memory and is not going to be written. After a sync that failed this
  // is what could not be written: the kernel has kept it, calls it clean, and would show it to the next
  // reader.
  virtual int drop_cache() = 0;
  // Takes the write lock that goes when the file is closed, however the process ends. EAGAIN: the file is
  // open elsewhere and locked there.
  virtual int lock() = 0;
  virtual int status(FileStatus& status) = 0;
};

struct Opened {
  std::unique_ptr<File> file;  // none after an error
  int error = 0;
};

// The names files have. Any thread.
class Files {
 public:
  virtual ~Files() = default;

  // For reading and appending (what is no regular file: for appending); made with mode 0600 if it is not
  // there.
  virtual Opened open(const std::string& path) = 0;
  // The same for a file that must not be there yet, not even as a link: else EEXIST.
  virtual Opened create(const std::string& path) = 0;
  virtual Opened standard_output() = 0;

  virtual int status(const std::string& path, FileStatus& status) = 0;
  virtual int rename(const std::string& from, const std::string& to) = 0;  // replaces what `to` was
  virtual int remove(const std::string& path) = 0;  // of a regular file; EPERM for anything else, also a link
  virtual int sync_directory_of(const std::string& path) = 0;  // the names in it are on the disk
  // Where symbolic links lead to: what a rename must replace if the link is to stay.
  virtual std::string real_path(const std::string& path) = 0;
};

// Those of the operating system.
Files& system_files();

// The whole of it, over short calls and interruptions. A read gives less only at the file's end; a write that
// takes nothing counts as a full disk.
IoResult read_all(File& file, char* into, std::size_t size, std::uint64_t offset);
IoResult append_all(File& file, std::string_view octets);

}  // namespace batchrun
