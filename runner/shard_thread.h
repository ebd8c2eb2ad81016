// A shard with all it stands on (event loop, real clock, real network) on a thread of its own. No Asio to be
// seen.
#pragma once

#include <functional>
#include <memory>

#include "runner/intake.h"
#include "runner/run_figures.h"
#include "runner/settings.h"

namespace batchrun {

class ShardThread {
 public:
  // The arguments outlive this. `on_end` is called on the shard's thread when it is over.
  ShardThread(const Settings& settings, IntakeQueue& intake, LinesLink& lines, StateLink& state,
              std::function<void()> on_end);
  ~ShardThread();  // REQUIRES: joined, or never started

  void start();
  void join();

  void drain();                // see Shard
  void abort();                // see Shard
  RunFigures figures() const;  // see Shard
  bool ended() const;          // on_end has been called
  bool starved() const;        // REQUIRES: joined

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace batchrun
