// How a process that ran says how it went.
#pragma once

namespace batchrun {

// Exit codes, as the README lists them.
enum class ExitCode : int {
  ok = 0,
  internal_error = 1,
  usage = 2,
  rows_failed = 3,
  no_usable_key = 4,
  stopped = 5,
  output_failed = 6,
};

}  // namespace batchrun
