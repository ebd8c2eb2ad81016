#include "pool/lane_queue.h"

#include <algorithm>
#include <cstring>

#include "pool/invariant.h"

namespace batchrun {
namespace {

// Rows of a kind that are brought forward into a look-ahead spread over kinds. Were it filled with as many of
// each, those of rare kinds would be overtaken so often that they become overdue.
constexpr int wanted_of_a_kind = 1;

static_assert(RowMix::buckets <= 256, "a bucket is kept in a byte");

}  // namespace

LaneQueue::LaneQueue(const PoolSettings& settings)
    : settings_(settings),
      look_ahead_(std::max(settings.look_ahead, 1U)),
      budget_(settings.retry_budget_ratio, settings.retry_budget_per_second) {}

void LaneQueue::push(const Job& job) {
  note_deadline(job);
  Waiting waiting(job);
  waiting.number = pushed_++;
  if (window() == look_ahead_) {
    Kind& kind = this->kind(waiting.bucket);
    kind.rows.push_back(waiting);
    kind.note_first();
    ++fresh_count_;
    return;
  }
  enter(waiting);
}

void LaneQueue::push_again(const Job& job, bool budgeted) {
  note_deadline(job);
  if (!budgeted) {
    push_due(job);
    return;
  }
  paused_.push_back(job);
  std::push_heap(paused_.begin(), paused_.end(), later);
  next_promotion_ = std::min(next_promotion_, job.not_before);
}

template <double RowSize::*figure, class Before>
double LaneQueue::Extreme<figure, Before>::of(const LaneQueue& queue) const {
  if (rows_ > 0) return units_;
  for (std::size_t place = 0; place < queue.window(); ++place) {
    const double units = queue.size_at(place).*figure;
    if (rows_ == 0 || Before()(units, units_)) {
      units_ = units;
      rows_ = 0;
    }
    rows_ += units == units_;
  }
  return units_;
}

template <double RowSize::*figure, class Before>
void LaneQueue::Extreme<figure, Before>::came(const RowSize& size) {
  const double units = size.*figure;
  if (rows_ == 0) return;
  if (units == units_) {
    ++rows_;
  } else if (Before()(units, units_)) {
    units_ = units;
    rows_ = 1;
  }
}

RowSize LaneQueue::least() const {
  return {least_input_.of(*this), least_output_.of(*this)};
}

RowSize LaneQueue::most() const {
  return {most_input_.of(*this), most_output_.of(*this)};
}

LaneQueue::Place LaneQueue::come(const Waiting& waiting) {
  if (in_window_of_[waiting.bucket]++ == 0) kinds_.insert(waiting.bucket);
  const RowSize size{waiting.job.input_tokens, waiting.job.max_output_tokens};
  least_input_.came(size);
  least_output_.came(size);
  most_input_.came(size);
  most_output_.came(size);
  auto row = static_cast<std::uint32_t>(rows_.size());
  if (free_rows_.empty()) {
    rows_.push_back(waiting);
  } else {
    row = free_rows_.back();
    free_rows_.pop_back();
    rows_[row] = waiting;
  }
  return {size, waiting.unfit_since, waiting.passed_over, row};
}

void LaneQueue::enter(const Waiting& waiting) {
  window_.push_back(come(waiting));
  buckets_.push_back(static_cast<std::uint8_t>(waiting.bucket));
  ++came_last_;
}

void LaneQueue::went(const Place& place, std::size_t bucket) {
  if (--in_window_of_[bucket] == 0) kinds_.erase(bucket);
  least_input_.went(place.size);
  least_output_.went(place.size);
  most_input_.went(place.size);
  most_output_.went(place.size);
  free_rows_.push_back(place.row);
}

LaneQueue::Kind& LaneQueue::kind(std::size_t bucket) {
  for (Kind& kind : fresh_) {
    if (kind.bucket == bucket) return kind;
  }
  return fresh_.emplace_back(Kind{.bucket = bucket});
}

std::size_t LaneQueue::find(std::size_t bucket, std::size_t place) const {
  const std::uint8_t* const begin = buckets_.data() + first_;
  const void* const found = std::memchr(begin + place, static_cast<int>(bucket), window() - place);
  return found == nullptr ? window()
                          : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - begin);
}

// Behind the due rows, before the new ones.
void LaneQueue::push_due(const Job& job) {
  if (due_in_window_ == look_ahead_) {
    due_.emplace_back(job);
    return;
  }
  if (window() == look_ahead_) {
    const Place last = window_.back();
    Waiting& row = rows_[last.row];
    window_.pop_back();
    buckets_.pop_back();
    went(last, row.bucket);
    row.unfit_since = last.unfit_since;
    row.passed_over = last.passed_over;
    Kind& kind = this->kind(row.bucket);
    kind.rows.push_front(row);
    kind.note_first();
    ++fresh_count_;
  }
  const Waiting waiting(job);
  const auto place = static_cast<std::ptrdiff_t>(first_ + due_in_window_);
  window_.insert(window_.begin() + place, come(waiting));
  buckets_.insert(buckets_.begin() + place, static_cast<std::uint8_t>(waiting.bucket));
  ++due_in_window_;
  ++came_ahead_;
}

