// Where a row has failed so far, to tell a row that brings down whatever answers it from a key that is
// unwell. Values; no thread rule.
//
// A row is the culprit when a fault that somebody who looked at it may answer follows it from one key to
// another, while both answer other rows well: the first has since the row had failed there, the second's
// circuit is closed. An outage makes no culprits, as nothing is answered well in it.
#pragma once

#include <array>
#include <cstdint>

#include "pool/ids.h"

namespace batchrun {

struct FailureTrail {
  struct Stop {
    KeyId key;
    std::uint32_t streak = 0;  // Breaker::streak() then; it goes on when the key answers another row well
  };
  std::array<Stop, 2> stops{};  // different keys, the later one last
  std::uint8_t count = 0;       // of stops
  bool culprit = false;         // for good: from then on the row's failures are its own

  // The row failed on that key.
  void note(KeyId key, std::uint32_t streak);
};

}  // namespace batchrun
