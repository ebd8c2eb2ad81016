#include "pool/provider_day.h"

namespace batchrun {
namespace {

using namespace std::chrono;

constexpr hours standard_offset{8};  // Pacific Standard Time is this much behind UTC,
constexpr hours daylight_offset{7};  // Pacific Daylight Time this much

// Both changes come at 2:00, so the midnight before one still has the old offset.
sys_seconds pacific_midnight(sys_days date) {
  const year in = year_month_day(date).year();
  const sys_days begins = in / March / Sunday[2];
  const sys_days ends = in / November / Sunday[1];
  const bool daylight = date > begins && date <= ends;
  return date + (daylight ? daylight_offset : standard_offset);
}

ProviderDay pacific_day(sys_seconds now) {
  // In daylight saving time midnight comes an hour earlier, so the date may be the next one already.
  sys_days date = floor<days>(now - standard_offset);
  if (now >= pacific_midnight(date + days(1))) date += days(1);
  return {pacific_midnight(date), pacific_midnight(date + days(1))};
}

}  // namespace

ProviderDay provider_day(DayRule rule, sys_seconds now) {
  switch (rule) {
    case DayRule::rolling:
      break;
    case DayRule::utc_midnight:
      return {floor<days>(now), floor<days>(now) + days(1)};
    case DayRule::pacific_midnight:
      return pacific_day(now);
  }
  return {now - days(1), now + days(1)};
}

}  // namespace batchrun
