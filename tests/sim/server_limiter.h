// Models of how providers enforce limits, as plain as can be: every admitted request is kept in a list. They
// share nothing with what the pool does to stay below them.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace batchrun::sim {

enum class LimiterKind : std::uint8_t { fixed_window, sliding_log, token_bucket };
std::string_view name(LimiterKind kind);

// One dimension of one organisation. Times are seconds, and never go back.
class ServerLimiter {
 public:
  // `phase_s` in [0, 60): where the fixed window starts.
  ServerLimiter(LimiterKind kind, double per_minute, double phase_s);

  // Seconds until `units` would be admitted if nothing else came: 0 = now.
  double wait_s(double units, double now_s);

  // REQUIRES: wait_s(units, now_s) == 0.
  void admit(double units, double now_s);

  double admitted() const { return admitted_; }  // in all

 private:
  struct Entry {
    double at_s, units;
  };
  double in_window(double since_s) const;

  LimiterKind kind_;
  double limit_;
  double phase_s_;
  std::deque<Entry> log_;
  double level_;
  double level_at_s_ = 0;
  double admitted_ = 0;
};

}  // namespace batchrun::sim
