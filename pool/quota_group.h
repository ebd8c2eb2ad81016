// One quota group: everything a provider counts together, all dimensions at once, all or nothing. One thread.
//
// Each dimension of a minute is a MinuteLimit, each of a day a DayLimit. Dimensions without a limit cost
// nothing.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "pool/day_limit.h"
#include "pool/invariant.h"
#include "pool/minute_limit.h"
#include "pool/permit.h"
#include "pool/pool_spec.h"
#include "pool/ramp.h"

namespace batchrun {

// The part of a cost that counts in a dimension.
inline double amount(const Cost& cost, Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_minute:
    case Dimension::requests_per_day:
      return cost.requests;
    case Dimension::tokens_per_minute:
    case Dimension::tokens_per_day:
      return cost.tokens();
    case Dimension::input_tokens_per_minute:
      return cost.input_tokens;
    case Dimension::output_tokens_per_minute:
      return cost.output_tokens;
  }
  broken_invariant("a dimension without an amount");
}

// The largest amounts one request may have, dimension by dimension.
struct Room {
  double requests = std::numeric_limits<double>::infinity();
  double tokens = std::numeric_limits<double>::infinity();
  double input_tokens = std::numeric_limits<double>::infinity();
  double output_tokens = std::numeric_limits<double>::infinity();
  bool holds(const Cost& cost) const {
    return cost.tokens() <= tokens && cost.requests <= requests && cost.input_tokens <= input_tokens &&
           cost.output_tokens <= output_tokens;
  }
};

class QuotaGroup {
 public:
  // `settings` must outlive this. Throws std::invalid_argument for a limit that is not > 0.
  QuotaGroup(const GroupSpec& spec, const PoolSettings& settings);

  const std::string& name() const { return name_; }
  const Charging& charging() const { return charging_; }
  std::uint32_t in_flight() const { return in_flight_; }
  bool limited() const { return !minutes_.empty() || !days_.empty(); }  // in any dimension
  bool sliced() const { return slice_.has_value(); }  // a minute's limits are checked over slices too
  std::uint32_t max_concurrent() const { return max_concurrent_; }  // 0 = no limit
  bool full() const {
    return (max_concurrent_ != 0 && in_flight_ >= max_concurrent_) || in_flight_ >= trusted_at_once_;
  }

  // `other` turns out to be the same group: what it was sent counts here, its requests in flight are settled
  // here, and of two limits the lower one holds. It is left without limits.
  void absorb(QuotaGroup& other, TimePoint now);

  // Out for the rest of the run, and why.
  bool retired() const { return !retired_because_.empty(); }
  const std::string& retired_because() const { return retired_because_; }
  void retire(std::string because) { retired_because_ = std::move(because); }

  // The provider says that the day's quota is used up: closed until its day turns, or for as long as it
  // names, at most 25 hours. Where neither is known it is asked again every 15 minutes. Our own count did not
  // foresee it, so it says nothing of what is left then: one request asks, and with each that succeeds one
  // more may be open.
  void day_gone(std::optional<Duration> retry_after, TimePoint now);
  TimePoint day_gone_until() const { return day_gone_until_; }

  // The lane whose overdue row the group saves up for; other lanes do not use it meanwhile.
  std::optional<LaneId> held_by() const { return held_by_; }
  void hold(LaneId lane, const Cost& cost, TimePoint now);
  void release(TimePoint now);

  // A lower bound of ready_at() for every cost, cheap to ask again and again. Says nothing of concurrency.
  // Searches for limits go on when this is asked.
  TimePoint gate(TimePoint now);

  // What may be sent now. REQUIRES: gate(now) <= now. Says nothing of concurrency.
  Room room(TimePoint now);

  // What may be sent now without making `cost`, which fits at `when`, wait any longer. REQUIRES: as room().
  Room room_beside(const Cost& cost, TimePoint when, TimePoint now);

  // Earliest time at which `cost` fits if nothing else happens: `never` when only a settle could make room.
  TimePoint ready_at(const Cost& cost, TimePoint now);

  // The same, for a row that does wait: time in which a limit of a minute holds it back is lost, not idle,
  // and may be caught up.
  TimePoint wait_for(const Cost& cost, TimePoint now);

  // Goes up whenever something other than time changes what may be sent.
  std::uint64_t version() const { return version_; }

  // More than a whole window or day holds: it will never fit.
  bool exceeds(const Cost& cost) const { return !most_.holds(cost); }
  const Room& most() const { return most_; }

  // Takes no more than `other` of anything that is limited, and so is ready no later.
  bool no_dearer(const Cost& cost, const Cost& other) const {
    return (!counts_tokens_ || cost.tokens() <= other.tokens()) &&
           (!counts_input_ || cost.input_tokens <= other.input_tokens) &&
           (!counts_output_ || cost.output_tokens <= other.output_tokens);
  }

  // Nothing is left of the day's quota until then; nothing when something is.
  std::optional<TimePoint> day_spent_until(TimePoint now);

