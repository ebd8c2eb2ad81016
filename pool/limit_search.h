// A limit that nobody told, or that turned out lower than told: found by sending and being refused. One
// thread.
//
//   start: one request a second, twice as many every five seconds, until something is refused
//   then:  CUBIC around the rate that was refused - down at once, back to it within a window, then slowly
//          past it (Ha, Rhee, Xu 2008; RFC 9438), as from a request a second where less was refused: then
//          it was others who had used the server's window up
//   known: two refusals close to each other are the limit: from then on small cuts, and 1 % more a minute
#pragma once

#include "pool/time.h"

namespace batchrun {

class LimitSearch {
 public:
  // Of a limit about which nothing is known.
  LimitSearch() = default;

  // Of one that refuses at `units` a minute; it will not go over that.
  static LimitSearch below(double units, TimePoint now);

  // Of one that an earlier search has found to be `units` a minute.
  static LimitSearch around(double units);

  // Units a minute to keep to now. Time starts with the first call.
  double limit(TimePoint now);

  // Something was refused although no more than limit() was sent; `accepted`: units of the last minute that
  // were not. However the server counts, its limit is hardly more than that.
  void refused(double accepted, TimePoint now);

  bool starting() const { return top_ == 0; }
  // The limit is known as well as it can be.
  bool settled() const { return settled_; }
  // Back at what it was told not to exceed.
  bool recovered(TimePoint now) const;

 private:
  void cut(double units, TimePoint now);

  TimePoint since_ = never;  // the start, or the last cut; `never` before the first call
  double top_ = 0;           // where the last refusal was; 0 = there was none
  double most_ = 0;          // never exceeded; 0 = no such
  double depth_ = 0.3;       // of the last cut, a share
  bool settled_ = false;
};

}  // namespace batchrun
