// An input's lines, worked on by every core: each block of them on a thread of its own, what comes of them in
// the input's order. Used by one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "io/line_source.h"

namespace batchrun {

template <class Made>
class LineTeam {
 public:
  // Makes something of a block. Called on any thread, but for each seat by one at a time and in the input's
  // order: what it needs to keep from block to block, it keeps by seat.
  using Work = std::function<Made(const LineBlock& block, std::size_t seat)>;

  // `lines` outlives this. As many blocks are worked on as there are seats: see seats_for().
  LineTeam(LineSource& lines, std::size_t seats, Work work, std::size_t block = 512u << 10)
      : lines_(lines), seats_(seats), block_(block), work_(std::move(work)) {}

  // More than threads run at once, so that none waits while a block is taken and the next one read.
  static std::size_t seats_for(unsigned threads) { return threads < 2 ? 1 : 2 * std::size_t{threads}; }
  static std::size_t seats_for_all() { return seats_for(std::thread::hardware_concurrency()); }

  std::size_t seats() const { return seats_; }

  struct Worked {
    LineBlock lines;
    Made made;
    std::size_t seat = 0;
  };
  // The next block, nothing at the end. Throws what reading or the work throws.
  std::optional<Worked> next() {
    while (tasks_.size() < seats_ && read_block()) {
    }
    if (tasks_.empty()) return std::nullopt;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    Made made = task.made.get();
    return Worked{std::move(*task.lines), std::move(made), taken_++ % seats_};
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
  struct Task {
    std::unique_ptr<LineBlock> lines;  // stays where it is while it is worked on
    std::future<Made> made;            // its end waits for the work's
  };

  bool read_block() {
    auto lines = std::make_unique<LineBlock>(lines_.next_block(block_));
    if (lines->lines.empty()) return false;
    const std::size_t seat = read_++ % seats_;
    auto made = std::async(seats_ > 1 ? std::launch::async : std::launch::deferred,
                           [this, block = lines.get(), seat] { return work_(*block, seat); });
    tasks_.push_back({std::move(lines), std::move(made)});
    return true;
  }

  LineSource& lines_;
  const std::size_t seats_, block_;
  const Work work_;
  std::deque<Task> tasks_;
  std::size_t read_ = 0, taken_ = 0;
};

}  // namespace batchrun
