// The rows of one lane that wait, in the order in which they should go: failed ones that are due, then new
// ones as they came. The first few are the look-ahead: a later one may overtake when the first does not fit,
// and whoever is overtaken too often or for too long is overdue. Where rows are chosen by their kind, the
// look-ahead can be spread over kinds instead: the oldest of each. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "pool/kind_set.h"
#include "pool/pool_spec.h"
#include "pool/retry.h"
#include "pool/row_mix.h"
#include "pool/scheduler.h"

namespace batchrun {

// Of a row, as its Job says.
struct RowSize {
  double input_tokens, max_output_tokens;

  // Costs no less wherever it goes: a row without a maximum output may cost more or less than one with.
  bool covers(const RowSize& other) const {
    return input_tokens >= other.input_tokens &&
           (max_output_tokens == other.max_output_tokens ||
            (other.max_output_tokens > 0 && max_output_tokens > other.max_output_tokens));
  }
  friend bool operator==(const RowSize&, const RowSize&) = default;
};

class LaneQueue {
 public:
  // `settings` must outlive this.
  explicit LaneQueue(const PoolSettings& settings);

  // A new row, behind all that wait. REQUIRES: submitted_at is set.
  void push(const Job& job);

  // A row that is sent again. With `budgeted` it waits for its not_before and for the retry budget, else it
  // is due now.
  void push_again(const Job& job, bool budgeted);

  // Moves rows whose pause is over and that the budget affords into the look-ahead. To be called before the
  // window is looked at; does nothing when none is due.
  void promote(TimePoint now);
  void sent(TimePoint now) { budget_.sent(now); }  // any attempt of the lane, for the budget

  // The look-ahead: rows 0 .. window() - 1, the first is the one to go if it fits.
  std::size_t window() const { return window_.size() - first_; }
  const Job& at(std::size_t place) const { return rows_[window_[first_ + place].row].job; }
  std::size_t bucket(std::size_t place) const { return buckets_[first_ + place]; }  // of RowMix
  const RowSize& size_at(std::size_t place) const { return window_[first_ + place].size; }
  std::uint32_t passed_over(std::size_t place) const { return window_[first_ + place].passed_over; }

  // Rows 0 .. again() - 1 of the look-ahead have been sent before.
  std::size_t again() const { return due_in_window_; }

  // The kinds that have rows in the look-ahead.
  const KindSet& kinds() const { return kinds_; }

  // The first row of that bucket from `place` on; window() if there is none.
  std::size_t find(std::size_t bucket, std::size_t place) const;

  // How many rows have come into the look-ahead, at its end and ahead of others. Of those at the end that
  // came since somebody looked, each is among that many last places, if it is still there.
  std::uint64_t came_last() const { return came_last_; }
  std::uint64_t came_ahead() const { return came_ahead_; }

  // The smallest and the largest of each figure among the rows of the look-ahead. REQUIRES: window() > 0.
  RowSize least() const;
  RowSize most() const;

  // From now on, rows come into the look-ahead so that each kind that waits has its place in it; without, as
  // they came.
  void spread_over_kinds(bool spread) { spread_ = spread; }

  // Takes row `place` out; those before it were passed over. REQUIRES: place < window().
  Job take(std::size_t place, TimePoint now);

  // The first row did not fit, although others might: its age counts from here. REQUIRES: window() > 0.
  void first_did_not_fit(TimePoint now);

  // Whether the first row has been passed over too often, or for too long has not fitted. REQUIRES: window()
  // > 0.
  bool overdue(TimePoint now) const;

  // When the first row's age alone makes it overdue; `never` if it always fitted. REQUIRES: window() > 0.
  TimePoint overdue_at() const;

  // When promote() may have something to do: `never` if no row pauses.
  TimePoint next_promotion() const { return next_promotion_; }

  // Earliest time at which a row's life may be over; a bound from below.
  TimePoint next_deadline() const { return next_deadline_; }

  // When its life is over.
  TimePoint deadline(const Job& job) const {
    return std::max(job.submitted_at, lives_from_) + settings_.row_deadline;
  }

