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
  // Makes something of a block. Called on the seat's thread; a seat's blocks come in the input's order, so
  // what it needs to keep from block to block, it keeps by seat. Which seat a block comes to is chance.
  using Work = std::function<Made(const LineBlock& block, std::size_t seat)>;

  // `lines` outlives this. A seat is a thread, begun when there is a block for it; there is at least one.
  LineTeam(LineSource& lines, unsigned seats, Work work, std::size_t block = LineSource::block_octets)
      : lines_(lines), block_(block), work_(std::move(work)), seats_(std::max(seats, 1u)) {}

  // Ends what is worked on; what no seat has begun is dropped.
  ~LineTeam() {
    while (given_.try_pop()) {
    }
    given_.close();
    for (std::thread& thread : threads_) thread.join();
  }
  LineTeam(const LineTeam&) = delete;
  LineTeam& operator=(const LineTeam&) = delete;

  static unsigned seats_for_all() { return std::thread::hardware_concurrency(); }

  std::size_t seats() const { return seats_; }

  struct Worked {
    LineBlock lines;
    Made made;
    std::size_t seat = 0;
  };
  // The next block, nothing at the end. Throws what reading or the work throws.
  std::optional<Worked> next() {
    while (tasks_.size() < blocks_for_a_seat * seats_ && read_block()) {
    }
    if (tasks_.empty()) return std::nullopt;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    Done done = task.done.get();
    return Worked{std::move(*task.lines), std::move(done.made), done.seat};
  }

  // The blocks that were read and not given out; their work is done for nothing.
  std::deque<LineBlock> rest() {
    std::deque<LineBlock> rest;
    for (Task& task : tasks_) {
      task.done.wait();
      rest.push_back(std::move(*task.lines));
    }
    tasks_.clear();
    return rest;
  }

 private:
  // The one worked on and others, so that no seat waits while one block takes longer or the next are read.
  static constexpr std::size_t blocks_for_a_seat = 3;

  struct Done {
    Made made;
    std::size_t seat;
  };
  using Job = std::packaged_task<Done(std::size_t seat)>;
  struct Task {
    std::unique_ptr<LineBlock> lines;  // stays where it is while it is worked on
    std::future<Done> done;
  };

  bool read_block() {
    auto lines = std::make_unique<LineBlock>(lines_.next_block(block_));
    if (lines->lines.empty()) return false;
    Job job([this, block = lines.get()](std::size_t seat) { return Done{work_(*block, seat), seat}; });
    tasks_.push_back({std::move(lines), job.get_future()});
    given_.put(std::move(job), 1);
    if (threads_.size() < seats_) threads_.emplace_back([this, seat = threads_.size()] { work_at(seat); });
    return true;
  }

  void work_at(std::size_t seat) {
    while (auto job = given_.pop()) (*job)(seat);
  }

  LineSource& lines_;
  const std::size_t block_;
  const Work work_;
  const std::size_t seats_;
  std::deque<Task> tasks_;
  Handoff<Job> given_{blocks_for_a_seat};  // more are put than it holds: tasks_ is what is bounded
  std::vector<std::thread> threads_;       // by seat
};

}  // namespace batchrun
