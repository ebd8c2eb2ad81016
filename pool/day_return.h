// When a group whose day's quota is gone may be used again. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "pool/provider_day.h"
#include "pool/time.h"

namespace batchrun {

// `named`: how long the provider says it takes; believed between a second and 25 hours, the longest day there
// is. Otherwise a few seconds after its day turns, as clocks differ. A provider that says so right after its
// day has turned is behind ours: asked again in a minute. Of a rolling day nobody knows when something comes
// back: asked again in 15 minutes. Always after `now`.
TimePoint day_returns_at(const Calendar& calendar, std::optional<Duration> named, TimePoint now);

}  // namespace batchrun
