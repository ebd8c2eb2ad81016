// Tells a story: starts the program again and again, as somebody would who wants all rows answered, until it
// says that they are. What happened is judged by the output files and the providers' account alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/story/network.h"
#include "tests/story/plan.h"

namespace batchrun::story {

struct Verdict {
  std::vector<std::string> violations;  // of what must always hold; empty is good
  std::uint64_t trace = 0;              // a hash of all that happened

  // For who wants to know what happened.
  std::vector<Sent> account;
  std::string errors;  // the file
  std::size_t lives = 0, killed = 0, killed_in_recovery = 0, interrupted = 0, disk_failed = 0;
  std::size_t stopped = 0, retried = 0,
              fresh = 0;  // by a limit of its own; --retry-failed, --fresh to an end
  std::size_t rows = 0, rows_failed = 0, rows_spent = 0;  // spent: good rows that ran out of attempts
  std::size_t answered = 0, repeated = 0;                 // repeated: good answers beyond a row's first
  std::uint64_t admitted = 0, refused = 0;                // by limits
  std::size_t unknown = 0;  // requests that a process had no time to leave word of, for those after it
  std::size_t days_waited = 0;
  double seconds = 0, longest_life_s = 0;  // virtual
  double longest_silence_s = 0;            // without an open request, while a process had rows to send
};

Verdict tell(const Plan& plan);

}  // namespace batchrun::story
