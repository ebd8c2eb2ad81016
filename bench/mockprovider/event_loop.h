// One thread that sleeps until a socket or a timer is ready: epoll, edge-triggered, and a heap of timers. Not
// Asio, on purpose: the program under test stands on Asio, and this is what it is tested against.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <vector>

#include "bench/mockprovider/moment.h"

namespace batchrun::mock {

class Watcher {
 public:
  virtual ~Watcher() = default;
  // The socket may be read or written. `hung_up`: the peer has closed its side or the connection is broken.
  virtual void on_ready(bool hung_up) = 0;
  virtual void on_timer() = 0;
};

// All methods but post and quit are for the thread that runs it (or before it runs).
class EventLoop {
 public:
  using Id = std::uint64_t;  // never used twice

  EventLoop();  // throws std::system_error
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Watches `fd` until remove(id). A watcher is not called after its removal, not even for what is already
  // known.
  Id add(int fd, Watcher& watcher);
  void remove(Id id);
  // Calls on_timer at `at`; replaces the watcher's timer if it has one.
  void set_timer(Id id, Moment at);
  void clear_timer(Id id);

  Now now() const;

  // Runs until quit(). `after_turn` is called after each batch of calls, when no watcher is on the stack.
  void run(const std::function<void()>& after_turn);
  void quit();                            // any thread
  void post(std::function<void()> task);  // any thread: runs in the loop's

 private:
  struct Slot {
    Watcher* watcher = nullptr;
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint64_t timer = 0;  // serial of the timer that counts; 0 = none
  };
  struct Timer {
    Moment at;
    Id id;
    std::uint64_t serial;
    bool operator>(const Timer& other) const { return at > other.at; }
  };
  Slot* slot(Id id);
  int sleep_ms() const;
  void run_timers();
  void run_posted();

  int epoll_ = -1, wake_ = -1;
  std::chrono::steady_clock::time_point start_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::uint64_t timer_serial_ = 0;
  bool stopping_ = false;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace batchrun::mock
