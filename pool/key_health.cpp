#include "pool/key_health.h"

namespace batchrun {
namespace {

// A single fault takes four good answers to be forgotten.
constexpr double least_healthy = 95;

}  // namespace

void KeyHealth::bad(TimePoint now) {
  share_ = score(now) / 100 * (1 - newest);
  last_fault_ = now;
}

double KeyHealth::score(TimePoint now) const {
  const bool recovered = last_fault_ == TimePoint::min() || now - last_fault_ >= recovery_;
  return recovered ? 100 : share_ * 100;
}

bool KeyHealth::degraded(TimePoint now) const {
  return score(now) < least_healthy;
}

}  // namespace batchrun
