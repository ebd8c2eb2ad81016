// Models of how providers enforce limits, as plain as can be: every admitted request is kept in a list. They
// share nothing with what the pool does to stay below them.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>

namespace batchrun::sim {

enum class LimiterKind : std::uint8_t {
  fixed_window,     // minutes of the provider's own clock
  from_first,       // a minute starts with the first request after the last one ended
  sliding_log,      // any 60 s
  sliding_counter,  // this minute's count and the fading share of the last one's
  token_bucket,     // refilled evenly, holds a minute's worth
  second_bucket,    // refilled evenly, holds a second's worth, at least the largest request
  ten_seconds,      // a sixth of the limit in any slice of 10 s, and all of it in any 60 s
  one_second,       // a sixtieth of the limit in each second of the provider's clock
};
std::string_view name(LimiterKind kind);

// One dimension of one organisation. Times are seconds, and never go back.
class ServerLimiter {
 public:
  // `phase_s` in [0, 60): where the provider's minutes start. `largest`: a single request has at most this
  // many units; what a bucket or slice of a second holds at least.
  ServerLimiter(LimiterKind kind, double per_minute, double phase_s, double largest = 1);

  // Seconds until `units` would be admitted if nothing else came: 0 = now.
  double wait_s(double units, double now_s);

  // REQUIRES: wait_s(units, now_s) == 0, unless it is something that was admitted before and counts only now.
  void admit(double units, double now_s);

  // From now on.
  void set_limit(double per_minute, double now_s);

  // Units that would be admitted now.
  double remaining(double now_s);
  double limit() const { return limit_; }
  // Seconds until all of the limit is there again if nothing more comes.
  double reset_s(double now_s);

  double admitted() const { return admitted_; }  // in all

 private:
  struct Entry {
    double at_s, units;
  };
  double in_window(double since_s) const;
  double slice_start(double length_s, double now_s) const;
  double window_start(double now_s) const;
  double slice_wait_s(double length_s, double units, double now_s) const;
  double log_wait_s(double length_s, double most, double units, double now_s) const;
  double counter(double now_s) const;
  void fill(double now_s);

  LimiterKind kind_;
  double limit_;
  double phase_s_;
  double largest_;
  std::deque<Entry> log_;
  double window_began_s_ = -1e9;  // from_first
  double level_;
  double level_at_s_ = 0;
  double admitted_ = 0;
};

}  // namespace batchrun::sim
