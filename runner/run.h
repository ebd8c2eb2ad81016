// A run from validated settings to its exit code: files, threads, signals, progress, report.
#pragma once

#include "runner/env.h"
#include "runner/settings.h"

namespace batchrun {

// Exit codes, as the README lists them.
enum class ExitCode : int {
  ok = 0,
  internal_error = 1,
  usage = 2,
  rows_failed = 3,
  no_usable_key = 4,
  stopped = 5,
  output_failed = 6,
};

// Runs the batch on this thread and four more. Returns the exit code; 128 + the signal's number when
// interrupted. Throws UsageError, InputError or OutputError before anything is sent.
int run_batch(Settings settings, const Environment& environment);

}  // namespace batchrun
