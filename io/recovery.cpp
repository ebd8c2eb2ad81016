#include "io/recovery.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace batchrun {
namespace {

constexpr std::size_t block = 1u << 20;

// Where the file ends if the NULs at its end, which a power cut can leave there, are not counted.
std::uint64_t without_trailing_nuls(const OutputFile& file, std::uint64_t size) {
  std::string piece(64u << 10, '\0');
  while (size > 0) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, piece.size()));
    file.read(piece.data(), count, size - count);
    const std::size_t last = std::string_view(piece.data(), count).find_last_not_of('\0');
    if (last != std::string_view::npos) return size - count + last + 1;
    size -= count;
  }
  return 0;
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

RecoveredFile recover(OutputFile& file, DoneRows& done) {
  RecoveredFile found;
  if (!file.is_log()) return found;
  const std::uint64_t size = file.size();
  const std::uint64_t end = without_trailing_nuls(file, size);
  LogLines lines(file, end);
  const auto take = [&](const std::optional<LoggedRow>& row) {
    ++(row ? found.lines : found.bad_lines);
    if (row) done.add(row->identity);
  };
  for (LogLine line; lines.next(line);) take(line.row);

  const bool whole = lines.is_object(lines.rest());  // an object needs no LF to be known as whole
  found.size = whole ? end : lines.rest_offset();
  found.repaired_bytes = size - found.size;
  if (found.repaired_bytes > 0) file.truncate(found.size);
  if (whole) {
    file.append("\n");
    ++found.size;
    take(lines.parse(lines.rest()));
  }
  if (size > 0) file.sync(found.size);
  return found;
}

std::uint64_t set_lines_aside(OutputFile& file, const std::string& aside, const Unwanted& unwanted) {
  std::optional<ReplacementFile> kept;
  std::optional<OutputFile> moved;
  std::uint64_t count = 0;
  LogLines lines(file, file.size());
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
