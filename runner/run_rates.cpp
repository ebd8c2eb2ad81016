#include "runner/run_rates.h"

#include <algorithm>

namespace batchrun {
namespace {

constexpr Duration shortest_for_rates = std::chrono::seconds(1);

// In the last minute, or since the start while the run is younger than that. The burst of a first second
// counts as full.
std::optional<double> budget_share(const PoolFigures& pool, Duration elapsed) {
  const double part_of_minute = std::clamp(seconds(elapsed) / 60, seconds(shortest_for_rates) / 60, 1.0);
  std::optional<double> most;
  for (std::size_t d = 0; d < dimensions; ++d) {
    if (is_per_day(static_cast<Dimension>(d))) continue;
    double used = 0, granted = 0;
    for (const GroupFigures& group : pool.groups) {
      if (!group.limits[d]) continue;
      used += group.used[d];
      granted += *group.limits[d] * part_of_minute;
    }
    if (granted > 0) most = std::max(most.value_or(0), std::min(1.0, used / granted));
  }
  return most;
}

}  // namespace

RunRates rates(const RunFigures& figures) {
  RunRates out;
  const std::uint64_t now_done = figures.rows_ok + figures.rows_failed;
  out.done = now_done + figures.rows_skipped;
  if (figures.input_ended) {
    out.total = figures.rows_read;
    out.total_is_exact = true;
  } else if (figures.input_bytes_total > 0 && figures.input_bytes > 0) {
    const double per_byte = static_cast<double>(figures.rows_read) / static_cast<double>(figures.input_bytes);
    const auto guess = static_cast<std::uint64_t>(per_byte * static_cast<double>(figures.input_bytes_total));
    out.total = std::max({guess, figures.rows_read, out.done});
  }
  out.budget_share = budget_share(figures.pool, figures.elapsed);
  const double elapsed_s = seconds(figures.elapsed);
  if (elapsed_s <= 0) return out;
  out.rows_per_second = static_cast<double>(now_done) / elapsed_s;
  out.tokens_per_minute = static_cast<double>(figures.input_tokens + figures.output_tokens) / elapsed_s * 60;
  if (out.total && out.rows_per_second > 0 && figures.elapsed >= shortest_for_rates &&
      *out.total >= out.done) {
    out.left = from_seconds(static_cast<double>(*out.total - out.done) / out.rows_per_second);
  }
  return out;
}

std::optional<QuotaUse> quota_use(const GroupFigures& group, Dimension dimension, Duration elapsed) {
  const auto d = static_cast<std::size_t>(dimension);
  if (!group.limits[d]) return std::nullopt;
  if (is_per_day(dimension)) return QuotaUse{group.used[d], *group.limits[d]};
  if (elapsed < shortest_for_rates) return std::nullopt;
  return QuotaUse{group.total[d] / seconds(elapsed) * 60, *group.limits[d]};
}

}  // namespace batchrun
