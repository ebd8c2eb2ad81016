// Where a run's files are: as given, else beside the input, or beside the results that were given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/settings.h"

namespace batchrun {

// What the command line says of files; an absent one was not given.
struct GivenPaths {
  std::string input;  // "-" = stdin
  std::optional<std::string> output, errors, report;
};

// "dir/x.jsonl.gz" -> "dir/x": without .gz or .zst and then one more extension.
std::string path_stem(const std::string& path);

// Fills in input, output, errors and report. Defaults: the output is STEM.results.jsonl beside the input; the
// errors file and the report lie beside the results and share their stem. For stdin, and what is no more of a
// file than that (a device, a process substitution), the output is stdout and STEM is "stdin"; no report when
// the output is stdout. Throws UsageError when two of the files are the same by path (links in directories
// followed).
void set_paths(const GivenPaths& given, Settings& settings);

// The command that goes on with the run: the arguments quoted for a shell, without --fresh, which would start
// over.
std::string resume_command(const std::vector<std::string>& argv);

}  // namespace batchrun
