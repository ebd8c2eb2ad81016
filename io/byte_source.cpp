#include "io/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

namespace batchrun {
namespace {

constexpr std::size_t packed_block = 256u << 10;
constexpr std::string_view gzip_magic = "\x1F\x8B";
constexpr std::string_view zstd_magic = "\x28\xB5\x2F\xFD";

// A descriptor, and the first bytes that were read from it to see what it holds.
class PlainSource final : public ByteSource {
 public:
  PlainSource(int fd, bool owned, std::string name, std::uint64_t total, const std::atomic<bool>* stop)
      : fd_(fd), owned_(owned), name_(std::move(name)), total_(total), stop_(total == 0 ? stop : nullptr) {
    while (head_.size() < zstd_magic.size()) {
      std::array<char, 4> octets;
      const std::size_t got = read_fd(octets.data(), zstd_magic.size() - head_.size());
      if (got == 0) break;
      head_.append(octets.data(), got);
    }
  }
  ~PlainSource() override {
    if (owned_) ::close(fd_);
  }

  bool starts_with(std::string_view magic) const { return head_.starts_with(magic); }
  const std::string& name() const { return name_; }

  std::size_t read(char* into, std::size_t size) override {
    if (head_at_ < head_.size()) {
      const std::size_t count = std::min(size, head_.size() - head_at_);
      std::memcpy(into, head_.data() + head_at_, count);
      head_at_ += count;
      return count;
    }
    return read_fd(into, size);
  }
  // A file need not be read for that.
  void skip(std::uint64_t octets) override {
    const std::uint64_t of_head = std::min<std::uint64_t>(octets, head_.size() - head_at_);
    const std::uint64_t behind = octets - of_head;
    if (total_ == 0 || behind > total_ - read_) return ByteSource::skip(octets);
    if (::lseek(fd_, static_cast<off_t>(behind), SEEK_CUR) < 0) return ByteSource::skip(octets);
    head_at_ += of_head;
    read_ += behind;
  }
  std::uint64_t bytes_read() const override { return read_; }
  std::uint64_t bytes_total() const override { return total_; }

 private:
  std::size_t read_fd(char* into, std::size_t size) {
    for (;;) {
      if (!has_something()) return 0;
      const ssize_t got = ::read(fd_, into, size);
      if (got >= 0) {
        read_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) {
        throw InputError{fmt::format("cannot read {}: {}", name_, std::strerror(errno)),
                         "what was finished so far is kept; run the same command again to go on"};
      }
    }
  }

  // Waits for more. False: it is not wanted any more.
  bool has_something() const {
    constexpr int look_again_ms = 200;
    pollfd more{fd_, POLLIN, 0};
    while (stop_ != nullptr && poll(&more, 1, look_again_ms) == 0) {
      if (*stop_) return false;
    }
    return true;
  }

  const int fd_;
  const bool owned_;
  const std::string name_;
  const std::uint64_t total_;
  const std::atomic<bool>* const stop_;
  std::uint64_t read_ = 0;
  std::string head_;
  std::size_t head_at_ = 0;
};

// What both unpackers have in common: a block of packed bytes from the plain source below.
class PackedSource : public ByteSource {
 public:
  explicit PackedSource(std::unique_ptr<PlainSource> below)
      : below_(std::move(below)), block_(packed_block) {}
  std::uint64_t bytes_read() const override { return below_->bytes_read(); }
  std::uint64_t bytes_total() const override { return below_->bytes_total(); }

 protected:
  // The next packed bytes; empty at the end.
  std::string_view refill() { return {block_.data(), below_->read(block_.data(), block_.size())}; }
  [[noreturn]] void fail(std::string_view what) const {
    throw InputError{fmt::format("cannot unpack {}: {}", below_->name(), what),
                     "the file is damaged or was not copied whole"};
  }

 private:
  std::unique_ptr<PlainSource> below_;
  std::vector<char> block_;
};

// gzip, with any number of members one after the other (as `cat a.gz b.gz` and pigz make them).
class GzipSource final : public PackedSource {
 public:
  explicit GzipSource(std::unique_ptr<PlainSource> below) : PackedSource(std::move(below)) {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) fail("out of memory");
  }
  ~GzipSource() override { inflateEnd(&stream_); }

