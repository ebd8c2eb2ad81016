// A picture of a run at one moment: what the shard publishes and progress, summary and report read. A plain
// copy.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pool/histogram.h"
#include "pool/scheduler.h"
#include "runner/cost_figures.h"

namespace batchrun {

// Failed rows of one kind, with one sample, for the end summary.
struct ErrorGroup {
  std::uint64_t rows = 0;
  std::string sample_id;       // custom_id of the first
  std::string sample_message;  // inert
};

struct RunFigures {
  std::uint64_t rows_read = 0;     // lines that are not blank, so far
  std::uint64_t rows_skipped = 0;  // done in an earlier run
  std::uint64_t rows_ok = 0;
  std::uint64_t rows_failed = 0;                         // error lines, refused input lines included
  bool input_ended = false;                              // rows_read is final
  std::uint64_t input_bytes = 0, input_bytes_total = 0;  // for an estimate of the total; total 0 = not known

  std::uint64_t attempts = 0, rate_limited = 0;  // requests sent; of these answered 429
  std::uint64_t input_tokens = 0, output_tokens = 0;
  CostFigures cost;                                   // at the end whole, before only its totals
  bool cost_limit_reached = false;                    // --max-cost let no further row in
  std::uint64_t results_bytes = 0, errors_bytes = 0;  // of the whole files, known at the end
  Duration elapsed{};                                 // since the first byte of work
  Duration waiting_for{};      // > 0: nothing can be sent before this much time has passed; of an output that
                               //   takes no lines, nothing could for so long
  std::string waiting_reason;  // "8 of 8 keys rate-limited, first back openai-3"; inert
  PoolFigures pool;
  Histogram latency, first_chunk;            // of good answers, in nanoseconds
  std::map<std::string, ErrorGroup> errors;  // by code
};

enum class RunEnd : std::uint8_t {
  complete,     // every row has its line
  interrupted,  // by a signal
  stopped,      // by one of the run's own limits
  no_usable_key,
  output_failed,
  input_failed,  // it could not be read to its end
};

}  // namespace batchrun
