// The one table of options: parsing, "did you mean" and --help all read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace batchrun {

struct Options;

enum class OptionGroup : std::uint8_t { files, pool, limits, resume, talk, other };

// Bits: the verbs an option belongs to.
inline constexpr std::uint8_t for_run = 1, for_plan = 2, for_keys = 4, for_all = 7;

struct OptionRow {
  char short_name;             // 0 = none
  std::string_view long_name;  // without dashes
  std::string_view argument;   // "" = a flag, else how help names the value: "FILE", "auto|always|never"
  std::string_view help;
  std::string_view expects;  // what a value must be, for the error: "a duration such as 30s, 5m or 24h"
  OptionGroup group;
  std::uint8_t verbs;
  bool (*set)(Options& options, std::string_view value);  // false: not a value it can take. Flags get ""
};

// --help and --version are in the table with a `set` of nullptr: the parser answers them itself.
std::span<const OptionRow> option_table();

// The whole help: examples first, then the options of `verbs` by group. At most 80 columns.
std::string render_help(std::uint8_t verbs);

// What is said when nothing was asked.
std::string render_short_help();

}  // namespace batchrun
