#include "tests/sim/server_limiter.h"

#include <algorithm>
#include <cmath>

namespace batchrun::sim {

std::string_view name(LimiterKind kind) {
  switch (kind) {
    case LimiterKind::fixed_window:
      return "fixed window";
    case LimiterKind::from_first:
      return "window from first";
    case LimiterKind::sliding_log:
      return "sliding log";
    case LimiterKind::sliding_counter:
      return "sliding counter";
    case LimiterKind::token_bucket:
      return "token bucket";
    case LimiterKind::second_bucket:
      return "bucket of 1 s";
    case LimiterKind::ten_seconds:
      return "10 s and 60 s";
    case LimiterKind::one_second:
      return "fixed 1 s";
  }
  return "?";
}

ServerLimiter::ServerLimiter(LimiterKind kind, double per_minute, double phase_s, double largest)
    : kind_(kind), limit_(per_minute), phase_s_(phase_s), largest_(largest) {
  level_ = kind == LimiterKind::second_bucket ? std::max(limit_ / 60, largest_) : limit_;
}

double ServerLimiter::in_window(double since_s) const {
  double sum = 0;
  for (auto entry = log_.rbegin(); entry != log_.rend() && entry->at_s > since_s; ++entry)
    sum += entry->units;
  return sum;
}

// Start of the provider's slice of that length; a hair before, so that what came at the start is in it.
double ServerLimiter::slice_start(double length_s, double now_s) const {
  return std::floor((now_s - phase_s_) / length_s) * length_s + phase_s_;
}

double ServerLimiter::window_start(double now_s) const {
  if (kind_ == LimiterKind::fixed_window) return slice_start(60, now_s);
  return now_s >= window_began_s_ + 60 ? now_s : window_began_s_;
}

double ServerLimiter::slice_wait_s(double length_s, double units, double now_s) const {
  const double start = length_s == 60 ? window_start(now_s) : slice_start(length_s, now_s);
  const double most = length_s == 60 ? limit_ : std::max(limit_ * length_s / 60, largest_);
  return in_window(std::nextafter(start, -1e9)) + units <= most ? 0 : start + length_s - now_s;
}

double ServerLimiter::log_wait_s(double length_s, double most, double units, double now_s) const {
  double used = in_window(now_s - length_s);
  if (used + units <= most) return 0;
  for (const Entry& entry : log_) {
    if (entry.at_s <= now_s - length_s) continue;
    used -= entry.units;
    if (used + units <= most) return entry.at_s + length_s - now_s;
  }
  return length_s;
}

// Cloudflare's approximation: the last window counts with the share of it that the last 60 s still hold.
double ServerLimiter::counter(double now_s) const {
  const double start = std::nextafter(slice_start(60, now_s), -1e9);
  const double now_part = in_window(start);
  const double last = in_window(start - 60) - now_part;
  return now_part + last * (60 - (now_s - start)) / 60;
}

void ServerLimiter::fill(double now_s) {
  const double most = kind_ == LimiterKind::second_bucket ? std::max(limit_ / 60, largest_) : limit_;
  level_ = std::min(most, level_ + (now_s - level_at_s_) * limit_ / 60);
  level_at_s_ = now_s;
}

double ServerLimiter::wait_s(double units, double now_s) {
  while (!log_.empty() && log_.front().at_s < now_s - 121) log_.pop_front();
  switch (kind_) {
    case LimiterKind::fixed_window:
    case LimiterKind::from_first:
      return slice_wait_s(60, units, now_s);
    case LimiterKind::sliding_log:
      return log_wait_s(60, limit_, units, now_s);
    case LimiterKind::sliding_counter:
      for (double wait = 0; wait < 60; wait += 0.25) {
        if (counter(now_s + wait) + units <= limit_) return wait;
      }
      return 60;
    case LimiterKind::token_bucket:
    case LimiterKind::second_bucket:
      fill(now_s);
      return level_ >= units ? 0 : (units - level_) * 60 / limit_;
    case LimiterKind::ten_seconds:
      return std::max(slice_wait_s(10, units, now_s), log_wait_s(60, limit_, units, now_s));
    case LimiterKind::one_second:
      return slice_wait_s(1, units, now_s);
  }
  return 0;
}

void ServerLimiter::admit(double units, double now_s) {
  admitted_ += units;
  if (kind_ == LimiterKind::from_first && now_s >= window_began_s_ + 60) window_began_s_ = now_s;
  if (kind_ == LimiterKind::token_bucket || kind_ == LimiterKind::second_bucket) {
    fill(now_s);
    level_ -= units;
  } else {
    log_.push_back({now_s, units});
  }
}

void ServerLimiter::set_limit(double per_minute, double now_s) {
  if (kind_ == LimiterKind::token_bucket || kind_ == LimiterKind::second_bucket) fill(now_s);
  limit_ = per_minute;
}

double ServerLimiter::remaining(double now_s) {
  wait_s(1, now_s);
  switch (kind_) {
    case LimiterKind::fixed_window:
    case LimiterKind::from_first:
      return limit_ - in_window(std::nextafter(window_start(now_s), -1e9));
    case LimiterKind::sliding_log:
    case LimiterKind::ten_seconds:
      return limit_ - in_window(now_s - 60);
    case LimiterKind::sliding_counter:
      return limit_ - counter(now_s);
    case LimiterKind::token_bucket:
    case LimiterKind::second_bucket:
      return level_;
    case LimiterKind::one_second:
      return std::max(limit_ / 60, largest_) - in_window(std::nextafter(slice_start(1, now_s), -1e9));
  }
  return 0;
}

double ServerLimiter::reset_s(double now_s) {
  wait_s(1, now_s);
  switch (kind_) {
    case LimiterKind::fixed_window:
    case LimiterKind::from_first:
      return window_start(now_s) + 60 - now_s;
    case LimiterKind::sliding_log:
    case LimiterKind::ten_seconds:
      return log_.empty() ? 0 : std::max(0.0, log_.back().at_s + 60 - now_s);
    case LimiterKind::sliding_counter:
      return slice_start(60, now_s) + 120 - now_s;
    case LimiterKind::token_bucket:
    case LimiterKind::second_bucket:
      return ((kind_ == LimiterKind::token_bucket ? limit_ : std::max(limit_ / 60, largest_)) - level_) * 60 /
             limit_;
    case LimiterKind::one_second:
      return slice_start(1, now_s) + 1 - now_s;
  }
  return 0;
}

}  // namespace batchrun::sim
