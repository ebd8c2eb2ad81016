#include "bench/mockprovider/limiter.h"

#include <algorithm>

namespace batchrun::mock {

namespace {

// Sums of doubles drift; costs are whole numbers, so a difference below this is drift and not a cost.
constexpr double drift = 1e-6;

}  // namespace

void FixedWindow::turn(Moment now) {
  if (now - start_ < window_) return;
  start_ = now - ((now + phase_) % window_);
  used_ = 0;
}

double FixedWindow::used(Moment now) {
  turn(now);
  return used_;
}

Moment FixedWindow::wait_for(double cost, Moment now) {
  turn(now);
  return used_ + cost <= limit_ + drift ? Moment::zero() : start_ + window_ - now;
}

Moment FixedWindow::resets_in(Moment now) {
  turn(now);
  return used_ > 0 ? start_ + window_ - now : Moment::zero();
}

void FixedWindow::take(double cost, Moment now) {
  turn(now);
  used_ += cost;
}

Moment WindowFromFirst::wait_for(double cost, Moment now) const {
  return used(now) + cost <= limit_ + drift ? Moment::zero() : end_ - now;
}

void WindowFromFirst::take(double cost, Moment now) {
  if (now >= end_) {
    end_ = now + window_;
    used_ = 0;
  }
  used_ += cost;
}

void SlidingLog::forget(Moment now) {
  while (!log_.empty() && now - log_.front().at >= window_) {
    used_ -= log_.front().cost;
    log_.pop_front();
  }
  if (log_.empty()) used_ = 0;
}

double SlidingLog::used(Moment now) {
  forget(now);
  return used_;
}

Moment SlidingLog::wait_for(double cost, Moment now) {
  forget(now);
  double excess = used_ + cost - limit_;
  if (excess <= drift) return Moment::zero();
  for (const Entry& entry : log_) {
    excess -= entry.cost;
    if (excess <= drift) return entry.at + window_ - now;
  }
  return window_;
}

Moment SlidingLog::resets_in(Moment now) {
  forget(now);
  return log_.empty() ? Moment::zero() : log_.back().at + window_ - now;
}

void SlidingLog::take(double cost, Moment now) {
  forget(now);
  log_.push_back({now, cost});
  used_ += cost;
}

void SlidingCounter::turn(Moment now) {
  if (now - start_ < window_) return;
  last_ = now - start_ < 2 * window_ ? used_ : 0;
  start_ = now - (now % window_);
  used_ = 0;
}

double SlidingCounter::used(Moment now) {
  turn(now);
  return used_ + last_ * (1 - in_seconds(now - start_) / in_seconds(window_));
}

// Within this window the last one fades; where that is not enough, this one has to become the last and fade.
Moment SlidingCounter::wait_for(double cost, Moment now) {
  if (used(now) + cost <= limit_ + drift) return Moment::zero();
  const auto faded_at = [this](double fading, double room) {
    return from_seconds(in_seconds(window_) * (1 - room / fading)) + Moment(1);
  };
  if (used_ + cost <= limit_) return start_ + faded_at(last_, limit_ - cost - used_) - now;
  return start_ + window_ + faded_at(used_, limit_ - cost) - now;
}

Moment SlidingCounter::resets_in(Moment now) {
  turn(now);
  if (used_ > 0) return start_ + 2 * window_ - now;
  return last_ > 0 ? start_ + window_ - now : Moment::zero();
}

void SlidingCounter::take(double cost, Moment now) {
  turn(now);
  used_ += cost;
}

TokenBucket::TokenBucket(const LimiterShape& shape)
    : rate_(shape.limit / in_seconds(shape.window)),
      capacity_(std::max(rate_ * in_seconds(shape.bucket), shape.largest)),
      level_(capacity_) {}

void TokenBucket::refill(Moment now) {
  level_ = std::min(capacity_, level_ + rate_ * in_seconds(now - at_));
  at_ = now;
}

double TokenBucket::used(Moment now) {
  refill(now);
  return capacity_ - level_;
}

Moment TokenBucket::wait_for(double cost, Moment now) {
  refill(now);
  if (level_ + drift >= cost) return Moment::zero();
  return from_seconds((cost - level_) / rate_) + Moment(1);
}

Moment TokenBucket::resets_in(Moment now) {
  refill(now);
  return from_seconds((capacity_ - level_) / rate_);
}

void TokenBucket::take(double cost, Moment now) {
  refill(now);
  level_ -= cost;
}

namespace {

LimiterAlgorithm algorithm_for(const LimiterShape& shape) {
  switch (shape.kind) {
    case LimiterKind::fixed_window:
      return FixedWindow(shape);
    case LimiterKind::from_first:
      return WindowFromFirst(shape);
    case LimiterKind::sliding_log:
      return SlidingLog(shape);
    case LimiterKind::sliding_counter:
      return SlidingCounter(shape);
    case LimiterKind::token_bucket:
      break;
  }
  return TokenBucket(shape);
}

}  // namespace

Limiter::Limiter(const LimiterShape& shape) : algorithm_(algorithm_for(shape)) {}

double Limiter::capacity() const {
  return std::visit([](const auto& a) { return a.capacity(); }, algorithm_);
}

double Limiter::used(Moment now) {
  return std::visit([now](auto& a) { return a.used(now); }, algorithm_);
}

double Limiter::remaining(Moment now) {
  return std::max(0.0, capacity() - used(now));
}

std::optional<Moment> Limiter::wait_for(double cost, Moment now) {
  if (cost > capacity() + drift) return std::nullopt;
  return std::visit([cost, now](auto& a) { return a.wait_for(cost, now); }, algorithm_);
}

Moment Limiter::resets_in(Moment now) {
  return std::visit([now](auto& a) { return a.resets_in(now); }, algorithm_);
}

void Limiter::take(double cost, Moment now) {
  std::visit([cost, now](auto& a) { a.take(cost, now); }, algorithm_);
}

}  // namespace batchrun::mock
