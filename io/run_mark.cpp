#include "io/run_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include <openssl/rand.h>

namespace batchrun {
namespace {

std::int64_t random_id() {
  std::uint64_t bits = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&bits), sizeof bits);
  return static_cast<std::int64_t>(bits >> 2 | 1);
}

// The byte at that place of the file, which need not have it.
struct flock place_of(std::int64_t id) {
  struct flock place {};
  place.l_type = F_WRLCK;
  place.l_whence = SEEK_SET;
  place.l_start = id;
  place.l_len = 1;
  return place;
}

}  // namespace

RunMark::RunMark(const std::string& path)
    : fd_(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600)), id_(random_id()) {
  if (fd_ < 0) return;
  struct flock place = place_of(id_);
  ::fcntl(fd_, F_OFD_SETLK, &place);
}

RunMark::~RunMark() {
  if (fd_ >= 0) ::close(fd_);
}

RunMark::RunMark(RunMark&& other) noexcept : fd_(std::exchange(other.fd_, -1)), id_(other.id_) {}

RunMark& RunMark::operator=(RunMark&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(id_, other.id_);
  return *this;
}

bool RunMark::at_work(std::int64_t id) const {
  if (fd_ < 0 || id <= 0 || id == id_) return false;
  struct flock place = place_of(id);
  return ::fcntl(fd_, F_OFD_GETLK, &place) == 0 && place.l_type != F_UNLCK;
}

}  // namespace batchrun
