#include "io/recovery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "io/json_text.h"
#include "io/json_tokens.h"
#include "io/result_writer.h"
#include "io/row_identity.h"

namespace batchrun {
namespace {

constexpr std::size_t block = 1u << 20;
// The longest reply and the longest row, every byte of them escaped, fit in this.
constexpr std::size_t longest_line = 1u << 30;
// A row and a reply may be nested 128 deep, and lie some levels down in their line.
constexpr std::size_t line_depth = 160;

[[noreturn]] void fail(const std::string& path, std::string_view what) {
  throw OutputError(fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)),
                    "give another --output, or --fresh to start over");
}

// Takes "br-LINE-HASH8" apart. False: it is no id of ours.
bool parse_id(std::string_view id, std::uint64_t& line, std::uint32_t& content_hash) {
  if (!id.starts_with("br-")) return false;
  const char* const end = id.data() + id.size();
  const auto number = std::from_chars(id.data() + 3, end, line);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != '-' || end - number.ptr != 9)
    return false;
  const auto hash = std::from_chars(number.ptr + 1, end, content_hash, 16);
  return hash.ec == std::errc() && hash.ptr == end;
}

bool is_duplicate(const JsonTokens& tokens, JsonTokens::Value error) {
  if (tokens.first(error) != '{') return false;
  for (ObjectWalk walk(tokens, error); walk.next();) {
    if (walk.name() == "code") return tokens.raw(walk.value()) == "\"duplicate_custom_id\"";
  }
  return false;
}

// The identity of the row a line of an output file is about; nothing if it is no such line.
std::optional<RowIdentity> identity_of(JsonTokens& tokens, std::string_view text) {
  if (!tokens.scan(text) || tokens.first(JsonTokens::root) != '{') return std::nullopt;
  std::uint64_t line = 0;
  std::uint32_t content_hash = 0;
  bool has_id = false, has_custom_id = false, duplicate = false;
  std::string custom_id;
  for (ObjectWalk walk(tokens, JsonTokens::root); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "error") {
      duplicate = is_duplicate(tokens, walk.value());
    } else if (tokens.first(walk.value()) != '"') {
      continue;
    } else if (name == "id" && !has_id) {
      has_id = parse_id(tokens.inner(walk.value()), line, content_hash);
    } else if (name == "custom_id" && !has_custom_id) {
      append_json_unescaped(custom_id, tokens.inner(walk.value()));
      has_custom_id = true;
    }
  }
  if (!has_id || !has_custom_id) return std::nullopt;
  return duplicate ? duplicate_identity(custom_id, line, content_hash)
                   : make_identity(custom_id, content_hash);
}

// PATH.corrupt: made anew by each scan that finds a bad line, so that scanning twice does not fill it twice.
class CorruptFile {
 public:
  explicit CorruptFile(const std::string& path) : path_(path + ".corrupt") {}
  ~CorruptFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  CorruptFile(const CorruptFile&) = delete;
  CorruptFile& operator=(const CorruptFile&) = delete;

  void add(std::string_view line) {
    if (fd_ < 0) fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd_ < 0) fail(path_, "create");
    put(line);
    put("\n");
  }

 private:
  void put(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail(path_, "write");
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  const std::string path_;
  int fd_ = -1;
};

class Scan {
 public:
  Scan(int fd, const std::string& path, DoneRows& done) : fd_(fd), path_(path), done_(done), corrupt_(path) {}

  RecoveredFile run() {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail(path_, "read");
    if (!S_ISREG(status.st_mode)) return {};
    const auto size = static_cast<std::uint64_t>(status.st_size);
    end_ = without_trailing_nuls(size);
    const std::uint64_t tail = scan_lines();
    repair(size, tail);
    return file_;
  }

