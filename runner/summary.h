// What is said at the end of a run.
#pragma once

#include <string>

#include "runner/run_figures.h"
#include "runner/settings.h"

namespace batchrun {

// How the run can be gone on with: true for every end but a complete one, unless the input was stdin.
bool resumable(const Settings& settings, RunEnd end);

// "openai-1 and openai-3 share one quota: their replies name the same organisation".
std::string describe(const GroupMerge& merge);

// Rows, rate, tokens; a table of keys; groups that were merged; quota used against granted and against
// the best possible, what was lost by cause, and the limit that held the run back; latencies; files written;
// errors by kind with one sample each; the resume command if there is one. Lines end in LF and fit 100
// columns unless a name or path does not.
std::string render_summary(const Settings& settings, const RunFigures& figures, RunEnd end, bool color);

}  // namespace batchrun
