// The environment as a value, and .env files.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace batchrun {

using Environment = std::map<std::string, std::string>;

// The process's own environment; the one place that reads it.
Environment process_environment();

// The text of a .env file: NAME=value lines, `export` before a name, # comments, 'literal' and "quoted \n"
// values that may go over several lines. Nothing is expanded: a `$` stands for itself. Of a name given twice
// the last counts. `path` is for messages. Throws UsageError with path:line:column; a message never quotes a
// value.
Environment parse_env_file(std::string_view text, const std::string& path);

// The value of `name`, or "" when it is not set.
const std::string& env_value(const Environment& environment, const std::string& name);

}  // namespace batchrun
