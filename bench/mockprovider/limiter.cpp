#include "bench/mockprovider/limiter.h"

#include <algorithm>

namespace batchrun::mock {

namespace {

// Sums of doubles drift; costs are whole numbers, so a difference below this is drift and not a cost.
constexpr double drift = 1e-6;

}  // namespace

void FixedWindow::turn(Moment now) {
  if (now - start_ < window_) return;
  start_ = now - (now % window_);
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

TokenBucket::TokenBucket(const LimiterShape& shape)
    : rate_(shape.limit / in_seconds(shape.window)),
      capacity_(rate_ * in_seconds(shape.bucket)),
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

std::variant<FixedWindow, SlidingLog, TokenBucket> algorithm_for(const LimiterShape& shape) {
  switch (shape.kind) {
    case LimiterKind::fixed_window:
      return FixedWindow(shape);
    case LimiterKind::sliding_log:
      return SlidingLog(shape);
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
