// What follows from a run's figures by arithmetic; progress, summary and report all say the same. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "runner/run_figures.h"

namespace batchrun {

struct RunRates {
  std::uint64_t done = 0;              // rows with a line: ok, failed and skipped
  std::optional<std::uint64_t> total;  // rows of the input; absent until something can be said
  bool total_is_exact = false;         // else estimated from the bytes read so far
  double rows_per_second = 0;          // of this run, skipped rows left out
  double tokens_per_minute = 0;        // input and output, as replies reported them
  std::optional<double> budget_share;  // of the scarcest granted minute quota, all groups together
  std::optional<Duration> left;        // estimated; absent while there is no rate or total
};
RunRates rates(const RunFigures& figures);

// How a group's quota was used over the whole run: units per minute against the limit for minute quotas,
// units of the current day for day quotas.
struct QuotaUse {
  double used = 0, granted = 0;
  double share() const { return granted > 0 ? used / granted : 0; }
};
// Absent for a dimension that is not limited, and for minute quotas of a run shorter than a second.
std::optional<QuotaUse> quota_use(const GroupFigures& group, Dimension dimension, Duration elapsed);

}  // namespace batchrun
