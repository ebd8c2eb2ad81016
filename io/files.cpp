#include "io/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace batchrun {
namespace {

// Calls again while the call is interrupted before it has done anything. 0 or its errno.
template <class Call>
int uninterrupted(Call call) {
  while (call() != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

IoResult counted(ssize_t result) {
  if (result < 0) return {0, errno};
  return {static_cast<std::size_t>(result), 0};
}

FileStatus described(const struct stat& found) {
  return {S_ISREG(found.st_mode), found.st_nlink > 0, static_cast<std::uint64_t>(found.st_size), found.st_dev,
          found.st_ino};
}

class SystemFile final : public File {
 public:
  SystemFile(int fd, bool owned) : fd_(fd), owned_(owned) {}
  ~SystemFile() override {
    if (owned_) ::close(fd_);
  }
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;

  IoResult read(char* into, std::size_t size, std::uint64_t offset) override {
    return counted(::pread(fd_, into, size, static_cast<off_t>(offset)));
  }

  // A pipe that somebody made non-blocking is waited for.
  IoResult append(std::string_view octets) override {
    for (;;) {
      const IoResult result = counted(::write(fd_, octets.data(), octets.size()));
      if (result.error != EAGAIN) return result;
      struct pollfd room {
        fd_, POLLOUT, 0
      };
      ::poll(&room, 1, -1);
    }
  }

  int truncate(std::uint64_t size) override {
    return uninterrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); });
  }

  int sync() override { return ::fdatasync(fd_) == 0 ? 0 : errno; }

  int drop_cache() override { return ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED); }

  // An open-file-description lock: of this open file, not of the process. The system does not tell whose it
  // is.
  int lock() override {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd_, F_OFD_SETLK, &whole) == 0) return 0;
    return errno == EACCES ? EAGAIN : errno;
  }

  int status(FileStatus& status) override {
    struct stat found {};
    if (::fstat(fd_, &found) != 0) return errno;
    status = described(found);
    return 0;
  }

 private:
  const int fd_;
  const bool owned_;
};

class SystemFiles final : public Files {
 public:
  Opened open(const std::string& path) override { return open_with(path, 0); }
  Opened create(const std::string& path) override { return open_with(path, O_EXCL | O_NOFOLLOW); }
  Opened standard_output() override { return {std::make_unique<SystemFile>(STDOUT_FILENO, false), 0}; }

  int status(const std::string& path, FileStatus& status) override {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return errno;
    status = described(found);
    return 0;
  }

  int rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
  }

  int remove(const std::string& path) override {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return errno;
    if (!S_ISREG(found.st_mode)) return EPERM;
    return ::unlink(path.c_str()) == 0 ? 0 : errno;
  }

  // A directory that may be written but not read cannot be synced, and some file systems know no such sync;
  // the file is good all the same.
  int sync_directory_of(const std::string& path) override {
    const auto parent = std::filesystem::path(path).parent_path();
    const std::string name = parent.empty() ? "." : parent.string();
    const int directory = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return errno == EACCES || errno == EPERM ? 0 : errno;
    const int error = ::fsync(directory) == 0 || errno == EINVAL ? 0 : errno;
    ::close(directory);
    return error;
  }

  std::string real_path(const std::string& path) override {
    std::error_code error;
    const auto found = std::filesystem::canonical(path, error);
    return error ? path : found.string();
  }

 private:
  // Of a pipe only the writing end: with a reading end of our own we would never learn that its reader is
  // gone.
  static int access(const std::string& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) != 0 || S_ISREG(found.st_mode) ? O_RDWR : O_WRONLY;
  }

  static Opened open_with(const std::string& path, int more) {
    int fd = -1;
    const int error = uninterrupted([&] {
      fd = ::open(path.c_str(), access(path) | O_APPEND | O_CREAT | O_CLOEXEC | more, 0600);
      return fd < 0 ? -1 : 0;
    });
    if (error != 0) return {nullptr, error};
    return {std::make_unique<SystemFile>(fd, true), 0};
  }
};

}  // namespace

Files& system_files() {
  static SystemFiles files;
  return files;
}

IoResult read_all(File& file, char* into, std::size_t size, std::uint64_t offset) {
  IoResult whole;
  while (whole.bytes < size) {
    const IoResult part = file.read(into + whole.bytes, size - whole.bytes, offset + whole.bytes);
    whole.bytes += part.bytes;
    if (part.error == EINTR) continue;
    whole.error = part.error;
    if (part.error != 0 || part.bytes == 0) break;
  }
  return whole;
}

IoResult append_all(File& file, std::string_view octets) {
  IoResult whole;
  while (whole.bytes < octets.size()) {
    const IoResult part = file.append(octets.substr(whole.bytes));
    whole.bytes += part.bytes;
    if (part.error == EINTR) continue;
    whole.error = part.error != 0 ? part.error : part.bytes == 0 ? ENOSPC : 0;
    if (whole.error != 0) break;
  }
  return whole;
}

}  // namespace batchrun