  std::size_t read(char* into, std::size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(into);
    stream_.avail_out = static_cast<uInt>(std::min(size, std::size_t{1u << 30}));
    const uInt room = stream_.avail_out;
    while (stream_.avail_out == room) {
      if (stream_.avail_in == 0 && !take_block()) {
        if (!between_members_) fail("the data ends in the middle");
        return 0;
      }
      if (between_members_ && !start_member()) continue;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        between_members_ = true;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        fail(stream_.msg ? stream_.msg : "the data is damaged");
      }
    }
    return room - stream_.avail_out;
  }

 private:
  bool take_block() {
    const std::string_view block = refill();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
    stream_.avail_in = static_cast<uInt>(block.size());
    return !block.empty();
  }
  // Zeros may pad the end of a file (tapes, some copies). False: the block held nothing but them.
  bool start_member() {
    if (!first_) {
      while (stream_.avail_in > 0 && *stream_.next_in == 0) {
        ++stream_.next_in;
        --stream_.avail_in;
      }
      if (stream_.avail_in == 0) return false;
      inflateReset(&stream_);
    }
    first_ = false;
    between_members_ = false;
    return true;
  }

  z_stream stream_{};
  bool between_members_ = false, first_ = true;
};

class ZstdSource final : public PackedSource {
 public:
  explicit ZstdSource(std::unique_ptr<PlainSource> below)
      : PackedSource(std::move(below)), stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {
    if (!stream_) fail("out of memory");
  }

  std::size_t read(char* into, std::size_t size) override {
    ZSTD_outBuffer out{into, size, 0};
    while (out.pos == 0) {
      // With no input left the decoder may still hold output; only an unchanged state is the end.
      if (in_.pos == in_.size && !take_block()) {
        if (pending_ == 0) return 0;
        decompress(out);
        if (out.pos == 0) fail("the data ends in the middle");
        break;
      }
      decompress(out);
    }
    return out.pos;
  }

 private:
  bool take_block() {
    const std::string_view block = refill();
    in_ = {block.data(), block.size(), 0};
    return !block.empty();
  }
  void decompress(ZSTD_outBuffer& out) {
    pending_ = ZSTD_decompressStream(stream_.get(), &out, &in_);
    if (ZSTD_isError(pending_)) fail(ZSTD_getErrorName(pending_));
  }

  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  std::size_t pending_ = 1;  // 0 at the end of a frame; an empty file is no zstd data
};

bool is_null_device(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// The descriptor's size if it is a regular file, else 0. Refuses what cannot be a list of rows.
std::uint64_t judge(int fd, const std::string& name) {
  struct stat status {};
  if (::fstat(fd, &status) != 0)
    throw InputError{fmt::format("cannot read {}: {}", name, std::strerror(errno)), ""};
  if (S_ISDIR(status.st_mode)) {
    throw InputError{fmt::format("cannot read {}: it is a directory", name),
                     "give a JSONL file, or - for stdin"};
  }
  const bool endless_device = S_ISCHR(status.st_mode) && !is_null_device(status) && ::isatty(fd) == 0;
  if (S_ISBLK(status.st_mode) || endless_device) {
    throw InputError{fmt::format("cannot read {}: it is a device", name),
                     "give a JSONL file, or - for stdin"};
  }
  return S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::unique_ptr<PlainSource> open_plain(const std::string& path, const std::atomic<bool>* stop) {
  if (path == "-")
    return std::make_unique<PlainSource>(STDIN_FILENO, false, "stdin", judge(STDIN_FILENO, "stdin"), stop);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    throw InputError{fmt::format("cannot open {}: {}", path, std::strerror(errno)),
                     "give a JSONL file, or - for stdin"};
  }
  try {
    const std::uint64_t total = judge(fd, path);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return std::make_unique<PlainSource>(fd, true, path, total, stop);
  } catch (const InputError&) {
    ::close(fd);
    throw;
  }
}

}  // namespace

void ByteSource::skip(std::uint64_t octets) {
  std::vector<char> piece(static_cast<std::size_t>(std::min<std::uint64_t>(octets, packed_block)));
  while (octets > 0) {
    const std::size_t got =
        read(piece.data(), static_cast<std::size_t>(std::min<std::uint64_t>(octets, piece.size())));
    if (got == 0) return;
    octets -= got;
  }
}

std::unique_ptr<ByteSource> open_byte_source(const std::string& path, const std::atomic<bool>* stop) {
  auto plain = open_plain(path, stop);
  if (path.ends_with(".gz") || plain->starts_with(gzip_magic))
    return std::make_unique<GzipSource>(std::move(plain));
  if (path.ends_with(".zst") || plain->starts_with(zstd_magic))
    return std::make_unique<ZstdSource>(std::move(plain));
  return plain;
}

}  // namespace batchrun
