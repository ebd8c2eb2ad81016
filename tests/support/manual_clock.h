// A clock turned by hand, for running the real shard in virtual time. One thread.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "runner/alarm.h"
#include "runner/clock.h"

namespace batchrun {

class ManualClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return now_; }
  std::unique_ptr<Alarm> make_alarm(net::io_context& context) override {
    return std::make_unique<ManualAlarm>(*this, context);
  }

  // Moves to the earliest time somebody sleeps for and wakes the sleeper. False: nobody sleeps for a time.
  bool advance_to_next() {
    if (sleepers_.empty() || sleepers_.begin()->first == never) return false;
    now_ = std::max(now_, sleepers_.begin()->first);
    Timer* timer = sleepers_.begin()->second;
    sleepers_.erase(sleepers_.begin());
    timer->cancel();
    return true;
  }

  // When somebody sleeps until; never: nobody does, or not for a time.
  TimePoint next() const { return sleepers_.empty() ? never : sleepers_.begin()->first; }

  // Moves to `to` and wakes all that have slept until then. REQUIRES: to >= now().
  void advance(TimePoint to) {
    while (next() <= to && next() != never) advance_to_next();
    now_ = to;
  }

  // Runs everything in `context` in virtual time, until it is stopped or nobody sleeps any more.
  void run(net::io_context& context) {
    do {
      while (context.poll() > 0) {
      }
    } while (!context.stopped() && advance_to_next());
  }

 private:
  using Executor = net::io_context::executor_type;
  using Timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                          net::wait_traits<std::chrono::steady_clock>, Executor>;
  using Sleepers = std::multimap<TimePoint, Timer*>;

  class ManualAlarm final : public Alarm {
   public:
    ManualAlarm(ManualClock& clock, net::io_context& context)
        : clock_(clock), timer_(context.get_executor(), std::chrono::steady_clock::time_point::max()) {}
    ManualAlarm(const ManualAlarm&) = delete;
    ManualAlarm& operator=(const ManualAlarm&) = delete;

    Task<void> wait_until(TimePoint until) override {
      if (!rung_) {
        place_ = clock_.sleepers_.emplace(until, &timer_);
        sleeping_ = true;
        auto waited = co_await timer_.async_wait(net::as_tuple(net::use_awaitable_t<Executor>()));
        (void)waited;
        sleeping_ = false;
      }
      rung_ = false;
    }

    void ring() override {
      if (!rung_ && sleeping_ && timer_.cancel() > 0) clock_.sleepers_.erase(place_);
      rung_ = true;
    }

   private:
    ManualClock& clock_;
    Timer timer_;
    Sleepers::iterator place_;
    bool rung_ = false, sleeping_ = false;
  };

  TimePoint now_{std::chrono::hours(1)};
  Sleepers sleepers_;
};

}  // namespace batchrun
