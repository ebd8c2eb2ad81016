// The output files of a run, opened, locked and recovered, before anything is sent.
#pragma once

#include <string>
#include <vector>

#include "io/recovery.h"
#include "io/result_writer.h"
#include "runner/settings.h"

namespace batchrun {

struct Outputs {
  ResultWriter results, errors;
  DoneRows done;                   // rows with a line in one of the two
  std::uint64_t answered = 0;      // lines of earlier runs in the results file
  std::uint64_t failed = 0;        //   and in the errors file
  std::vector<std::string> notes;  // what was found and repaired, for people
};

// Opens both files: --fresh empties them, --retry-failed sets the errors file aside as PATH.old, else what
// they hold is recovered. Throws UsageError (an output is the input), OutputError.
Outputs open_outputs(const Settings& settings);

// Compares the rows answered earlier with the input, before anything is sent: rows that changed, or results
// that belong to another input, throw a UsageError unless the settings decide. Reads the input once; does
// nothing for a pipe.
void check_resume(const Settings& settings, const DoneRows& done);

}  // namespace batchrun
