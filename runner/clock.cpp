#include "runner/clock.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "runner/alarm.h"

namespace batchrun {
namespace {

using std::chrono::steady_clock;

// Two days in, so that what earlier runs sent in the day before the start still has a positive time.
constexpr Duration head_start = std::chrono::hours(48);

steady_clock::time_point epoch() {
  static const steady_clock::time_point start = steady_clock::now();
  return start;
}

class TimerAlarm final : public Alarm {
 public:
  explicit TimerAlarm(net::io_context& context) : timer_(context.get_executor()) {}

  Task<void> wait_until(TimePoint until) override {
    if (!rung_) {
      timer_.expires_at(until == never ? steady_clock::time_point::max()
                                       : epoch() + (until.time_since_epoch() - head_start));
      auto waited = co_await timer_.async_wait(net::as_tuple(net::use_awaitable_t<Executor>()));
      (void)waited;
    }
    rung_ = false;
  }

  void ring() override {
    if (!rung_) timer_.cancel();
    rung_ = true;
  }

 private:
  using Executor = net::io_context::executor_type;
  net::basic_waitable_timer<steady_clock, net::wait_traits<steady_clock>, Executor> timer_;
  bool rung_ = false;
};

}  // namespace

TimePoint SteadyClock::now() const noexcept {
  const steady_clock::time_point start = epoch();  // before the reading, or the first would be negative
  return TimePoint(head_start + (steady_clock::now() - start));
}

std::unique_ptr<Alarm> SteadyClock::make_alarm(net::io_context& context) {
  return std::make_unique<TimerAlarm>(context);
}

}  // namespace batchrun
