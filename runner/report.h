// The run's report as JSON: docs/report.schema.json says what is in it.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "runner/run_figures.h"
#include "runner/settings.h"

namespace batchrun {

inline constexpr int report_schema_version = 1;

// How a run ended, as the report and the summary name it: "complete", "interrupted", ...
std::string_view end_name(RunEnd end);

// The whole report, indented, ending in LF. Key material is in no part of it.
std::string render_report(const Settings& settings, const RunFigures& figures, RunEnd end,
                          std::time_t started, std::time_t finished);

// Writes `text` as `path` so that a reader sees the old file or the whole new one: a temporary file beside
// it, fsync, rename, fsync of the directory. Mode 0600. A pipe or a device is written to. Throws OutputError;
// the temporary file is gone then.
void write_whole_file(const std::string& path, const std::string& text);

}  // namespace batchrun
