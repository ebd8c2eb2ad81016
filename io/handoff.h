// A bounded queue between threads, for batches: the lock is taken once for many rows, so a plain mutex is
// enough.
//
// One thread produces, one or several consume; those that use on_item and on_room are one. Bounded by weight
// (bytes, say): a producer that may wait blocks in push(), one that may not asks full() first. close() ends
// it from either side.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace batchrun {

template <class T>
class Handoff {
 public:
  explicit Handoff(std::size_t capacity) : capacity_(capacity) {}

  // Called from the other side's thread, without the lock, when something has come into an empty queue
  // (on_item) or room has come into a full one (on_room). Set before the threads start.
  std::function<void()> on_item, on_room;

  // Waits for room, then adds. False: closed, and `item` is gone.
  bool push(T item, std::size_t weight) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || weight_ < capacity_; });
    return add(std::move(lock), std::move(item), weight);
  }

  // Adds without waiting, past the capacity if need be. False: closed.
  bool put(T item, std::size_t weight) { return add(std::unique_lock(mutex_), std::move(item), weight); }

  bool full() const {
    const std::lock_guard lock(mutex_);
    return weight_ >= capacity_;
  }

  // What is there now; nothing when empty.
  std::optional<T> try_pop() { return take(std::unique_lock(mutex_)); }

  // Waits for an item; nothing when the queue is closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    item_.wait(lock, [&] { return closed_ || !items_.empty(); });
    return take(std::move(lock));
  }

  // Waits no longer than `limit`.
  template <class Limit>
  std::optional<T> pop(Limit limit) {
    std::unique_lock lock(mutex_);
    item_.wait_for(lock, limit, [&] { return closed_ || !items_.empty(); });
    return take(std::move(lock));
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    item_.notify_all();
    room_.notify_all();
    if (on_item) on_item();
  }

  // No item will come any more.
  bool ended() const {
    const std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }

 private:
  bool add(std::unique_lock<std::mutex> lock, T item, std::size_t weight) {
    if (closed_) return false;
    const bool was_empty = items_.empty();
    items_.emplace_back(std::move(item), weight);
    weight_ += weight;
    lock.unlock();
    item_.notify_one();  // each time: several may wait
    if (was_empty && on_item) on_item();
    return true;
  }

  std::optional<T> take(std::unique_lock<std::mutex> lock) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front().first));
    const bool was_full = weight_ >= capacity_;
    weight_ -= items_.front().second;
    items_.pop_front();
    const bool has_room = was_full && weight_ < capacity_;
    lock.unlock();
    if (has_room) {
      room_.notify_one();
      if (on_room) on_room();
    }
    return item;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable item_, room_;
  std::deque<std::pair<T, std::size_t>> items_;  // with weights; protected by mutex_
  std::size_t weight_ = 0;                       // protected by mutex_
  bool closed_ = false;                          // protected by mutex_
};

}  // namespace batchrun
