// An output file: open, and locked against every other run until it is closed. What it holds is the log a run
// resumes from, unless it is no regular file. One thread at a time. Everything throws OutputError.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/files.h"
#include "io/output_error.h"

namespace batchrun {

class OutputFile {
 public:
  // Opens or makes `path`, "-" being stdout, and takes its lock. `files` outlives it.
  static OutputFile open(Files& files, const std::string& path);

  // For messages: "stdout" for "-".
  const std::string& path() const { return path_; }
  // A regular file, not stdout: it is locked, recovered, cut back when a write fails, and synced.
  bool is_log() const { return is_log_; }

  // Of a log.
  std::uint64_t size() const;
  std::size_t read(char* into, std::size_t size, std::uint64_t offset) const;  // less only at the end
  void append(std::string_view octets);
  void truncate(std::uint64_t size);

  // For who has failed already, and throws then: as much as can be appended; as short as it can be made.
  IoResult try_append(std::string_view octets);
  void try_cut_back(std::uint64_t size);

  // Brings what was written to the disk, the first time the file's name, too. A sync that failed must not be
  // tried again: the kernel may have dropped what it could not write, and would say all is well. Throws also
  // when the file was deleted or is shorter than `expected_size`. Nothing for what is no log.
  void sync(std::uint64_t expected_size);

  // Deletes the file's name, if it is still its name and no link to it. It stays open and locked. A
  // file that cannot be deleted stays.
  void remove();

  Files& files() const { return *files_; }

 private:
  OutputFile(Files& files, std::string path, std::unique_ptr<File> file)
      : files_(&files), path_(std::move(path)), file_(std::move(file)) {}
  FileStatus status() const;
  void sync_name();

  friend class ReplacementFile;
  Files* files_;
  std::string path_;
  std::unique_ptr<File> file_;
  bool is_log_ = false;
  bool name_synced_ = false;
};

// A file that is to take the place of `path`, written beside it as PATH.tmp. A reader of `path` sees the old
// file or the whole new one, whenever the power fails. One at a time for a path. Throws OutputError.
class ReplacementFile {
 public:
  ReplacementFile(Files& files, const std::string& path);
  ~ReplacementFile();  // without a keep(): nothing has happened
  ReplacementFile(ReplacementFile&&) = delete;

  void append(std::string_view octets);
  void append_line(std::string_view line);  // and its LF
  // Sync, rename, sync of the name. Gives back the new file as if it had been opened: with its lock, which it
  // had before it got the name, so that no other run can come between.
  OutputFile keep();

 private:
  void flush();

  const std::string target_, temporary_;
  OutputFile file_;
  std::string buffer_;
  bool kept_ = false;
};

}  // namespace batchrun
