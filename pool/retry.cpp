#include "pool/retry.h"

#include <algorithm>
#include <cmath>

namespace batchrun {
namespace {

constexpr Duration minute = std::chrono::seconds(60);
constexpr Duration slot = std::chrono::seconds(1);
constexpr std::uint32_t most_doublings =
    40;  // beyond any sensible maximum, below what overflows a double's exactness

}  // namespace

Duration RetryPolicy::pause(std::uint32_t failures, double share) const {
  const double doubled = std::ldexp(seconds(base_), static_cast<int>(std::min(failures, most_doublings)));
  return from_seconds(share * std::min(doubled, seconds(max_)));
}

RetryBudget::RetryBudget(double ratio, double per_second)
    : ratio_(ratio), free_per_minute_(per_second * 60), sends_(minute, slot), retries_(minute, slot) {}

void RetryBudget::sent(TimePoint now) {
  sends_.add(1, now, now);
}

TimePoint RetryBudget::ready_at(TimePoint now) {
  const double allowed = ratio_ * sends_.sum(now) + free_per_minute_;
  if (retries_.sum(now) + 1 <= allowed) return now;
  const TimePoint when = retries_.ready_at(std::max(allowed - 1, 0.0), now);
  // A budget below one retry a minute grows only with what is sent: look again after a slot.
  return std::max(when, now + slot);
}

void RetryBudget::spend(TimePoint now) {
  retries_.add(1, now, now);
}

}  // namespace batchrun
