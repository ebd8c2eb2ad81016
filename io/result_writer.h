// The only writer of an output file: whole lines appended, synced as a group. One thread at a time.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace batchrun {

// An output file cannot be written (full disk, I/O error, another run holds it). What was synced before stays
// good.
struct OutputError : std::runtime_error {
  OutputError(const std::string& message, std::string hint_)
      : std::runtime_error(message), hint(std::move(hint_)) {}
  std::string hint;
};

class ResultWriter {
 public:
  // Opens or creates `path` (mode 0600) and takes its write lock (OFD; one run per file). "-" is stdout: no
  // lock, no sync. Throws OutputError; the message names the process that holds the lock where the system
  // tells.
  static ResultWriter open(const std::string& path);
  ResultWriter(ResultWriter&&) noexcept;
  ~ResultWriter();

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

  // Appends whole lines. Short writes and EINTR are looped over; any other error throws OutputError after
  // cutting the file back to the last whole line.
  void append(std::string_view lines);

  // fdatasync what was appended since the last sync (the first time also the directory). A failed sync throws
  // and is never tried again: the kernel may have dropped the pages.
  void sync();

  // Of the whole file, what was there before the first append included; of a stream, what this run has
  // written.
  std::uint64_t synced_bytes() const { return synced_; }
  std::uint64_t written_bytes() const { return written_; }

 private:
  enum class Kind : std::uint8_t { file, device, stream };  // device: no regular file; stream: stdout
  ResultWriter(int fd, std::string path, Kind kind, std::uint64_t size);
  void begin();
  [[noreturn]] void give_up(std::string_view partly);
  void sync_directory();

  int fd_;
  std::string path_;
  Kind kind_;
  std::uint64_t written_, synced_;
  bool begun_ = false;  // something was appended: the file is as any recovery left it
  bool directory_synced_ = false;
  bool failed_ = false;
};

}  // namespace batchrun
