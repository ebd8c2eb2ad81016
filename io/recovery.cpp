#include "io/recovery.h"

#include <algorithm>
#include <future>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

namespace batchrun {
namespace {

constexpr std::size_t block = 1u << 20;

// Where the file ends if the NULs at its end, which a power cut can leave there, are not counted.
std::uint64_t without_trailing_nuls(const OutputFile& file, std::uint64_t size) {
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(size, 64u << 10)), '\0');
  while (size > 0) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, piece.size()));
    file.read(piece.data(), count, size - count);
    const std::size_t last = std::string_view(piece.data(), count).find_last_not_of('\0');
    if (last != std::string_view::npos) return size - count + last + 1;
    size -= count;
  }
  return 0;
}

// What a part of the file holds; its tail is what follows its last LF.
struct Scanned {
  DoneRows rows;
  std::uint64_t bad_lines = 0;
  bool any_of_ours = false;
  std::string tail;
};

// Whether a piece of a file may be what is left of a line of batchrun's own: a line that was begun, or one
// that a power cut has left holes in.
bool may_be_ours(std::string_view text) {
  constexpr std::string_view start = R"({"id":"br-)";
  if (text.find('\0') != std::string_view::npos) return true;
  const std::size_t common = std::min(start.size(), text.size());
  return common > 0 && text.substr(0, common) == start.substr(0, common);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

Scanned scan(const OutputFile& file, std::uint64_t begin, std::uint64_t end) {
  Scanned found;
  LogLines lines(file, begin, end);
  for (LogLine line; lines.next(line);) {
    if (line.row) {
      found.rows.add(line.row->identity);
    } else {
      ++found.bad_lines;
      found.any_of_ours = found.any_of_ours || may_be_ours(line.text);
    }
  }
  found.tail = lines.rest();
  found.any_of_ours = found.any_of_ours || found.rows.size() > 0 || may_be_ours(found.tail);
  return found;
}

// Where the first line starts that starts at or after `from`; `end` if none does.
std::uint64_t next_line(const OutputFile& file, std::uint64_t from, std::uint64_t end) {
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(end, 64u << 10)), '\0');
  for (std::uint64_t at = from - 1; at < end;) {
    const std::size_t got = file.read(piece.data(), piece.size(), at);
    if (got == 0) break;
    const std::size_t hit = std::string_view(piece).substr(0, got).find('\n');
    if (hit != std::string_view::npos) return std::min(at + hit + 1, end);
    at += got;
  }
  return end;
}

// In the file's order. The last part alone has a tail: the others end with a line.
std::vector<std::future<Scanned>> scan_in_parts(const OutputFile& file, std::uint64_t end,
                                                const ScanParts& parts) {
  const std::uint64_t most = std::max(std::thread::hardware_concurrency(), 1u);
  const std::uint64_t count = std::clamp<std::uint64_t>(end / parts.octets, 1, most);
  const auto how = count > 1 ? parts.how : std::launch::deferred;
  std::vector<std::future<Scanned>> scans;
  std::uint64_t begin = 0;
  for (std::uint64_t i = 1; i == 1 || begin < end; ++i) {
    const std::uint64_t stop = i >= count ? end : std::max(begin, next_line(file, end / count * i, end));
    scans.push_back(std::async(how, [&file, begin, stop] { return scan(file, begin, stop); }));
    begin = stop;
  }
  return scans;
}

void copy(const OutputFile& from, std::uint64_t size, ReplacementFile& to) {
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(size, block)), '\0');
  for (std::uint64_t done = 0; done < size;) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), size - done));
    const std::size_t got = from.read(piece.data(), room, done);
    if (got == 0) throw OutputError(from.path() + " was cut short while it was copied", "");
    to.append(std::string_view(piece).substr(0, got));
    done += got;
  }
}

}  // namespace

RecoveredFile recover(OutputFile& file, DoneRows& done, const ScanParts& parts) {
  RecoveredFile found;
  if (!file.is_log()) return found;
  const std::uint64_t size = file.size();
  const std::uint64_t end = without_trailing_nuls(file, size);
  const auto take = [&](const std::optional<LoggedRow>& row) {
    ++(row ? found.lines : found.bad_lines);
    if (row) done.add(row->identity);
  };
  std::string tail;
  bool any_of_ours = false;
  for (std::future<Scanned>& scan : scan_in_parts(file, end, parts)) {
    Scanned scanned = scan.get();
    done.add(scanned.rows);
    found.lines += scanned.rows.size();
    found.bad_lines += scanned.bad_lines;
    any_of_ours = any_of_ours || scanned.any_of_ours;
    tail = std::move(scanned.tail);
  }
  if (!any_of_ours && (found.bad_lines > 0 || !is_blank(tail))) {
    throw OutputError(file.path() + " is no output of batchrun: nothing in it was written by it",
                      "give another file with -o or --errors, or write over it with --fresh");
  }
  LogLineParser parser;
  const bool whole = parser.is_object(tail);  // an object needs no LF to be known as whole
  found.size = whole ? end : end - tail.size();
  found.repaired_bytes = size - found.size;
  if (found.repaired_bytes > 0) file.truncate(found.size);
  if (whole) {
    file.append("\n");
    ++found.size;
    take(parser.parse(tail));
  }
  if (size > 0) file.sync(found.size);
  return found;
}

std::uint64_t set_lines_aside(OutputFile& file, const std::string& aside, const Unwanted& unwanted) {
  std::optional<ReplacementFile> kept;
  std::optional<OutputFile> moved;
  std::uint64_t count = 0;
  LogLines lines(file, 0, file.size());
  for (LogLine line; lines.next(line);) {
    if (!unwanted(line.row)) {
      if (kept) kept->append_line(line.text);
      continue;
    }
    if (count++ == 0) {
      kept.emplace(file.files(), file.path());
      copy(file, line.offset, *kept);
      moved = OutputFile::open(file.files(), aside);
    }
    moved->append(std::string(line.text) + "\n");
  }
  if (count == 0) return 0;
  moved->sync(0);
  file = kept->keep();
  return count;
}

}  // namespace batchrun
