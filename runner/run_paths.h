// Where a run's files are: as given, else beside the input.
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

// "dir/x.jsonl.gz" -> "dir/x": without .gz or .zst and then one more extension. Names under /dev and /proc
// lose their directory.
std::string path_stem(const std::string& path);

// Fills in input, output, errors and report. Defaults: STEM.results.jsonl and so on beside the input; for
// stdin the output is stdout and STEM is "stdin", or the output file's stem when one is given; no report when
// the output is stdout. Throws UsageError when two of the files are the same by path (links in directories
// followed).
void set_paths(const GivenPaths& given, Settings& settings);

// The command that goes on with the run: the arguments quoted for a shell, without --fresh, which would start
// over.
std::string resume_command(const std::vector<std::string>& argv);

}  // namespace batchrun
