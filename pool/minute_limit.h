// One limit of units a minute: what may be sent when, so that no server has to refuse, however it counts.
// One thread.
//
// Servers count in fixed minutes, sliding ones, or with buckets that refill evenly; what suits all of them is
// the intersection of two views of our own sends:
//  - the mirror: exact sums over the server's window and the spread of delays, so that no window of the
//    server, wherever it starts, holds more than the limit; a second one over shorter slices where the server
//    counts those as well;
//  - the flow: an even rate. Time in which nothing fitted is caught up, within what the server tolerates:
//    a second's worth at first, more as long as no request is refused, less again once one is.
// Measured in tests/sim/limiters_test.cpp against each kind of server.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "pool/limit_search.h"
#include "pool/outcome.h"
#include "pool/time.h"
#include "pool/token_bucket.h"
#include "pool/window_mirror.h"

namespace batchrun {

class MinuteLimit {
 public:
  struct Server {
    Duration jitter;                // spread of the time from send to admission
    std::optional<Duration> slice;  // also checks its share of the limit over slices of this length
  };

  // REQUIRES: units > 0.
  MinuteLimit(Dimension dimension, double units, const Server& server);

  // One that is searched for.
  MinuteLimit(Dimension dimension, const LimitSearch& search, const Server& server);

  Dimension dimension() const { return dimension_; }
  double limit() const { return limit_; }  // as the server enforces it

  // As it was said to be, before a search began below that.
  double granted() const { return search_ && told_ > 0 ? told_ : limit_; }

  // How what may be sent comes to be less than the limit, for figures.
  struct Margins {
    double evenly;   // units a second that may be sent in the long run
    double doubt;    // units in the window kept free for reservations that may fall short
    double foreign;  // units others have sent, in all
  };
  Margins margins() const;

  // The most units that one request may ever have, as far as we were told.
  double most() const {
    if (!search_) return limit_;
    return told_ > 0 ? told_ : std::numeric_limits<double>::infinity();
  }

  // Time has come to `now`: a search goes on, and what has left the windows is let go of.
  void pass(TimePoint now);

  // A lower bound of ready_at() for all units, cheap to ask again and again.
  TimePoint gate(TimePoint now) const;

  // The most units that one request may have now. REQUIRES: gate(now) <= now.
  double room(TimePoint now) const;

  // Earliest time at which `units` fit if nothing else happens. Where the limit is searched for, a second
  // from now at the latest: by then it may have risen.
  TimePoint ready_at(double units, TimePoint now) const;

  // The same, for a request that does wait: the time until then is lost, and not idle.
  TimePoint wait_for(double units, TimePoint now);

  // The most units that may go now without making a request of `units` that fits at `when` wait any longer.
  double spare(double units, TimePoint when) const;

  // Time that passes while nothing else is sent counts for a request of `units` that waits for its room; 0:
  // no more. Without, it would be waited for twice: by the window before it, by the flow after it.
  void save_for(double units, TimePoint now);

  void take(double units, TimePoint now);

  struct Settled {
    TimePoint admitted_at, now;
    double foreseen = 0;   // part of the correction that the reservations of all together allow for
    bool last = false;     // no other request of the group is in flight
    bool refused = false;  // for a limit
  };

  // Corrects what was taken for a request, in the slot of its admission, and learns how far reservations can
  // be trusted. Returns whether something that had no room may have it now.
  bool settle(double reserved, double actual, const Settled& how);

  // A request was refused for this limit. It was sent too close to others, so from now on a small bucket of
  // the server is mirrored; if that is known, a little is left free; and if many are refused, the limit is
  // not what it was said to be and is searched for.
  void refused(TimePoint now);

  // Counts what others than this run have sent: at `at`, or now as a reply says.
  void count(double units, TimePoint at, TimePoint now) { mirror_.add(units, at, now); }

  // A reply says what the limit is and what it had left after a request that was sent when our window held
  // `in_window`, itself included. Lower limits are believed at once; higher ones if `may_rise`, at most a
  // tenth more a minute. What the server counts and we do not has been sent by others: after three such
  // replies it is counted here as well, unless it is more than comes back until the server's reset.
  void told(const LimitReading& reading, double in_window, bool may_rise, TimePoint now);

  // Another group's is the same limit: the lower one holds, for what both have sent. What either has learned
  // from refusals was about the other's sends, and is forgotten.
  void absorb(MinuteLimit& other, TimePoint now);

  // Whether the limit is searched for, and whether the search has found it.
  bool searched() const { return search_.has_value(); }
  bool found() const { return search_ && search_->settled(); }

  double sum(TimePoint now) const { return mirror_.sum(now); }

 private:
  void set_limit(double units);
  double needed(double units) const;
  double fitting(double free) const;
  double slice_ceiling(double units) const;
  TimePoint flows_at(double units) const;
  TimePoint fits_at(double units, TimePoint now) const;
  TimePoint before_it_rises(TimePoint when, TimePoint now) const;
  void work_out_rates();
  void save_up(TimePoint now);
  void learn(double relative_error);
  void fade_caution(TimePoint now);
  void follow_search(TimePoint now);
  void rise(double units, TimePoint now);
  void loosen(TimePoint now);

  Dimension dimension_;
  double limit_;
  double ceiling_;  // of the mirror: the limit without the guard
  std::optional<LimitSearch> search_;
  WindowMirror refused_;  // of what the mirror holds, what the server would not have
  double told_ = 0;       // the limit before a search began below it
  TimePoint followed_at_{};
  TimePoint raised_at_{};
  double foreign_ = 0;              // units that others sent
  std::uint32_t foreign_seen_ = 0;  // replies in a row that counted what we did not send
  double refused_share_ = 0;        // of the last replies
  double guard_ = 0;                // share of the limit left unused
  double window_s_;                 // the mirror's, its rounding included
  TokenBucket peak_;
  TokenBucket flow_;
  WindowMirror mirror_;
  std::optional<WindowMirror> slice_;
  double slice_share_ = 0;  // of the limit
  Duration burst_;          // lost time that may be caught up
  bool saves_up_ = false;   // the server's bucket holds little: what is sent waits until it is there
  double largest_ = 0;      // units taken at once
  const Duration jitter_;
  TimePoint loosen_at_ = never;
  Duration loosen_pause_;
  double caution_ = 0;  // more of it, for the server's window at hand
  TimePoint cautious_since_{};
  TimePoint guard_at_ = TimePoint::min();  // not to be raised before
  TimePoint wanted_at_{};                  // somebody waits until then, or took
  double squares_ = 0;                     // of what is reserved by those in flight
  double error_square_ = 0;                // mean square of how far, relatively, reservations fell short
  double error_ = 0;                       // its root
};

}  // namespace batchrun
