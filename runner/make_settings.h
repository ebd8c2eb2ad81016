// From what was asked for to what a run needs: options, environment and config file, in that order of
// precedence.
#pragma once

#include <cstdint>
#include <string>

#include "runner/env.h"
#include "runner/settings.h"

namespace batchrun {

struct Options;

// What somebody without any key has to do.
inline constexpr const char* no_key_hint =
    "in the environment or .env:  OPENAI_API_KEY=sk-... (also GROQ_API_KEY, CEREBRAS_API_KEY, OLLAMA_HOST)\n"
    "or in batchrun.json:  {\"providers\": {\"openai\": {\"keys\": [\"env:OPENAI_API_KEY\"]}}}";

// What make_settings may know of the machine; a value so that tests can choose it.
struct Machine {
  std::uint64_t open_files = 1024;  // RLIMIT_NOFILE, the hard limit: what the run may raise its own to
  static Machine here();
};

// Puts the run together: environment file, config file (the given one, else ./batchrun.json, else
// $XDG_CONFIG_HOME/batchrun/config.json), keys of both, paths of the files, limits of the pool. Reads files,
// writes none. `environment` is the process's; the environment file fills in what it lacks. Throws UsageError
// for every mistake of the operator: nothing has been sent then. Verb::run without one usable key is a
// UsageError; the other verbs need none.
Settings make_settings(const Options& options, const Environment& environment,
                       const Machine& machine = Machine::here());

// What --print-config prints: the same settings as text, each with its origin. Throws as make_settings does,
// but asks for no key.
std::string effective_config(const Options& options, const Environment& environment,
                             const Machine& machine = Machine::here());

}  // namespace batchrun
