#include "pool/minute_limit.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace batchrun {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration minute = seconds(60);
constexpr Duration mirror_slot = milliseconds(50);
constexpr Duration refused_slot = seconds(1);
constexpr Duration slices_slot = milliseconds(2);
// Sent at once after a pause, at the start of a run, or to a server that tolerates no more.
constexpr Duration least_burst = seconds(1);
constexpr Duration most_burst = seconds(16);
// Lost time is caught up at this many times the even rate.
// (Where slices are mirrored they bound what comes at once.)
constexpr double catch_up = 4, catch_up_in_slices = 30;
constexpr Duration first_loosening = seconds(20);
constexpr Duration pause_after_refusal = minutes(10);
constexpr Duration longest_pause = minutes(60);
// Not asked for room for so long, time was not lost but not needed.
constexpr Duration idle = seconds(1);
// What is left free when requests are refused although they are sent evenly: for the server's window at hand,
// and a little for good.
constexpr double caution_step = 0.02, most_caution = 0.10, caution_fading = 0.0005;  // the last a second
constexpr Duration fading_step = seconds(10);
constexpr double guard_step = 0.005, most_guard = 0.05;
// So many of the last replies refused, the limit is not what it was said to be.
constexpr double refused_too_often = 0.25;
constexpr double reply_weight = 1.0 / 16;
constexpr double rise_a_minute = 0.1;
constexpr double negligible_share = 0.01;  // of a limit, that others seem to have used
constexpr std::uint32_t believed_after = 3;
constexpr Duration search_step = milliseconds(250);
constexpr Duration looked_at_again = seconds(1);  // where a search may have risen
constexpr double error_weight = 1.0 / 64;         // of the newest error in the mean
// No more than what is noise of the arithmetic: three tokens short of a full window is a 429 as well.
constexpr double negligible_error = 0.0001;
// With two, 0.7 % of requests were answered 429 where single estimates are 10 % off; with three 0.1 %.
constexpr double deviations = 3;

// Sums of whole numbers are exact; compared with a whole limit they stay so.
double whole(double limit) {
  return limit < 1 ? limit : std::floor(limit);
}

}  // namespace

MinuteLimit::MinuteLimit(Dimension dimension, double units, const Server& server)
    : dimension_(dimension),
      limit_(whole(units)),
      ceiling_(limit_),
      refused_(minute + server.jitter, refused_slot),
      window_s_(batchrun::seconds(minute + server.jitter + mirror_slot)),
      peak_(units / window_s_ * catch_up, least_burst),
      flow_(units / window_s_, least_burst),
      mirror_(minute + server.jitter, mirror_slot),
      burst_(least_burst),
      jitter_(server.jitter),
      loosen_pause_(first_loosening) {
  if (server.slice) {
    burst_ = most_burst;
    flow_ = TokenBucket(units / window_s_, most_burst, least_burst);
    slice_.emplace(*server.slice + server.jitter, slices_slot);
    slice_share_ = batchrun::seconds(*server.slice) / batchrun::seconds(minute);
  }
  work_out_rates();
}

MinuteLimit::MinuteLimit(Dimension dimension, const LimitSearch& search, const Server& server)
    : MinuteLimit(dimension, LimitSearch(search).limit(TimePoint{}), server) {
  search_ = search;
}

void MinuteLimit::work_out_rates() {
  ceiling_ = whole(limit_ * (1 - guard_ - caution_));
  const double rate = ceiling_ / window_s_;
  flow_.set_rate(rate);
  peak_.set_rate(rate * (slice_ ? catch_up_in_slices : catch_up));
}

void MinuteLimit::set_limit(double units) {
  search_.reset();
  limit_ = whole(units);
  work_out_rates();
}

void MinuteLimit::told(const LimitReading& reading, double in_window, bool may_rise, TimePoint now) {
  const double units = *reading.limit;
  if (search_ || units < limit_) set_limit(units);
  if (units <= limit_) {
    raised_at_ = now;  // time in which it was no higher is none in which it might have risen
  } else if (may_rise) {
    rise(units, now);
  }
  if (!reading.remaining) return;
  const double remaining = *reading.remaining;
  const double foreign = units - remaining - in_window;
  // A bucket that holds little never has much left, but is soon as full as it gets: no window of a minute.
  if (reading.resets_in && foreign > units * batchrun::seconds(*reading.resets_in) / 60) return;
  // Some providers round what remains to thousands.
  const double rounding = remaining >= 1000 && std::fmod(remaining, 1000) == 0 ? 1000 : 1;
  if (foreign <= rounding + limit_ * negligible_share) {
    foreign_seen_ = 0;
  } else if (++foreign_seen_ >= believed_after) {
    mirror_.add(std::ceil(foreign), now, now);
    foreign_ += std::ceil(foreign);
    foreign_seen_ = 0;
  }
}

