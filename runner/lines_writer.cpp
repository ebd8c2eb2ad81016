#include "runner/lines_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runner/clock.h"

namespace batchrun {
namespace {

constexpr std::size_t sync_bytes = 4u << 20;  // sync early when this much would be lost by a power cut

}  // namespace

LinesWriter::LinesWriter(const Settings& settings, ResultWriter& results, ResultWriter& errors,
                         LinesLink& link)
    : policy_(settings.sync),
      interval_(settings.sync_interval),
      results_(results),
      errors_(errors),
      link_(link) {}

void LinesWriter::run() {
  const SteadyClock clock;
  TimePoint again_at = never;
  while (!link_.lines.ended()) {
    const Duration patience = again_at == never ? Duration(std::chrono::seconds(1)) : again_at - clock.now();
    const std::optional<Lines> lines = link_.lines.pop(std::max(patience, Duration::zero()));
    again_at = take(lines, clock.now());
  }
  finish();
}

TimePoint LinesWriter::take(const std::optional<Lines>& lines, TimePoint now) {
  if (lines) write(*lines);
  const bool dirty = results_dirty_ || errors_dirty_;
  if (policy_ == SyncPolicy::interval && dirty && sync_at_ == never) sync_at_ = now + interval_;
  const bool due =
      policy_ == SyncPolicy::batch || unsynced_bytes_ >= sync_bytes || (sync_at_ != never && now >= sync_at_);
  if (policy_ != SyncPolicy::none && dirty && due) {
    sync();
    sync_at_ = never;
  }
  return sync_at_;
}

void LinesWriter::finish() {
  if (policy_ != SyncPolicy::none) sync();
}

void LinesWriter::write(const Lines& lines) {
  if (failed()) return;
  try {
    if (!lines.results.empty()) results_.append(lines.results);
    results_dirty_ |= !lines.results.empty();
    if (!lines.errors.empty()) errors_.append(lines.errors);
    errors_dirty_ |= !lines.errors.empty();
  } catch (const OutputError& error) {
    return fail(error);
  }
  unsynced_bytes_ += lines.size();
  if (lines.sent > 0) link_.written.put(lines.sent, 1);
}

void LinesWriter::sync() {
  if (failed()) return;
  try {
    if (results_dirty_) results_.sync();
    if (errors_dirty_) errors_.sync();
  } catch (const OutputError& error) {
    return fail(error);
  }
  results_dirty_ = errors_dirty_ = false;
  synced_.fetch_add(std::exchange(unsynced_bytes_, 0), std::memory_order_relaxed);
}

void LinesWriter::fail(const OutputError& error) {
  failure_ = error;
  failed_.store(true, std::memory_order_release);
}

}  // namespace batchrun
