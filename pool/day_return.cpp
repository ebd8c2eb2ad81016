#include "pool/day_return.h"

#include <algorithm>

namespace batchrun {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Seconds = std::chrono::seconds;

constexpr Duration longest_day = hours(25);
constexpr Duration asked_again = minutes(15);
constexpr Seconds clocks_differ{5};
constexpr minutes just_turned{10};
constexpr Duration turns_any_moment = minutes(1);

}  // namespace

TimePoint day_returns_at(const Calendar& calendar, std::optional<Duration> named, TimePoint now) {
  if (named && *named > Duration::zero()) {
    return now + std::clamp<Duration>(*named, Seconds(1), longest_day);
  }
  if (calendar.rule == DayRule::rolling) return now + asked_again;
  const std::chrono::sys_seconds wall = calendar.wall(now);
  const ProviderDay day = provider_day(calendar.rule, wall);
  if (wall - day.begins < just_turned) return now + turns_any_moment;
  return calendar.pool(day.turns) + clocks_differ;
}

}  // namespace batchrun
