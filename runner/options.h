// argv as values: what was asked for, before any default, file or environment. Read by main and make_settings
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runner/settings.h"

namespace batchrun {

// What the command line says; an absent value was not given.
struct Options {
  Verb verb = Verb::run;
  std::string input;  // exists, or "-"; "" for the keys verbs, and where --print-config has none

  std::optional<std::string> output, errors, report, config, env_file;
  std::optional<std::string> provider, model, strategy;
  std::optional<StreamMode> stream;
  std::optional<std::uint32_t> max_in_flight, max_attempts;
  std::optional<Duration> row_deadline, deadline, drain_timeout;
  std::optional<std::uint64_t> max_rows;
  std::optional<Picodollars> max_cost;
  std::optional<double> max_error_rate;  // a share: 5% is 0.05
  bool fresh = false, retry_failed = false, ordered = false;
  std::optional<ChangedRows> changed;
  std::optional<SyncPolicy> sync;
  std::optional<Duration> sync_interval;
  std::optional<std::size_t> max_line;
  std::optional<ProgressMode> progress;
  std::optional<ColorMode> color;
  bool quiet = false;
  bool print_config = false;

  std::vector<std::string> given;  // long names of the options that were used
  std::vector<std::string> argv;   // as typed, program name first
};

// Print `text` and leave with `code`: help, version, and verbs this version does not have.
struct Exit {
  int code = 0;
  std::string text;
  bool to_stderr = false;
};

// Reads the command line by the one option table. Looks at the file system only to see whether the input is
// there. Throws UsageError for anything that cannot be meant: an unknown option, a bad value, no such input.
std::variant<Options, Exit> parse_options(int argc, const char* const* argv);

}  // namespace batchrun
