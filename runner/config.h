// The config file: JSON with comments and trailing commas (Boost.JSON's), every mistake with its place.
#pragma once

#include <string>
#include <string_view>

#include "runner/env.h"
#include "runner/pool_config.h"

namespace batchrun {

// The pool a config text describes; `path` is for messages and for files named relative to it. Keys given as
// env:NAME are looked up in `environment`, those given as file:PATH are read (one key, surrounding blanks
// dropped, at most 64 KiB). Throws UsageError with path:line:column for syntax, unknown and doubled names,
// wrong types and bad values. No message holds any part of a key.
PoolConfig parse_config(std::string_view text, const std::string& path, const Environment& environment);

// parse_config() of a file of at most 16 MiB. Refuses a file with literal keys that anybody but its owner can
// read, as ssh does.
PoolConfig read_config(const std::string& path, const Environment& environment);

// A whole file, or UsageError: "cannot read PATH: why". `place` is where the file was named, "" for the
// command line.
std::string read_whole_file(const std::string& path, std::size_t max_bytes, const std::string& place);

}  // namespace batchrun
