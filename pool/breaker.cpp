#include "pool/breaker.h"

#include <algorithm>

#include "pool/invariant.h"

namespace batchrun {

TimePoint Breaker::ready_at() const {
  switch (state_) {
    case State::closed:
      return TimePoint::min();
    case State::open:
      return open_until_;
    case State::probing:
    case State::retired:
      return never;
  }
  broken_invariant("a breaker without a state");
}

void Breaker::sent(RowId row) {
  if (state_ == State::closed) return;
  require(state_ == State::open, "a key that is out was used");
  state_ = State::probing;
  probe_row_ = row;
}

void Breaker::open(Duration duration, TimePoint now) {
  state_ = State::open;
  open_for_ = duration;
  open_until_ = now + duration;
}

void Breaker::close() {
  state_ = State::closed;
  suspected_ = false;
  failures_ = 0;
  ++streak_;
  open_for_ = {};
}

// Twice the pause, but a key that is out is tried again at least once in every health check interval; unless
// somebody wants circuits to be open for longer than that from the start.
Duration Breaker::longer(Duration pause) const {
  const Duration most =
      std::max(settings_->open_first, std::min(settings_->open_max, settings_->health_check_interval));
  return std::clamp(pause * 2, settings_->open_first, most);
}

void Breaker::succeeded(RowId row) {
  if (state_ == State::retired || (suspected_ && !is_probe(row))) return;
  close();
}

bool Breaker::failed(RowId row, TimePoint now, std::uint32_t threshold) {
  const bool probe = is_probe(row);
  one_row_ = failures_ == 0 || (one_row_ && failing_row_ == row);
  failing_row_ = row;
  ++failures_;
  if (probe) {
    open(suspected_ ? settings_->unauthorized_probe : longer(open_for_), now);
    return one_row_;
  }
  if (state_ == State::closed && failures_ >= threshold) open(settings_->open_first, now);
  return true;
}

void Breaker::forgive(std::uint32_t streak) {
  if (streak != streak_ || failures_ == 0) return;
  --failures_;
  if (ejected() && state_ == State::open && failures_ < settings_->failure_threshold) close();
}

bool Breaker::refused(RowId row, TimePoint now) {
  if (state_ == State::retired) return false;
  if (suspected_) return is_probe(row);
  suspected_ = true;
  suspected_since_ = now;
  open(settings_->unauthorized_probe, now);
  return false;
}

void Breaker::doubt(TimePoint now) {
  open(longer(open_for_), now);
}

void Breaker::answered(RowId row) {
  if (is_probe(row)) close();
}

void Breaker::abandoned(RowId row, TimePoint now) {
  if (!is_probe(row)) return;
  state_ = State::open;
  open_until_ = now;
}

}  // namespace batchrun
