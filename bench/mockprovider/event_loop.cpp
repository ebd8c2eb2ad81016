#include "bench/mockprovider/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace batchrun::mock {

namespace {

constexpr EventLoop::Id wake_id = ~EventLoop::Id{0};

EventLoop::Id make_id(std::uint32_t place, std::uint32_t generation) {
  return (EventLoop::Id{generation} << 32) | place;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

EventLoop::EventLoop() : start_(std::chrono::steady_clock::now()) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fail("epoll_create1");
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) fail("eventfd");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = wake_id}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) fail("epoll_ctl");
}

EventLoop::~EventLoop() {
  close(wake_);
  close(epoll_);
}

EventLoop::Id EventLoop::add(int fd, Watcher& watcher) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t place = free_.back();
  free_.pop_back();
  Slot& s = slots_[place];
  s.watcher = &watcher;
  s.fd = fd;
  s.timer = 0;
  const Id id = make_id(place, ++s.generation);
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = id}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  return id;
}

void EventLoop::remove(Id id) {
  Slot* s = slot(id);
  if (!s) return;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, s->fd, nullptr);
  s->watcher = nullptr;
  s->timer = 0;
  free_.push_back(static_cast<std::uint32_t>(id));
}

EventLoop::Slot* EventLoop::slot(Id id) {
  const auto place = static_cast<std::uint32_t>(id);
  if (place >= slots_.size()) return nullptr;
  Slot& s = slots_[place];
  return s.watcher && s.generation == id >> 32 ? &s : nullptr;
}

void EventLoop::set_timer(Id id, Moment at) {
  if (Slot* s = slot(id)) {
    s->timer = ++timer_serial_;
    timers_.push({at, id, s->timer});
  }
}

void EventLoop::clear_timer(Id id) {
  if (Slot* s = slot(id)) s->timer = 0;
}

Now EventLoop::now() const {
  return {std::chrono::steady_clock::now() - start_, static_cast<std::int64_t>(std::time(nullptr))};
}

int EventLoop::sleep_ms() const {
  if (timers_.empty()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.top().at - now().since_start).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void EventLoop::run_timers() {
  if (timers_.empty()) return;
  // Timers set while this runs wait for the next turn, so that a chain of immediate ones cannot keep sockets
  // out.
  const Moment due = now().since_start;
  std::vector<Timer> ready;
  while (!timers_.empty() && timers_.top().at <= due) {
    ready.push_back(timers_.top());
    timers_.pop();
  }
  for (const Timer& timer : ready) {
    Slot* s = slot(timer.id);
    if (!s || s->timer != timer.serial) continue;
    s->timer = 0;
    s->watcher->on_timer();
  }
}

void EventLoop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto drained = read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) task();
}

void EventLoop::run(const std::function<void()>& after_turn) {
  stopping_ = false;
  std::array<epoll_event, 256> events;
  while (!stopping_) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), sleep_ms());
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == wake_id) {
        run_posted();
      } else if (Slot* s = slot(event.data.u64)) {
        s->watcher->on_ready((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
      }
    }
    run_timers();
    after_turn();
  }
}

void EventLoop::quit() {
  post([this] { stopping_ = true; });
}

void EventLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto woken = write(wake_, &one, sizeof one);
}

}  // namespace batchrun::mock
