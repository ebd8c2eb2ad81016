#include "pool/lane_queue.h"

#include <algorithm>

#include "pool/invariant.h"

namespace batchrun {

LaneQueue::LaneQueue(const PoolSettings& settings)
    : settings_(settings),
      look_ahead_(std::max(settings.look_ahead, 1U)),
      budget_(settings.retry_budget_ratio, settings.retry_budget_per_second) {}

void LaneQueue::note_deadline(const Job& job) {
  next_deadline_ = std::min(next_deadline_, job.submitted_at + settings_.row_deadline);
}

void LaneQueue::push(const Job& job) {
  note_deadline(job);
  if (window() == look_ahead_) {
    fresh_.push_back({.job = job});
    return;
  }
  window_.push_back({.job = job});
  bounds_.reset();
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

// Behind the due rows, before the new ones.
void LaneQueue::push_due(const Job& job) {
  if (due_in_window_ == look_ahead_) {
    due_.push_back({.job = job});
    return;
  }
  if (window() == look_ahead_) {
    fresh_.push_front(window_.back());
    window_.pop_back();
  }
  window_.insert(window_.begin() + static_cast<std::ptrdiff_t>(first_ + due_in_window_), {.job = job});
  ++due_in_window_;
  bounds_.reset();
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

const std::pair<LaneQueue::Bounds, LaneQueue::Bounds>& LaneQueue::bounds() const {
  if (!bounds_) {
    Bounds least{at(0).input_tokens, at(0).max_output_tokens};
    Bounds most = least;
    for (std::size_t place = 1; place < window(); ++place) {
      const Job& job = at(place);
      least.input_tokens = std::min(least.input_tokens, job.input_tokens);
      least.max_output_tokens = std::min(least.max_output_tokens, job.max_output_tokens);
      most.input_tokens = std::max(most.input_tokens, job.input_tokens);
      most.max_output_tokens = std::max(most.max_output_tokens, job.max_output_tokens);
    }
    bounds_ = {least, most};
  }
  return *bounds_;
}

Job LaneQueue::take(std::size_t place, TimePoint now) {
  for (std::size_t i = 0; i < place; ++i) {
    Waiting& overtaken = in_window(i);
    ++overtaken.job.passed_over;
    overtaken.unfit_since = std::min(overtaken.unfit_since, now);
  }
  const Job job = at(place);
  remove(place);
  return job;
}

void LaneQueue::remove(std::size_t place) {
  const auto begin = window_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto hole = begin + static_cast<std::ptrdiff_t>(place);
  std::move_backward(begin, hole, hole + 1);
  if (++first_ == look_ahead_) {
    window_.erase(window_.begin(), begin + 1);
    first_ = 0;
  }
  if (place < due_in_window_) --due_in_window_;
  bounds_.reset();
  if (!due_.empty()) {
    window_.push_back(due_.front());
    due_.pop_front();
    ++due_in_window_;
  } else if (!fresh_.empty()) {
    window_.push_back(fresh_.front());
    fresh_.pop_front();
  }
}

void LaneQueue::first_did_not_fit(TimePoint now) {
  in_window(0).unfit_since = std::min(in_window(0).unfit_since, now);
}

bool LaneQueue::overdue(TimePoint now) const {
  const Waiting& first = window_[first_];
  return first.job.passed_over >= settings_.passed_over_limit ||
         (first.unfit_since != never && first.unfit_since + settings_.passed_over_age <= now);
}

std::optional<Job> LaneQueue::take_expired(TimePoint now) {
  if (now < next_deadline_) return std::nullopt;
  const auto over = [&](const Job& job) { return job.submitted_at + settings_.row_deadline <= now; };
  const auto waits_over = [&](const Waiting& waits) { return over(waits.job); };
  for (std::size_t place = 0; place < window(); ++place) {
    if (!over(at(place))) continue;
    const Job job = at(place);
    remove(place);
    return job;
  }
  for (std::deque<Waiting>* queue : {&due_, &fresh_}) {
    const auto found = std::find_if(queue->begin(), queue->end(), waits_over);
    if (found == queue->end()) continue;
    const Job job = found->job;
    queue->erase(found);
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
  for (const Waiting& waits : fresh_) note_deadline(waits.job);
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
