// One limit as a provider enforces it: three algorithms behind one face. Pure; time is an argument and never
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
  fixed_window,  // at most `limit` per aligned window; the count starts again at each boundary
  sliding_log,   // at most `limit` in any span as long as the window
  token_bucket,  // refilled evenly at limit/window, holding at most `bucket` worth of that rate
};

struct LimiterShape {
  LimiterKind kind = LimiterKind::fixed_window;
  double limit = 0;  // units per window
  Moment window = std::chrono::seconds(60);
  Moment bucket = std::chrono::seconds(60);  // token_bucket: capacity as time at full rate
};

class FixedWindow {
 public:
  explicit FixedWindow(const LimiterShape& shape) : limit_(shape.limit), window_(shape.window) {}
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
  std::variant<FixedWindow, SlidingLog, TokenBucket> algorithm_;
};

}  // namespace batchrun::mock