void MinuteLimit::rise(double units, TimePoint now) {
  if (raised_at_ == TimePoint{}) raised_at_ = now;
  const double most = limit_ * (1 + rise_a_minute * batchrun::seconds(now - raised_at_) / 60);
  const double risen = whole(std::min(units, most));
  if (risen <= limit_) return;
  raised_at_ = now;
  limit_ = risen;
  work_out_rates();
}

void MinuteLimit::follow_search(TimePoint now) {
  if (!search_ || now - followed_at_ < search_step) return;
  followed_at_ = now;
  const double before = ceiling_;
  if (search_->recovered(now)) {
    set_limit(told_);
  } else {
    limit_ = whole(search_->limit(now));
    work_out_rates();
  }
  // A row sent when the limit was at its lowest would otherwise be paid off for hours.
  if (ceiling_ <= before) return;
  flow_.shorten(before / ceiling_, now);
  peak_.shorten(before / ceiling_, now);
}

TimePoint MinuteLimit::before_it_rises(TimePoint when, TimePoint now) const {
  return search_ ? std::min(when, now + looked_at_again) : when;
}

MinuteLimit::Margins MinuteLimit::margins() const {
  return {ceiling_ / window_s_, deviations * error_ * std::sqrt(std::max(0.0, squares_)), foreign_};
}

void MinuteLimit::absorb(MinuteLimit& other, TimePoint now) {
  const auto searched_for = [](const MinuteLimit& limit) { return limit.search_ && limit.told_ == 0; };
  const auto told = [](const MinuteLimit& limit) { return limit.search_ ? limit.told_ : limit.limit_; };
  if (searched_for(*this) && searched_for(other)) {
    search_ = LimitSearch::around(limit_ + other.limit_);  // each has found its share
    limit_ = whole(search_->limit(now));
  } else {
    limit_ = searched_for(other)   ? told(*this)
             : searched_for(*this) ? told(other)
                                   : std::min(told(*this), told(other));
    search_.reset();
  }
  mirror_.absorb(other.mirror_, now);
  refused_.absorb(other.refused_, now);
  if (slice_ && other.slice_) slice_->absorb(*other.slice_, now);
  squares_ += other.squares_;
  largest_ = std::max(largest_, other.largest_);
  error_square_ = std::max(error_square_, other.error_square_);
  error_ = std::max(error_, other.error_);
  refused_share_ = guard_ = caution_ = 0;
  foreign_seen_ = 0;
  guard_at_ = TimePoint::min();
  if (!slice_) burst_ = least_burst;
  saves_up_ = false;
  loosen_at_ = never;
  loosen_pause_ = first_loosening;
  flow_.set_brim(burst_, now);
  work_out_rates();
}

// A slice holds its share of the limit; a request that is larger has it alone.
double MinuteLimit::slice_ceiling(double units) const {
  return std::max(whole(ceiling_ * slice_share_), units);
}

double MinuteLimit::needed(double units) const {
  if (error_ == 0) return std::min(units, ceiling_);
  const double doubt = deviations * error_ * (units + std::sqrt(squares_));
  return std::min(std::ceil(units + doubt), ceiling_);
}

// The most units that need no more than `free`.
double MinuteLimit::fitting(double free) const {
  if (free >= ceiling_) return std::numeric_limits<double>::infinity();  // more than a window goes alone
  if (error_ == 0) return free;
  double units = std::floor((free - deviations * error_ * std::sqrt(squares_)) / (1 + deviations * error_));
  while (units > 0 && needed(units) > free) --units;
  while (needed(units + 1) <= free) ++units;  // exact, or a wait for the time it fits would never end
  return units;
}

TimePoint MinuteLimit::flows_at(double units) const {
  const TimePoint evenly = std::max(peak_.ready_at(units), flow_.ready_at(units));
  return saves_up_ ? std::max(evenly, flow_.holds_at(units) + jitter_) : evenly;
}

void MinuteLimit::pass(TimePoint now) {
  follow_search(now);
  mirror_.pass(now);
  if (slice_) slice_->pass(now);
}

TimePoint MinuteLimit::gate(TimePoint now) const {
  // A row may produce no output, so output can hold back none for certain.
  if (dimension_ == Dimension::output_tokens_per_minute) return TimePoint::min();
  const TimePoint when = std::max(flows_at(1), mirror_.ready_at(ceiling_ - needed(1), now));
  return before_it_rises(when, now);
}

double MinuteLimit::room(TimePoint now) const {
  if (flows_at(1) > now) return 0;
  double most = fitting(ceiling_ - mirror_.sum(now));
  const double in_slice = slice_ ? slice_->sum(now) : 0;
  if (in_slice > 0) most = std::min(most, slice_ceiling(0) - in_slice);
  if (saves_up_) most = std::min(most, flow_.held(now - jitter_));
  return most;
}

