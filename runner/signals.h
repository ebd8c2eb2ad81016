// The signals of a run, taken one at a time where it suits instead of anywhere. Linux: signalfd and eventfd.
#pragma once

#include <chrono>
#include <optional>

namespace batchrun {

class Signals {
 public:
  // Blocks SIGINT, SIGTERM, SIGHUP and SIGUSR1 for this thread and all it starts, and ignores SIGPIPE.
  // REQUIRES: no other thread runs yet. A signal that was ignored when the program started (nohup) stays
  // ignored.
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Waits for a signal, a wake() or the end of `limit`. The signal's number, if it was one.
  std::optional<int> wait(std::chrono::milliseconds limit);

  // Any thread. Ends the wait in progress, or the next one.
  void wake();

 private:
  int signal_fd_ = -1;
  int wake_fd_ = -1;
};

}  // namespace batchrun
