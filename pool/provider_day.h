// When a provider's day begins and turns, on the wall clock. Pure: the time is an argument, and the calendar
// is worked out here, as the library has no time zone database.
#pragma once

#include <chrono>
#include <cstdint>

#include "pool/time.h"

namespace batchrun {

enum class DayRule : std::uint8_t {
  rolling,           // the last 24 hours, whenever they are: where a provider says so, or says nothing
  utc_midnight,      // as UTC's dates
  pacific_midnight,  // as California's dates (Gemini)
};

// A provider's days on the pool's clock.
struct Calendar {
  DayRule rule = DayRule::rolling;
  std::chrono::sys_seconds epoch{};  // the wall clock at the pool's time zero
  std::chrono::sys_seconds wall(TimePoint at) const {
    return epoch + std::chrono::floor<std::chrono::seconds>(at.time_since_epoch());
  }
  TimePoint pool(std::chrono::sys_seconds at) const { return TimePoint(at - epoch); }
};

struct ProviderDay {
  std::chrono::sys_seconds begins;  // what was sent from here on counts
  std::chrono::sys_seconds turns;   // all that counts now counts no more
};

// The day that holds `now`: begins <= now < turns. A rolling one does not turn at once: it began 24 hours
// ago, and in 24 hours nothing of it is left. California's is 23 hours long where daylight saving time begins
// and 25 where it ends: second Sunday of March and first of November, at 2:00. Source: Energy Policy Act of
// 2005, section 110, in force since 2007.
ProviderDay provider_day(DayRule rule, std::chrono::sys_seconds now);

}  // namespace batchrun
