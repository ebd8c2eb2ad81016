// The thread that writes: takes whole lines from the shard, appends them, syncs them as a group.
#pragma once

#include <atomic>
#include <optional>

#include "io/result_writer.h"
#include "runner/intake.h"
#include "runner/settings.h"

namespace batchrun {

class LinesWriter {
 public:
  // All of these outlive the writer.
  LinesWriter(const Settings& settings, ResultWriter& results, ResultWriter& errors, LinesLink& link);

  // Writes until the queue is closed and empty, then syncs. One thread. After a failure it goes on taking
  // lines and drops them, so that nobody waits for it; their rows are sent again when the run is resumed.
  void run();

  // What run() is made of, for whoever keeps another time. take() does what there is to do once `lines` have
  // come, or nothing has for a while, and gives back by when it must be called again: never = not before
  // something comes. finish() is for when nothing more will.
  TimePoint take(const std::optional<Lines>& lines, TimePoint now);
  void finish();

  // Any thread.
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  std::uint64_t synced_bytes() const { return synced_.load(std::memory_order_relaxed); }

  // REQUIRES: failed().
  const OutputError& failure() const { return *failure_; }

 private:
  void write(const Lines& lines);
  void sync();
  void fail(const OutputError& error);

  const SyncPolicy policy_;
  const Duration interval_;
  ResultWriter& results_;
  ResultWriter& errors_;
  LinesLink& link_;
  bool results_dirty_ = false, errors_dirty_ = false;
  std::size_t unsynced_bytes_ = 0;
  TimePoint sync_at_ = never;
  std::atomic<std::uint64_t> synced_ = 0;
  std::optional<OutputError> failure_;  // written before failed_ is set
  std::atomic<bool> failed_ = false;
};

}  // namespace batchrun
