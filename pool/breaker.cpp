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
  open_for_ = {};
}

void Breaker::succeeded(RowId row) {
  if (state_ == State::retired || (suspected_ && !is_probe(row))) return;
  close();
}

bool Breaker::failed(RowId row, TimePoint now) {
  const bool probe = is_probe(row);
  one_row_ = failures_ == 0 || (one_row_ && failing_row_ == row);
  failing_row_ = row;
  ++failures_;
  if (probe) {
    open(suspected_ ? settings_->unauthorized_probe
                    : std::clamp(open_for_ * 2, settings_->open_first, settings_->open_max),
         now);
    return one_row_;
  }
  if (state_ == State::closed && failures_ >= settings_->failure_threshold) open(settings_->open_first, now);
  return true;
}

void Breaker::refused(RowId row, TimePoint now) {
  if (state_ == State::retired) return;
  if (suspected_) {
    if (is_probe(row)) state_ = State::retired;
    return;
  }
  suspected_ = true;
  open(settings_->unauthorized_probe, now);
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
