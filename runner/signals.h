// The signals of a run, taken one at a time where it suits instead of anywhere. Linux: signalfd and eventfd.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>

namespace batchrun {

class Signals {
 public:
  // Blocks SIGINT, SIGTERM, SIGHUP and SIGUSR1 for this thread and all it starts, and ignores SIGPIPE.
  // REQUIRES: no other thread runs. A signal that was ignored when the program started (nohup) stays
  // ignored.
  Signals();
  ~Signals();  // what came and was not asked for is forgotten; from now on they end the process again
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Waits for a signal, a wake() or the end of `limit`. The signal's number, if it was one.
  std::optional<int> wait(std::chrono::milliseconds limit);

  // Any thread. Ends the wait in progress, or the next one.
  void wake();

 private:
  sigset_t blocked_before_{};
  int signal_fd_ = -1;
  int wake_fd_ = -1;
};

}  // namespace batchrun
