// A run from validated settings to its exit code: files, threads, signals, progress, report.
#pragma once

#include "runner/env.h"
#include "runner/settings.h"

namespace batchrun {

// Runs the batch on this thread and four more. Returns the exit code; 128 + the signal's number when
// interrupted. Throws UsageError, InputError or OutputError before anything is sent.
int run_batch(Settings settings, const Environment& environment);

}  // namespace batchrun
