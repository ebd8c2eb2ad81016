#include "io/result_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace batchrun {
namespace {

constexpr const char* resume_hint =
    "what was synced before is kept; make room and run the same command again to go on";

[[noreturn]] void fail(const std::string& path, std::string_view what, const char* hint) {
  throw OutputError(fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)), hint);
}

// One run at a time: an open-file-description lock goes when the process does, however it ends.
void lock(int fd, const std::string& path) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &whole) == 0) return;
  if (errno != EAGAIN && errno != EACCES) fail(path, "lock", "use an output on a file system that has locks");
  struct flock holder = whole;
  holder.l_pid = 0;
  const bool known = ::fcntl(fd, F_OFD_GETLK, &holder) == 0 && holder.l_type != F_UNLCK && holder.l_pid > 0;
  const std::string who =
      known ? fmt::format("process {}", holder.l_pid) : std::string("another run of batchrun");
  throw OutputError(fmt::format("{} is being written by {}", path, who),
                    "wait for it to end, or give another --output");
}

std::string directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? std::string(".") : parent.string();
}

}  // namespace

ResultWriter ResultWriter::open(const std::string& path) {
  if (path == "-") return ResultWriter(STDOUT_FILENO, "stdout", Kind::stream, 0);
  const int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) fail(path, "open", "give another --output");
  ResultWriter writer(fd, path, Kind::device, 0);
  struct stat status {};
  if (::fstat(fd, &status) != 0) fail(path, "open", "give another --output");
  if (S_ISREG(status.st_mode)) {
    lock(fd, path);
    writer.kind_ = Kind::file;
    writer.written_ = writer.synced_ = static_cast<std::uint64_t>(status.st_size);
  }
  return writer;
}

ResultWriter::ResultWriter(int fd, std::string path, Kind kind, std::uint64_t size)
    : fd_(fd), path_(std::move(path)), kind_(kind), written_(size), synced_(size) {}

ResultWriter::ResultWriter(ResultWriter&& other) noexcept
    : fd_(other.fd_),
      path_(std::move(other.path_)),
      kind_(other.kind_),
      written_(other.written_),
      synced_(other.synced_),
      begun_(other.begun_),
      directory_synced_(other.directory_synced_),
      failed_(other.failed_) {
  other.fd_ = -1;
}

ResultWriter::~ResultWriter() {
  if (fd_ >= 0 && kind_ != Kind::stream) ::close(fd_);
}

// A recovery between open and the first append may have changed the file's size.
void ResultWriter::begin() {
  if (kind_ == Kind::file) {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail(path_, "check", resume_hint);
    written_ = synced_ = static_cast<std::uint64_t>(status.st_size);
  }
  begun_ = true;
}

void ResultWriter::append(std::string_view lines) {
  if (failed_) throw OutputError(fmt::format("{} could not be written before", path_), resume_hint);
  if (!begun_) begin();
  std::size_t done = 0;
  while (done < lines.size()) {
    const ssize_t written = ::write(fd_, lines.data() + done, lines.size() - done);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
    } else if (written < 0 && errno == EAGAIN) {
      struct pollfd room {
        fd_, POLLOUT, 0
      };
      ::poll(&room, 1, -1);
    } else if (written == 0 || errno != EINTR) {
      if (written == 0) errno = ENOSPC;
      give_up(lines.substr(0, done));
    }
  }
  written_ += done;
}

// A write has failed after `partly`: cuts the file back to whole lines and throws.
void ResultWriter::give_up(std::string_view partly) {
  const int error = errno;
  failed_ = true;
  const std::size_t last = partly.rfind('\n');
  written_ += last == std::string_view::npos ? 0 : last + 1;
  // Should this fail as well, the torn line is cut when the run is resumed.
  if (kind_ == Kind::file && ::ftruncate(fd_, static_cast<off_t>(written_)) != 0) written_ = synced_;
  errno = error;
  fail(path_, "write", resume_hint);
}

void ResultWriter::sync() {
  if (kind_ != Kind::file) {
    synced_ = written_;
    return;
  }
  if (failed_) throw OutputError(fmt::format("{} could not be written before", path_), resume_hint);
  if (synced_ == written_) return;
  failed_ = true;  // until it is known that it has not
  struct stat status {};
  if (::fstat(fd_, &status) != 0) fail(path_, "check", resume_hint);
  if (status.st_nlink == 0) {
    throw OutputError(fmt::format("{} was deleted while the run was writing it", path_),
                      "run the same command again");
  }
  if (static_cast<std::uint64_t>(status.st_size) < written_) {
    throw OutputError(fmt::format("{} was cut short while the run was writing it", path_),
                      "run the same command again; rows that are missing are sent again");
  }
  if (::fdatasync(fd_) != 0) fail(path_, "sync", resume_hint);
  if (!directory_synced_) sync_directory();
  synced_ = written_;
  failed_ = false;
}

// A new file is only there after a power cut if its directory was synced, too.
void ResultWriter::sync_directory() {
  const int directory = ::open(directory_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // A directory that may be written but not read cannot be synced; the file is good all the same.
  if (directory >= 0) {
    const bool good = ::fsync(directory) == 0 || errno == EINVAL;
    const int error = errno;
    ::close(directory);
    errno = error;
    if (!good) fail(path_, "sync the directory of", resume_hint);
  }
  directory_synced_ = true;
}

}  // namespace batchrun