  // The lives of rows that came before `time` count from then.
  void count_lives_from(TimePoint time) { lives_from_ = std::max(lives_from_, time); }

  // Takes out one row whose life is over, wherever it waits; nothing if there is none.
  std::optional<Job> take_expired(TimePoint now);

  std::size_t size() const { return window() + due_.size() + fresh_count_ + paused_.size(); }
  bool empty() const { return size() == 0; }

  // Takes out the next row of all, paused ones too. REQUIRES: not empty.
  Job take_any();

 private:
  struct Waiting {
    explicit Waiting(const Job& its_job) : job(its_job), bucket(RowMix::bucket_of(its_job)) {}
    Job job;
    std::size_t bucket;
    std::uint64_t number = 0;       // of new rows: in the order they came
    TimePoint unfit_since = never;  // first overtaken, or first and not fitting
    std::uint32_t passed_over = 0;  // how often another row went first
  };
  // A row of the look-ahead: what is asked of many for each that goes, so that few bytes are passed over. The
  // rest stays where it is, in rows_, while places move up.
  struct Place {
    RowSize size;
    TimePoint unfit_since;
    std::uint32_t passed_over;
    std::uint32_t row;  // in rows_
  };
  // New rows of one bucket behind the window, and the number of the first; `none` without rows.
  struct Kind {
    static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
    std::size_t bucket;
    std::uint64_t first = none;
    std::deque<Waiting> rows{};
    void note_first() { first = rows.empty() ? none : rows.front().number; }
  };
  static bool later(const Job& a, const Job& b) { return a.not_before > b.not_before; }
  // The smallest or the largest of one figure among the rows of the look-ahead, and how many have it; looked
  // for again when the last of those is gone.
  template <double RowSize::*figure, class Before>
  class Extreme {
   public:
    double of(const LaneQueue& queue) const;
    void came(const RowSize& size);
    void went(const RowSize& size) { rows_ -= rows_ > 0 && size.*figure == units_; }

   private:
    mutable double units_ = 0;
    mutable std::size_t rows_ = 0;  // 0: not known
  };
  void note_deadline(const Job& job) { next_deadline_ = std::min(next_deadline_, deadline(job)); }
  void push_due(const Job& job);
  Kind& kind(std::size_t bucket);
  void remove(std::size_t place);
  void refill();
  void enter(const Waiting& waiting);
  Place come(const Waiting& waiting);
  void went(const Place& place, std::size_t bucket);

  const PoolSettings& settings_;
  const std::size_t look_ahead_;
  TimePoint lives_from_ = TimePoint::min();
  RetryBudget budget_;
  std::vector<Place> window_;  // from first_ on: failed rows that are due, then new ones; full if more wait
  std::vector<std::uint8_t> buckets_;  // of the same rows, to be searched
  std::size_t first_ = 0;      // of both: what lies before is taken; cleared away now and then, all at once
  std::vector<Waiting> rows_;  // of the window, in no order
  std::vector<std::uint32_t> free_rows_;  // places there
  std::size_t due_in_window_ = 0;
  std::deque<Waiting> due_;  // due as well; only while the window holds nothing else
  std::vector<Kind> fresh_;
  std::size_t fresh_count_ = 0;
  std::uint64_t pushed_ = 0;
  std::uint64_t came_last_ = 0, came_ahead_ = 0;
  std::array<std::uint16_t, RowMix::buckets> in_window_of_{};
  KindSet kinds_;  // those of which that is not 0
  bool spread_ = false;
  std::vector<Job> paused_;  // a heap, earliest not_before first
  Extreme<&RowSize::input_tokens, std::less<>> least_input_;
  Extreme<&RowSize::max_output_tokens, std::less<>> least_output_;
  Extreme<&RowSize::input_tokens, std::greater<>> most_input_;
  Extreme<&RowSize::max_output_tokens, std::greater<>> most_output_;
  TimePoint next_promotion_ = never;
  TimePoint next_deadline_ = never;
};

}  // namespace batchrun
