#include "bench/mockprovider/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;

struct Pair {
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0); }
  ~Pair() {
    for (int fd : ends) {
      if (fd >= 0) close(fd);
    }
  }
  std::array<int, 2> ends{-1, -1};
};

// Quits after `timers` timers; each sets the next.
struct Ticker : Watcher {
  Ticker(EventLoop& l, int n) : loop(l), timers(n) {}
  void on_ready(bool hung_up) override {
    ++ready;
    hung = hung || hung_up;
  }
  void on_timer() override {
    if (--timers == 0) return loop.quit();
    loop.set_timer(id, loop.now().since_start);
  }
  EventLoop& loop;
  int timers, ready = 0;
  bool hung = false;
  EventLoop::Id id = 0;
};

TEST(EventLoop, TimersRunInTheirOrderAndNotEarly) {
  EventLoop loop;
  Pair a, b;
  Ticker late(loop, 1), never(loop, 1);
  late.id = loop.add(a.ends[0], late);
  never.id = loop.add(b.ends[0], never);
  const Moment start = loop.now().since_start;
  loop.set_timer(never.id, start + 5ms);
  loop.set_timer(late.id, start + 500s);
  loop.set_timer(late.id, start + 20ms);  // replaces
  loop.clear_timer(never.id);
  loop.run([] {});
  EXPECT_GE(loop.now().since_start, start + 20ms);
  EXPECT_EQ(never.timers, 1);
}

TEST(EventLoop, ImmediateTimersDoNotKeepSocketsOut) {
  EventLoop loop;
  Pair a, b;
  Ticker busy(loop, 50), reader(loop, 1);
  busy.id = loop.add(a.ends[0], busy);
  reader.id = loop.add(b.ends[0], reader);
  loop.set_timer(busy.id, Moment::zero());
  ASSERT_EQ(write(b.ends[1], "x", 1), 1);
  loop.run([] {});
  EXPECT_GE(reader.ready, 1);
}

TEST(EventLoop, ARemovedWatcherHearsNothingMore) {
  EventLoop loop;
  Pair a, b;
  Ticker gone(loop, 1), last(loop, 1);
  gone.id = loop.add(a.ends[0], gone);
  loop.set_timer(gone.id, Moment::zero());
  loop.remove(gone.id);
  loop.remove(gone.id);
  last.id = loop.add(b.ends[0], last);  // takes the same slot
  loop.set_timer(gone.id, Moment::zero());
  loop.set_timer(last.id, loop.now().since_start + 5ms);
  loop.run([] {});
  EXPECT_EQ(gone.timers, 1);
  EXPECT_EQ(gone.ready, 0);
}

TEST(EventLoop, HangUpIsTold) {
  EventLoop loop;
  Pair a;
  Ticker watcher(loop, 1);
  watcher.id = loop.add(a.ends[0], watcher);
  close(a.ends[1]);
  a.ends[1] = -1;
  loop.set_timer(watcher.id, loop.now().since_start + 5ms);
  loop.run([] {});
  EXPECT_TRUE(watcher.hung);
}

TEST(EventLoop, PostedTasksRunInItsThread) {
  EventLoop loop;
  std::thread::id ran_in;
  std::thread runner([&] { loop.run([] {}); });
  loop.post([&] { ran_in = std::this_thread::get_id(); });
  loop.quit();
  const auto expected = runner.get_id();
  runner.join();
  EXPECT_EQ(ran_in, expected);
}

}  // namespace
}  // namespace batchrun::mock