void LaneQueue::promote(TimePoint now) {
  if (now < next_promotion_) return;
  next_promotion_ = never;
  while (!paused_.empty()) {
    const TimePoint when = std::max(paused_.front().not_before, budget_.ready_at(now));
    if (when > now) {
      next_promotion_ = when;
      return;
    }
    budget_.spend(now);
    std::pop_heap(paused_.begin(), paused_.end(), later);
    push_due(paused_.back());
    paused_.pop_back();
  }
}

Job LaneQueue::take(std::size_t place, TimePoint now) {
  for (std::size_t i = first_; i < first_ + place; ++i) {
    ++window_[i].passed_over;
    window_[i].unfit_since = std::min(window_[i].unfit_since, now);
  }
  const Job job = at(place);
  remove(place);
  return job;
}

void LaneQueue::remove(std::size_t place) {
  const auto close_hole = [&](auto& row) {
    const auto begin = row.begin() + static_cast<std::ptrdiff_t>(first_);
    const auto hole = begin + static_cast<std::ptrdiff_t>(place);
    std::move_backward(begin, hole, hole + 1);
    if (first_ + 1 == look_ahead_) row.erase(row.begin(), begin + 1);
  };
  went(window_[first_ + place], bucket(place));
  close_hole(window_);
  close_hole(buckets_);
  if (++first_ == look_ahead_) first_ = 0;
  if (place < due_in_window_) --due_in_window_;
  if (!due_.empty()) {
    enter(due_.front());
    due_.pop_front();
    ++due_in_window_;
  } else if (fresh_count_ > 0) {
    refill();
  }
}

// With the oldest row, or with the oldest of the kind there is least of in the look-ahead.
void LaneQueue::refill() {
  Kind* from = nullptr;
  int fewest = 0;
  std::uint64_t first = Kind::none;
  for (Kind& kind : fresh_) {
    if (kind.first == Kind::none) continue;
    const int there = spread_ ? std::min<int>(in_window_of_[kind.bucket], wanted_of_a_kind) : 0;
    if (from != nullptr && (there > fewest || (there == fewest && kind.first > first))) continue;
    from = &kind;
    fewest = there;
    first = kind.first;
  }
  enter(from->rows.front());
  from->rows.pop_front();
  from->note_first();
  --fresh_count_;
}

void LaneQueue::first_did_not_fit(TimePoint now) {
  window_[first_].unfit_since = std::min(window_[first_].unfit_since, now);
}

bool LaneQueue::overdue(TimePoint now) const {
  const Place& first = window_[first_];
  return first.passed_over >= settings_.passed_over_limit ||
         (first.unfit_since != never && first.unfit_since + settings_.passed_over_age <= now);
}

TimePoint LaneQueue::overdue_at() const {
  const TimePoint since = window_[first_].unfit_since;
  return since == never ? never : since + settings_.passed_over_age;
}

std::optional<Job> LaneQueue::take_expired(TimePoint now) {
  if (now < next_deadline_) return std::nullopt;
  const auto over = [&](const Job& job) { return deadline(job) <= now; };
  const auto waits_over = [&](const Waiting& waits) { return over(waits.job); };
  for (std::size_t place = 0; place < window(); ++place) {
    if (!over(at(place))) continue;
    const Job job = at(place);
    remove(place);
    return job;
  }
  if (const auto found = std::find_if(due_.begin(), due_.end(), waits_over); found != due_.end()) {
    const Job job = found->job;
    due_.erase(found);
    return job;
  }
  for (Kind& kind : fresh_) {
    const auto found = std::find_if(kind.rows.begin(), kind.rows.end(), waits_over);
    if (found == kind.rows.end()) continue;
    const Job job = found->job;
    kind.rows.erase(found);
    kind.note_first();
    --fresh_count_;
    return job;
  }
  if (const auto found = std::find_if(paused_.begin(), paused_.end(), over); found != paused_.end()) {
    const Job job = *found;
    paused_.erase(found);
    std::make_heap(paused_.begin(), paused_.end(), later);
    return job;
  }
  next_deadline_ = never;
  for (std::size_t place = 0; place < window(); ++place) note_deadline(at(place));
  for (const Waiting& waits : due_) note_deadline(waits.job);
  for (const Kind& kind : fresh_) {
    for (const Waiting& waits : kind.rows) note_deadline(waits.job);
  }
  for (const Job& job : paused_) note_deadline(job);
  return std::nullopt;
}

Job LaneQueue::take_any() {
  require(!empty(), "a row was taken from an empty lane");
  if (window() == 0) {
    std::pop_heap(paused_.begin(), paused_.end(), later);
    const Job job = paused_.back();
    paused_.pop_back();
    return job;
  }
  const Job job = at(0);
  remove(0);
  return job;
}

}  // namespace batchrun