 private:
  std::size_t read_at(char* into, std::size_t size, std::uint64_t offset) const {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(fd_, into + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(path_, "read");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  // Where the file ends if the NULs at its end, which a power cut can leave there, are not counted.
  std::uint64_t without_trailing_nuls(std::uint64_t size) {
    std::string piece(64u << 10, '\0');
    while (size > 0) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, piece.size()));
      read_at(piece.data(), count, size - count);
      const std::size_t last = std::string_view(piece.data(), count).find_last_not_of('\0');
      if (last != std::string_view::npos) return size - count + last + 1;
      size -= count;
    }
    return 0;
  }

  // Scans all lines that end in LF; the rest is left in buffer_. Gives back where it starts.
  std::uint64_t scan_lines() {
    std::uint64_t offset = 0;        // of what is read next
    std::size_t held = 0, from = 0;  // bytes in buffer_; of these [0, from) hold no LF
    while (offset < end_) {
      if (buffer_.size() - held < block) buffer_.resize(std::max(held + block, 2 * held));
      if (held > longest_line)
        throw OutputError(path_ + " is no results file: it has no lines", "give another --output");
      const auto room = std::min<std::uint64_t>(buffer_.size() - held, end_ - offset);
      const std::size_t got = read_at(buffer_.data() + held, static_cast<std::size_t>(room), offset);
      if (got == 0) break;
      offset += got;
      held += got;
      const std::size_t taken = take_lines(held, from);
      std::memmove(buffer_.data(), buffer_.data() + taken, held - taken);
      held -= taken;
      from = held;
    }
    buffer_.resize(held);
    return end_ - held;
  }

  // Takes the whole lines of buffer_[0, held) and gives back how many bytes they have.
  std::size_t take_lines(std::size_t held, std::size_t from) {
    std::size_t start = 0;
    for (;;) {
      const void* const hit = std::memchr(buffer_.data() + from, '\n', held - from);
      if (!hit) return start;
      const auto end = static_cast<std::size_t>(static_cast<const char*>(hit) - buffer_.data());
      take_line(std::string_view(buffer_).substr(start, end - start));
      start = from = end + 1;
    }
  }

  void take_line(std::string_view line) {
    if (const auto identity = identity_of(tokens_, line)) {
      done_.add(*identity);
      ++file_.lines;
    } else if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      corrupt_.add(line);
      ++file_.corrupt_lines;
    }
  }

  // Ends the file on a line boundary. `size`: of the file as it was found; `tail`: where its last line
  // without LF starts.
  void repair(std::uint64_t size, std::uint64_t tail) {
    const bool whole = !buffer_.empty() && tokens_.scan(buffer_) && tokens_.first(JsonTokens::root) == '{';
    file_.size = whole ? end_ : tail;
    file_.repaired_bytes = size - file_.size;
    if (file_.repaired_bytes > 0 && ::ftruncate(fd_, static_cast<off_t>(file_.size)) != 0)
      fail(path_, "repair");
    if (whole) {
      end_line();
      take_line(buffer_);
    }
    if ((whole || file_.repaired_bytes > 0) && ::fdatasync(fd_) != 0) fail(path_, "sync");
  }

  void end_line() {
    while (::pwrite(fd_, "\n", 1, static_cast<off_t>(file_.size)) != 1) {
      if (errno != EINTR) fail(path_, "repair");
    }
    ++file_.size;
  }

  const int fd_;
  const std::string& path_;
  DoneRows& done_;
  CorruptFile corrupt_;
  JsonTokens tokens_{line_depth};
  std::string buffer_;
  std::uint64_t end_ = 0;  // of what counts
  RecoveredFile file_;
};

}  // namespace

void DoneRows::add(const RowIdentity& identity) {
  rows_.push_back({static_cast<std::uint32_t>(identity.id_hash >> 32),
                   static_cast<std::uint32_t>(identity.id_hash), identity.content_hash});
}

void DoneRows::seal() {
  std::sort(rows_.begin(), rows_.end());
  rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
}

DoneRows::Match DoneRows::find(const RowIdentity& identity) const {
  const Entry wanted{static_cast<std::uint32_t>(identity.id_hash >> 32),
                     static_cast<std::uint32_t>(identity.id_hash), identity.content_hash};
  const auto same_id = [&](const Entry& entry) { return entry[0] == wanted[0] && entry[1] == wanted[1]; };
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), wanted);
  if (at != rows_.end() && *at == wanted) return Match::done;
  const bool changed = (at != rows_.end() && same_id(*at)) || (at != rows_.begin() && same_id(*(at - 1)));
  return changed ? Match::changed : Match::unknown;
}

std::size_t DoneRows::size() const {
  return rows_.size();
}

RecoveredFile recover(int fd, const std::string& path, DoneRows& done) {
  return Scan(fd, path, done).run();
}

}  // namespace batchrun
