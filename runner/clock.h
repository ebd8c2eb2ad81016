// Where time comes from: the real clock for a run, a hand-turned one for simulations.
#pragma once

#include <memory>

#include "pool/time.h"

namespace boost::asio {
class io_context;
}

namespace batchrun {

class Alarm;  // runner/alarm.h

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const noexcept = 0;
  virtual std::unique_ptr<Alarm> make_alarm(boost::asio::io_context& context) = 0;
};

// The machine's steady clock, as time since the first call in this process. Any thread.
class SteadyClock final : public Clock {
 public:
  TimePoint now() const noexcept override;
  std::unique_ptr<Alarm> make_alarm(boost::asio::io_context& context) override;
};

}  // namespace batchrun