TimePoint MinuteLimit::fits_at(double units, TimePoint now) const {
  const TimePoint when = std::max(flows_at(units), mirror_.ready_at(ceiling_ - needed(units), now));
  return slice_ ? std::max(when, slice_->ready_at(slice_ceiling(units) - units, now)) : when;
}

TimePoint MinuteLimit::ready_at(double units, TimePoint now) const {
  return before_it_rises(fits_at(units, now), now);
}

TimePoint MinuteLimit::wait_for(double units, TimePoint now) {
  const TimePoint when = fits_at(units, now);
  if (when > now && when != never) wanted_at_ = std::max(wanted_at_, when);
  return before_it_rises(when, now);
}

double MinuteLimit::spare(double units, TimePoint when) const {
  double most = std::min(ceiling_ - needed(units) - mirror_.sum(when), std::floor(flow_.level(when)) - 1);
  if (slice_) most = std::min(most, slice_ceiling(units) - units - slice_->sum(when));
  if (saves_up_) most = 0;
  return std::max(most, 0.0);
}

void MinuteLimit::save_for(double units, TimePoint now) {
  flow_.set_brim(std::max(burst_, from_seconds(units * window_s_ / ceiling_)), now);
}

void MinuteLimit::fade_caution(TimePoint now) {
  if (caution_ == 0 || now - cautious_since_ < fading_step) return;
  caution_ = std::max(0.0, caution_ - caution_fading * batchrun::seconds(now - cautious_since_));
  cautious_since_ = now;
  work_out_rates();
}

void MinuteLimit::loosen(TimePoint now) {
  if (loosen_at_ == never) loosen_at_ = now + loosen_pause_;
  if (now < loosen_at_) return;
  loosen_at_ = now + loosen_pause_;
  if (burst_ >= most_burst && !saves_up_) return;
  burst_ = saves_up_ ? least_burst : 2 * burst_;
  saves_up_ = false;
  flow_.set_brim(burst_, now);
  work_out_rates();
}

void MinuteLimit::take(double units, TimePoint now) {
  if (now - wanted_at_ > idle) flow_.cap_level(least_burst, now);
  wanted_at_ = now;
  follow_search(now);
  fade_caution(now);
  loosen(now);
  peak_.take(units, now);
  flow_.take(units, now);
  mirror_.add(units, now, now);
  if (slice_) slice_->add(units, now, now);
  squares_ += units * units;
  largest_ = std::max(largest_, units);
  if (saves_up_ && largest_ == units) save_up(now);
}

// Mirrors a server's bucket that holds no more than the largest request seen; earlier ones may have come to
// it late by the jitter, which flows_at() waits for.
void MinuteLimit::save_up(TimePoint now) {
  saves_up_ = true;
  burst_ = std::max(least_burst, from_seconds(largest_ * window_s_ / ceiling_));
  flow_.set_brim(burst_, now);
}

void MinuteLimit::refused(TimePoint now) {
  if (!search_ && refused_share_ > refused_too_often) {
    told_ = limit_;
    search_ = LimitSearch::below(limit_, now);
  } else if (search_) {
    search_->refused(mirror_.sum(now) - refused_.sum(now), now);
  }
  if (search_) {
    followed_at_ = {};
    return follow_search(now);
  }
  loosen_pause_ = std::clamp(2 * loosen_pause_, pause_after_refusal, longest_pause);
  loosen_at_ = now + loosen_pause_;
  caution_ = std::min(caution_ + caution_step, most_caution);
  cautious_since_ = now;
  if (!saves_up_) {
    save_up(now);
  } else if (now >= guard_at_) {  // once for a window of the server and what the next makes of it
    guard_ = std::min(guard_ + guard_step, most_guard);
    guard_at_ = now + 2 * minute;
  }
  work_out_rates();
}

bool MinuteLimit::settle(double reserved, double actual, const Settled& how) {
  const bool freed = error_ > 0;
  squares_ = how.last ? 0 : squares_ - reserved * reserved;
  const double units = actual - reserved;
  if (how.refused) refused_.add(actual, how.admitted_at, how.now);
  refused_share_ += ((how.refused ? 1.0 : 0.0) - refused_share_) * reply_weight;
  if (!how.refused) learn(reserved > 0 ? (units - how.foreseen) / reserved : 0);
  if (units == 0) return freed;
  mirror_.add(units, how.admitted_at, how.now);
  if (slice_) slice_->add(units, how.admitted_at, how.now);
  if (!how.refused) {  // what the server could not take was sent all the same: the flow goes on from there
    peak_.adjust(units, how.now);
    flow_.adjust(units, how.now);
  }
  return freed || units < 0;
}

void MinuteLimit::learn(double relative_error) {
  const double short_by = std::max(relative_error, 0.0);
  error_square_ += (short_by * short_by - error_square_) * error_weight;
  const double root = std::sqrt(error_square_);
  error_ = root < negligible_error ? 0 : root;
}

}  // namespace batchrun
