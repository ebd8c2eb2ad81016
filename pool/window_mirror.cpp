#include "pool/window_mirror.h"

#include <algorithm>

#include "pool/invariant.h"

namespace batchrun {
namespace {

// Slots begin at whole multiples of their length from long before the pool's time zero, so that windows that
// began before it have slots too.
constexpr Duration origin = std::chrono::hours(24 * 3650);

}  // namespace

WindowMirror::WindowMirror(Duration window, Duration slot)
    : window_(window),
      slot_(slot),
      ring_((static_cast<std::size_t>(window / slot + 3) + block - 1) / block * block),
      blocks_(ring_.size() / block),
      oldest_leaves_(slot - origin + window) {}

// Empties the slots that have left the window, for later times.
void WindowMirror::drop(TimePoint now) {
  const Duration late = now - oldest_leaves_;
  if (late >= slot_ * static_cast<std::int64_t>(ring_.size())) {
    std::fill(ring_.begin(), ring_.end(), 0);
    std::fill(blocks_.begin(), blocks_.end(), 0);
    sum_ = 0;
    oldest_leaves_ += (late / slot_ + 1) * slot_;
    return;
  }
  for (; oldest_leaves_ <= now; oldest_leaves_ += slot_) {
    double& units = ring_[oldest_place_];
    sum_ -= units;
    blocks_[oldest_place_ / block] -= units;
    units = 0;
    if (++oldest_place_ == ring_.size()) oldest_place_ = 0;
  }
}

void WindowMirror::add(double units, TimePoint at, TimePoint now) {
  pass(now);
  const Duration in_ring = at - (oldest_leaves_ - window_ - slot_);
  if (in_ring < Duration::zero()) return;
  std::size_t place = oldest_place_ + static_cast<std::size_t>(in_ring / slot_);
  if (place >= ring_.size()) place -= ring_.size();
  ring_[place] += units;
  blocks_[place / block] += units;
  sum_ += units;
}

void WindowMirror::absorb(WindowMirror& other, TimePoint now) {
  require(window_ == other.window_ && slot_ == other.slot_, "mirrors of different windows became one");
  pass(now);
  other.pass(now);
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    const std::size_t place = (oldest_place_ + i) % ring_.size();
    const double units = other.ring_[(other.oldest_place_ + i) % ring_.size()];
    ring_[place] += units;
    blocks_[place / block] += units;
    sum_ += units;
  }
}

double WindowMirror::sum(TimePoint now) const {
  if (now < oldest_leaves_ || sum_ == 0) return sum_;
  const auto leaving = static_cast<std::size_t>((now - oldest_leaves_) / slot_) + 1;
  return without([&](std::size_t slots, double) { return slots <= leaving; }).left;
}

TimePoint WindowMirror::ready_at(double ceiling, TimePoint now) const {
  if (sum_ <= ceiling) return now;
  const std::size_t stay_over = without([&](std::size_t, double left) { return left > ceiling; }).slots;
  if (stay_over == ring_.size()) return never;
  return std::max(now, oldest_leaves_ + static_cast<std::int64_t>(stay_over) * slot_);
}

}  // namespace batchrun
