// What travels between a run's threads: rows from the feeder to the shard, lines from the shard to the
// writer, and between the shard and the state file what was charged, and users' budgets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/handoff.h"
#include "io/row.h"
#include "pool/group_history.h"
#include "pool/spend.h"
#include "runner/routing.h"

namespace batchrun {

// A row on its way to the scheduler, with what it is expected to cost.
struct Arrival {
  RowPtr row;
  LaneId lane;
  double input_tokens = 0;
  double max_output_tokens = 0;
};

// A stretch of the input.
struct Intake {
  NewLanes lanes;  // to be added before the rows
  std::vector<Arrival> rows;
  std::vector<RowError> refused;                         // lines that will never be sent
  std::uint64_t rows_read = 0;                           // lines of this stretch that are not blank
  std::uint64_t rows_skipped = 0;                        //   of these done in an earlier run
  std::uint64_t input_bytes = 0, input_bytes_total = 0;  // where the reader is; total 0 = not known
};

// Finished lines, whole, each ending in LF.
struct Lines {
  std::string results, errors;
  std::size_t sent = 0;  // lines of rows that requests were made for
  std::size_t size() const { return results.size() + errors.size(); }
};

using IntakeQueue = Handoff<Intake>;
using LinesQueue = Handoff<Lines>;

// Between the shard and the writer: lines, and word of them once they are in the files, not yet synced: how
// many were of rows that requests were made for. No word comes of lines that could not be written.
struct LinesLink {
  explicit LinesLink(std::size_t bytes_ahead) : lines(bytes_ahead), written(1) {}
  LinesQueue lines;
  Handoff<std::size_t> written;
};

// For the state file, since the last one.
struct StateNews {
  std::vector<GroupHistory> groups;  // by group; each of these weighs 1; empty: only claims
  std::vector<SpendClaim> claims;    // weigh nothing: rows wait for them
};

// The shard's two lines to whoever keeps the state file. Closed when no state is kept (any more).
struct StateLink {
  explicit StateLink(std::size_t news_ahead) : news(news_ahead), grants(1) {}
  Handoff<StateNews> news;
  Handoff<std::vector<SpendGrant>> grants;
};

}  // namespace batchrun
