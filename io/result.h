// What is written for a row: one line of JSON each, in OpenAI's Batch output shape plus a "batchrun" object.
// Pure; lines always end in LF and hold no other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/answer.h"
#include "io/row.h"
#include "pool/outcome.h"

namespace batchrun {

// One attempt as an error line lists it.
struct AttemptNote {
  std::string provider, key, model;  // key: the alias
  int status = 0;
  std::string fault;  // name(FaultKind)
  std::string message;
  std::uint64_t at_ms = 0;  // since the start of the run
};

// What the run knows about how a row went.
struct RowFigures {
  std::uint32_t attempts = 0;
  std::string_view provider, key, model;  // of the last attempt; empty if there was none
  std::uint64_t queue_ms = 0, first_chunk_ms = 0, latency_ms = 0;
  std::optional<std::int64_t> cost = std::nullopt;  // in 1e-12 USD; nothing: not known
};

struct RowFailure {
  std::string code;  // stable: "bad_request", "all_keys_failed", ...
  std::string message;
  std::vector<AttemptNote> attempts;
  int status = 0;  // of the last reply; 0 = none
  std::string request_id;
  std::string
      body;  // of the last reply; given back as JSON if it is JSON, else as a string, capped at 64 KiB
};

void append_result_line(std::string& out, const Row& row, const Answer& answer, int status,
                        std::string_view request_id, const RowFigures& figures);
void append_error_line(std::string& out, const Row& row, const RowFailure& failure,
                       const RowFigures& figures);
void append_refusal_line(std::string& out, const RowError& refusal);  // a line that was never sent

}  // namespace batchrun
