// The output files of a run: opened, locked and recovered before anything is sent, put in order after it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/done_rows.h"
#include "io/output_file.h"
#include "io/row_reader.h"
#include "runner/settings.h"

namespace batchrun {

struct Outputs {
  OutputFile results, errors;
  DoneRows done;                   // rows with a line in one of the two, but for those to be tried again
  DoneRows to_retry;               // --retry-failed: the errors file's
  std::uint64_t answered = 0;      // lines of earlier runs in the results file
  std::uint64_t failed = 0;        //   and in the errors file
  std::vector<std::string> notes;  // what was found and repaired, for people
};

// Opens both files: --fresh empties them, else what they hold is recovered. Lines that cannot be read, and
// second lines of a row, are moved to PATH.corrupt.
// Throws UsageError (an output is the input), OutputError.
Outputs open_outputs(const Settings& settings, Files& files);

// Compares the rows answered earlier with the input, before anything is sent. Rows that changed throw a
// UsageError, or are moved out of the outputs to PATH.old with --changed=rerun; results of another input
// throw one, too, unless --changed decides. Then --retry-failed sets the errors file aside as PATH.old. The
// input is read once: by `reader` as far as all is done, by its name behind that. Gives back how many rows
// `reader` has passed over. Does nothing for an input that cannot be read twice.
std::uint64_t check_resume(const Settings& settings, Outputs& outputs, RowReader& reader);

// The last of a complete run: an errors file without a line is deleted, and --ordered puts the results in the
// input's order. `resumed`: some of the lines are of an earlier run. Throws OutputError.
void put_away(const Settings& settings, OutputFile results, OutputFile errors, bool resumed);

// Whether the input is a file, so that reading it leaves it as it was.
bool can_be_read_twice(const std::string& input);

}  // namespace batchrun
