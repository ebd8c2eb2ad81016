// What makes a run resumable: the scan that finds which rows the output files already hold and repairs a torn
// end, and the moving out of lines that must not stay.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <string>

#include "io/done_rows.h"
#include "io/log_lines.h"
#include "io/output_file.h"

namespace batchrun {

struct RecoveredFile {
  std::uint64_t size = 0;            // of the usable part: append from here
  std::uint64_t lines = 0;           // good lines
  std::uint64_t bad_lines = 0;       // in the middle; still there, their rows not in `done`
  std::uint64_t repaired_bytes = 0;  // cut from a torn end
};

// A large file is scanned in parts of at least that many octets, as many as there are processors.
struct ScanParts {
  std::uint64_t octets = 32u << 20;
  std::launch how = std::launch::async;  // each on a thread of its own
};

// Scans one output file, adds its rows to `done`, and repairs its end in place: a last piece without LF gets
// its LF if it is a whole object, anything else is cut off, as are trailing NULs. What is counted as done is
// then synced: the run that wrote it may have been killed before it was. Nothing to do for what is no log.
// A file with nothing in it that batchrun may have written is somebody else's and is left as it is. Throws
// OutputError for that, and when the file cannot be read, repaired or synced.
RecoveredFile recover(OutputFile& file, DoneRows& done, const ScanParts& parts = {});

// Moves each line that `unwanted` says yes to (asked of all, in order) to the end of the file `aside`. The
// file itself is then replaced by one without them; if there are none, nothing is written at all. Should the
// power fail in between, a line may be in both files, never in none. Gives back how many. REQUIRES: `file`
// has been recovered. Throws OutputError.
using Unwanted = std::function<bool(const std::optional<LoggedRow>& row)>;
std::uint64_t set_lines_aside(OutputFile& file, const std::string& aside, const Unwanted& unwanted);

}  // namespace batchrun