  // The limit of a day that was used up last, if one ever was, and until when: after `now` if `cost` does not
  // fit into it yet. REQUIRES: not exceeds(cost).
  struct Spent {
    std::optional<Dimension> dimension;  // none: the provider said so
    TimePoint until;
  };
  std::optional<Spent> last_spent_day(const Cost& cost, TimePoint now);

  // Admits. REQUIRES: room(now).holds(cost) and not full().
  void take(const Cost& cost, TimePoint now);

  // Ends what take() began: what differs between `reserved` and `actual` is corrected in the slot of
  // admission. `refused`: it was answered 429. Returns whether something that had no room may have it now.
  bool settle(const Cost& reserved, const Cost& actual, TimePoint admitted_at, TimePoint now,
              bool refused = false);

  // What our windows hold now, for a permit to remember.
  WindowSums window(TimePoint now);

  // Takes in what a reply says of limits, to a request that was sent at `sent_at` when our windows held
  // `window`. Lower limits are believed at once, higher ones slowly and only where none is configured; use by
  // others is counted; what older requests were told is ignored; a dimension that tells nonsense three times
  // is not listened to any more.
  void observe(const ServerLimits& limits, const WindowSums& window, TimePoint sent_at, TimePoint now);

  // A reply said "too many": closed until what the server asked for, at most 15 minutes (later it is asked
  // again), else for a pause that doubles with each closing until a success; `share` in [0, 1) jitters that.
  // Replies to requests sent before the last closing are one event with it: they extend it by what the server
  // asks, and double nothing. `dimension`: the limit the reply names. `own`: it is about a limit of this
  // group, which is then kept further away from.
  void rate_limited(std::optional<Duration> retry_after, std::optional<Dimension> dimension,
                    TimePoint admitted_at, TimePoint now, double share, bool own = true);
  void succeeded(TimePoint admitted_at);
  TimePoint closed_until() const { return closed_until_; }
  bool closed_by_limit() const { return closed_by_limit_; }  // by a 429 about a limit of this group

  // The largest share of any limit that is in use, 0 when nothing is limited.
  double load(TimePoint now) { return limited() || max_concurrent_ != 0 ? fullest_share(now) : 0; }

  // What figures show, by dimension.
  std::array<std::optional<double>, dimensions> limits() const;   // in force
  std::array<std::optional<double>, dimensions> granted() const;  // as they were said to be
  const std::vector<MinuteLimit>& minute_limits() const { return minutes_; }
  std::array<double, dimensions> used(TimePoint now) const;
  const std::array<double, dimensions>& total() const { return total_; }

  // What a later run should know and was not told yet: what was sent, by second, and the limits learned.
  GroupHistory take_history();

 private:
  struct Climb {
    Dimension dimension;
    Ramp ramp;
  };

  static constexpr std::uint32_t any_number = std::numeric_limits<std::uint32_t>::max();

  TimePoint ready_apart_from_minutes(const Cost& cost, TimePoint now);
  void add_climb(Dimension dimension, double limit);
  TimePoint climbed_at(TimePoint now) const;
  void note_sent(const Cost& cost, TimePoint at);
  void note_limits();
  void observe(Dimension dimension, const LimitReading& reading, double in_window, TimePoint now);
  DayLimit& add_day_limit(Dimension dimension, double limit);
  void restore(GroupHistory history, bool search);
  MinuteLimit::Server server() const { return {settings_->jitter, slice_}; }
  MinuteLimit& add_minute_limit(Dimension dimension, double limit);
  MinuteLimit* fullest(TimePoint now);
  double fullest_share(TimePoint now);

  std::string name_;
  Charging charging_;
  const PoolSettings* settings_;
  std::optional<Duration> slice_;
  Duration ramp_;
  TimePoint sent_before_;  // by earlier runs, last
  DayRule day_;
  std::uint32_t max_concurrent_;
  std::uint32_t in_flight_ = 0;
  std::vector<MinuteLimit> minutes_;
  std::vector<Climb> climbs_;
  std::vector<DayLimit> days_;
  Room most_;  // of a whole window and day
  bool counts_tokens_ = false, counts_input_ = false, counts_output_ = false;
  std::array<double, dimensions> total_{};

  GroupHistory history_;                          // not taken yet
  std::array<double, dimensions> told_limits_{};  // by take_history, last; 0 = none
  std::array<bool, dimensions> configured_{};
  std::array<std::uint8_t, dimensions> nonsense_{};  // readings in a row that make no sense
  TimePoint observed_at_{};                          // when the newest request that told limits was sent

  std::uint64_t version_ = 1;
  TimePoint gate_{TimePoint::min()};
  std::uint64_t gate_version_ = 0;  // of what gate_ was worked out from

  TimePoint closed_until_{TimePoint::min()};
  TimePoint closed_at_{TimePoint::min()};
  bool closed_by_limit_ = false;
  TimePoint day_gone_until_{TimePoint::min()};
  TimePoint day_gone_at_{TimePoint::min()};  // when the provider said so last
  std::uint32_t trusted_at_once_ = any_number;
  std::uint32_t pauses_ = 0;  // in a row
  std::string retired_because_;
  std::optional<LaneId> held_by_;
};

}  // namespace batchrun
