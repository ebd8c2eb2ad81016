#include "pool/window_mirror.h"

#include <algorithm>

namespace batchrun {

WindowMirror::WindowMirror(Duration window, Duration slot)
    : window_(window),
      slot_(slot),
      ring_(static_cast<std::size_t>(window / slot + 3)),
      oldest_leaves_(leaves_at(0)) {}

void WindowMirror::advance(TimePoint now) {
  if (now < oldest_leaves_) return;
  const std::int64_t first = slot_of(now - window_);
  const std::int64_t leaving = std::min(first - oldest_, static_cast<std::int64_t>(ring_.size()));
  for (std::int64_t i = 0; i < leaving; ++i) {
    double& units = place(oldest_ + i);
    sum_ -= units;
    units = 0;
  }
  oldest_ = first;
  oldest_leaves_ = leaves_at(first);
}

void WindowMirror::add(double units, TimePoint at, TimePoint now) {
  advance(now);
  const std::int64_t slot = slot_of(at);
  if (slot < oldest_) return;
  place(slot) += units;
  sum_ += units;
}

double WindowMirror::sum(TimePoint now) {
  advance(now);
  return sum_;
}

double WindowMirror::sum_at(TimePoint now) const {
  if (now < oldest_leaves_ || sum_ == 0) return sum_;
  double sum = sum_;
  const auto end = oldest_ + static_cast<std::int64_t>(ring_.size());
  for (std::int64_t slot = oldest_; slot < end && leaves_at(slot) <= now; ++slot) sum -= place(slot);
  return sum;
}

TimePoint WindowMirror::ready_at(double ceiling, TimePoint now) {
  advance(now);
  if (sum_ <= ceiling) return now;
  double sum = sum_;
  std::size_t in_ring = static_cast<std::size_t>(oldest_) % ring_.size();
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    sum -= ring_[in_ring];
    if (sum <= ceiling) return leaves_at(oldest_ + static_cast<std::int64_t>(i));
    if (++in_ring == ring_.size()) in_ring = 0;
  }
  return never;
}

}  // namespace batchrun
