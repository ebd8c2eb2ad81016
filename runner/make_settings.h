// From what was asked for to what a run needs: options, environment and config file, in that order of
// precedence.
#pragma once

#include <cstdint>
#include <string>

#include "runner/env.h"
#include "runner/settings.h"

namespace batchrun {

struct Options;

// What make_settings may know of the machine; a value so that tests can choose it.
struct Machine {
  std::uint64_t open_files = 1024;  // RLIMIT_NOFILE, the hard limit: what the run may raise its own to
  static Machine here();
};

// Puts the run together: environment file, config file (the given one, else ./batchrun.json, else
// $XDG_CONFIG_HOME/batchrun/config.json), keys of both, paths of the files, limits of the pool. Reads files,
// writes none. `environment` is the process's; the environment file fills in what it lacks. Throws UsageError
// for every mistake of the operator: nothing has been sent then. Verb::plan needs no keys; Verb::run without
// one usable key is a UsageError.
Settings make_settings(const Options& options, const Environment& environment,
                       const Machine& machine = Machine::here());

}  // namespace batchrun
