#include "tests/sim/server_limiter.h"

#include <algorithm>
#include <cmath>

namespace batchrun::sim {

std::string_view name(LimiterKind kind) {
  switch (kind) {
    case LimiterKind::fixed_window:
      return "fixed window";
    case LimiterKind::sliding_log:
      return "sliding log";
    case LimiterKind::token_bucket:
      return "token bucket";
  }
  return "?";
}

ServerLimiter::ServerLimiter(LimiterKind kind, double per_minute, double phase_s)
    : kind_(kind), limit_(per_minute), phase_s_(phase_s), level_(per_minute) {}

double ServerLimiter::in_window(double since_s) const {
  double sum = 0;
  for (const Entry& entry : log_) sum += entry.at_s > since_s ? entry.units : 0;
  return sum;
}

double ServerLimiter::wait_s(double units, double now_s) {
  while (!log_.empty() && log_.front().at_s < now_s - 121) log_.pop_front();
  switch (kind_) {
    case LimiterKind::fixed_window: {
      const double start = std::floor((now_s - phase_s_) / 60) * 60 + phase_s_;
      const double used = in_window(std::nextafter(start, -1e9));
      return used + units <= limit_ ? 0 : start + 60 - now_s;
    }
    case LimiterKind::sliding_log: {
      double used = in_window(now_s - 60);
      if (used + units <= limit_) return 0;
      for (const Entry& entry : log_) {
        if (entry.at_s <= now_s - 60) continue;
        used -= entry.units;
        if (used + units <= limit_) return entry.at_s + 60 - now_s;
      }
      return 60;
    }
    case LimiterKind::token_bucket: {
      level_ = std::min(limit_, level_ + (now_s - level_at_s_) * limit_ / 60);
      level_at_s_ = now_s;
      return level_ >= units ? 0 : (units - level_) * 60 / limit_;
    }
  }
  return 0;
}

void ServerLimiter::admit(double units, double now_s) {
  admitted_ += units;
  if (kind_ == LimiterKind::token_bucket) {
    level_ -= units;
  } else {
    log_.push_back({now_s, units});
  }
}

}  // namespace batchrun::sim
