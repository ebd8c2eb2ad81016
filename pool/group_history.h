// What a quota group remembers from run to run, so that one that starts after another neither bursts into a
// minute that is partly used nor overruns a day. Values; times are the pool's own, those of earlier runs lie
// before its start.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "pool/ids.h"
#include "pool/outcome.h"
#include "pool/permit.h"
#include "pool/time.h"

namespace batchrun {

// What was charged for requests admitted in one second. Negative parts give back what an earlier figure for
// that second held too much.
struct SentSlot {
  TimePoint at{};  // the second's start
  Cost cost;
};

// Another group of the pool turned out to be the same one.
struct FoundSame {
  GroupId group;
  std::chrono::sys_seconds on;  // by the wall clock
};

struct GroupHistory {
  std::vector<SentSlot> sent;  // the last day's, any order
  std::array<std::optional<double>, dimensions>
      learned_limits{};                // units per window, found out by earlier runs
  std::optional<TimePoint> out_until;  // a spent day's end, as the provider tells it
  std::optional<FoundSame> same_as;
};

}  // namespace batchrun
