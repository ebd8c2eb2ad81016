// --print-config: every effective setting and where it came from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/env.h"
#include "runner/settings.h"

namespace batchrun {

// What the settings were made from.
struct ConfigSources {
  std::string config_file, env_file;  // "" = there is none
  Environment process;                // without what the env file added
  std::vector<std::string> options;   // long names of those that were given
};

// A config file, JSON with comments, that makes the same pool again. After each value stands its origin: an
// option, a variable (and the file it is in), file:line:column, or "default". What a config file has no field
// for (options, OPENAI_ORG_ID) stands above it as comments. Keys stand there as env:NAME or file:PATH where
// they were given so, else as "(set)", which a config file refuses. Pure.
std::string render_config(const Settings& settings, const ConfigSources& sources);

}  // namespace batchrun
