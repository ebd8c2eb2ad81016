// An input's lines, worked on by every core: a block of them at a time, what comes of them in the input's
// order. Used by one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "io/handoff.h"
#include "io/line_source.h"

namespace batchrun {

template <class Made>
class LineTeam {
 public:
  // Makes something of a block. Called on the seat's thread, in the input's order: what it needs to keep from
  // block to block, it keeps by seat. It may be called for the next block before the last is taken.
  using Work = std::function<Made(const LineBlock& block, std::size_t seat)>;

  // `lines` outlives this. A seat is a thread, begun with its first block; there is at least one.
  LineTeam(LineSource& lines, unsigned seats, Work work, std::size_t block = 512u << 10)
      : lines_(lines), block_(block), work_(std::move(work)), seats_(std::max(seats, 1u)) {}

  static unsigned seats_for_all() { return std::thread::hardware_concurrency(); }

  std::size_t seats() const { return seats_.size(); }

  struct Worked {
    LineBlock lines;
    Made made;
    std::size_t seat = 0;
  };
  // The next block, nothing at the end. Throws what reading or the work throws.
  std::optional<Worked> next() {
    while (tasks_.size() < blocks_for_a_seat * seats_.size() && read_block()) {
    }
    if (tasks_.empty()) return std::nullopt;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    Made made = task.made.get();
    return Worked{std::move(*task.lines), std::move(made), taken_++ % seats_.size()};
  }

  // The blocks that were read and not given out; their work is done for nothing.
  std::deque<LineBlock> rest() {
    std::deque<LineBlock> rest;
    for (Task& task : tasks_) {
      task.made.wait();
      rest.push_back(std::move(*task.lines));
    }
    tasks_.clear();
    return rest;
  }

 private:
  // The one worked on and another, so that no seat waits while a block is taken and the next one read.
  static constexpr std::size_t blocks_for_a_seat = 2;

  struct Task {
    std::unique_ptr<LineBlock> lines;  // stays where it is while it is worked on
    std::future<Made> made;
  };

  // A thread and what it has still to do, which is done before it goes.
  class Seat {
   public:
    ~Seat() {
      given_.close();
      thread_.join();
    }
    std::future<Made> give(std::packaged_task<Made()> work) {
      std::future<Made> made = work.get_future();
      given_.put(std::move(work), 1);
      return made;
    }

   private:
    void run() {
      while (auto work = given_.pop()) (*work)();
    }

    Handoff<std::packaged_task<Made()>> given_{blocks_for_a_seat};
    std::thread thread_{[this] { run(); }};
  };

  bool read_block() {
    auto lines = std::make_unique<LineBlock>(lines_.next_block(block_));
    if (lines->lines.empty()) return false;
    const std::size_t number = read_++ % seats_.size();
    std::unique_ptr<Seat>& seat = seats_[number];
    if (!seat) seat = std::make_unique<Seat>();
    std::packaged_task<Made()> work([this, block = lines.get(), number] { return work_(*block, number); });
    tasks_.push_back({std::move(lines), seat->give(std::move(work))});
    return true;
  }

  LineSource& lines_;
  const std::size_t block_;
  const Work work_;
  std::deque<Task> tasks_;
  std::vector<std::unique_ptr<Seat>> seats_;  // end before what they may be at work on
  std::size_t read_ = 0, taken_ = 0;
};

}  // namespace batchrun
