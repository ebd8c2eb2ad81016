// One limit of units a day, by the provider's own day: what is left of it, and when more comes back. One
// thread; time never goes back.
#pragma once

#include <chrono>
#include <optional>

#include "pool/outcome.h"
#include "pool/provider_day.h"
#include "pool/time.h"
#include "pool/window_mirror.h"

namespace batchrun {

class DayLimit {
 public:
  // REQUIRES: units > 0.
  DayLimit(Dimension dimension, double units, const Calendar& calendar);

  Dimension dimension() const { return dimension_; }
  double limit() const { return limit_; }
  void set_limit(double units);

  // Units left of the day.
  double room(TimePoint now);

  // Earliest time at which `units` are left if nothing else happens: `now` if they are already, `never` if a
  // day never holds so many.
  TimePoint ready_at(double units, TimePoint now);

  // The last time at which somebody was told that there would be room again, kept when it has passed.
  TimePoint spent_until() const { return spent_until_; }

  // Counts what was sent at `at`; negative takes back what was counted then. What lies in an earlier day does
  // not count. REQUIRES: at <= now.
  void count(double units, TimePoint at, TimePoint now);

  // Another group's is the same limit: the lower one holds, for what both have sent.
  void absorb(DayLimit& other, TimePoint now);

  // What counts at `now`; for readers.
  double used_at(TimePoint now) const;

 private:
  void turn(TimePoint now);
  TimePoint back_at(double units, TimePoint now);

  Dimension dimension_;
  double limit_;
  Calendar calendar_;
  std::optional<WindowMirror> last_day_;  // of a rolling day
  double used_ = 0;                       // of any other
  TimePoint begins_{TimePoint::min()}, turns_{TimePoint::min()};
  TimePoint spent_until_{TimePoint::min()};
};

}  // namespace batchrun
