// The `plan` verb: reads and validates every row, counts what a run would send and the most it can cost.
// Sends nothing, writes no file.
#pragma once

#include "runner/settings.h"

namespace batchrun {

// Prints the plan to stdout and the refused lines to stderr. Returns 0, or 3 when a line is refused. Throws
// InputError.
int print_plan(const Settings& settings);

}  // namespace batchrun
