// One limit as a provider enforces it: five algorithms behind one face. Pure; time is an argument and never
// goes back. Written without regard to the client's pool, whose mistakes it is there to find.
//
// A cost is requests or tokens. take() is not checked: what was produced is charged even past the limit, and
// then counts against what comes later.
#pragma once

#include <deque>
#include <optional>
#include <variant>

#include "bench/mockprovider/moment.h"

namespace batchrun::mock {

enum class LimiterKind {
  fixed_window,     // at most `limit` per aligned window; the count starts again at each boundary
  from_first,       // the same, but a window starts with the first cost taken after the last one ended
  sliding_log,      // at most `limit` in any span as long as the window
  sliding_counter,  // aligned windows; the last one still counts with the share of it that lies within a
                    // window's length from now (Cloudflare)
  token_bucket,     // refilled evenly at limit/window, holding at most `bucket` worth of that rate
};

struct LimiterShape {
  LimiterKind kind = LimiterKind::fixed_window;
  double limit = 0;  // units per window
  Moment window = std::chrono::seconds(60);
  Moment bucket = std::chrono::seconds(60);  // token_bucket: capacity as time at full rate,
  double largest = 1;                        //   but at least this many units
  Moment phase{};                            // fixed_window: how long one had been running at time zero
};

class FixedWindow {
 public:
  explicit FixedWindow(const LimiterShape& shape)
      : limit_(shape.limit), window_(shape.window), phase_(shape.phase), start_(-shape.phase) {}
  double capacity() const { return limit_; }
  double used(Moment now);
  Moment wait_for(double cost, Moment now);
  Moment resets_in(Moment now);
  void take(double cost, Moment now);

 private:
  void turn(Moment now);
  double limit_;
  Moment window_, phase_;
  Moment start_;
  double used_ = 0;
};

class WindowFromFirst {
 public:
  explicit WindowFromFirst(const LimiterShape& shape) : limit_(shape.limit), window_(shape.window) {}
  double capacity() const { return limit_; }
  double used(Moment now) const { return now < end_ ? used_ : 0; }
  Moment wait_for(double cost, Moment now) const;
  Moment resets_in(Moment now) const { return now < end_ ? end_ - now : Moment::zero(); }
  void take(double cost, Moment now);

 private:
  double limit_;
  Moment window_;
  Moment end_{};  // of the last window
  double used_ = 0;
};

class SlidingLog {
 public:
  explicit SlidingLog(const LimiterShape& shape) : limit_(shape.limit), window_(shape.window) {}
  double capacity() const { return limit_; }
  double used(Moment now);
  Moment wait_for(double cost, Moment now);
  Moment resets_in(Moment now);
  void take(double cost, Moment now);

 private:
  struct Entry {
    Moment at;
    double cost;
  };
  void forget(Moment now);
  double limit_;
  Moment window_;
  std::deque<Entry> log_;
  double used_ = 0;
};

class SlidingCounter {
 public:
  explicit SlidingCounter(const LimiterShape& shape) : limit_(shape.limit), window_(shape.window) {}
  double capacity() const { return limit_; }
  double used(Moment now);
  Moment wait_for(double cost, Moment now);
  Moment resets_in(Moment now);
  void take(double cost, Moment now);

 private:
  void turn(Moment now);
  double limit_;
  Moment window_;
  Moment start_{};
  double last_ = 0, used_ = 0;  // of the window before, and of this one
};

class TokenBucket {
 public:
  explicit TokenBucket(const LimiterShape& shape);
  double capacity() const { return capacity_; }
  double used(Moment now);
  Moment wait_for(double cost, Moment now);
  Moment resets_in(Moment now);
  void take(double cost, Moment now);

 private:
  void refill(Moment now);
  double rate_;  // units per second
  double capacity_;
  double level_;
  Moment at_{};
};

using LimiterAlgorithm = std::variant<FixedWindow, WindowFromFirst, SlidingLog, SlidingCounter, TokenBucket>;

class Limiter {
 public:
  explicit Limiter(const LimiterShape& shape);

  // The largest cost that can ever be admitted.
  double capacity() const;
  double used(Moment now);
  double remaining(Moment now);  // never below zero
  // How long until `cost` fits; zero: it fits now; nothing: it is larger than the capacity.
  std::optional<Moment> wait_for(double cost, Moment now);
  // How long until nothing is used any more, if nothing else is taken.
  Moment resets_in(Moment now);
  void take(double cost, Moment now);

 private:
  LimiterAlgorithm algorithm_;
};

}  // namespace batchrun::mock
