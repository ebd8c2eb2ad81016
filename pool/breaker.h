// Whether a key may be used, from what its attempts came to. One thread.
//
//   closed --failures in a row--> open --its time is over, one probe goes--> probing --good--> closed
//                                  ^-------------- probe failed, twice the time -----'
//   a 401 opens it as well; what follows if the probe is answered 401 too is for ProviderHealth to say
//
// OpenRouter once answered 401 for its own outage, which is why one 401 is not believed.
#pragma once

#include <cstdint>
#include <string_view>

#include "pool/ids.h"
#include "pool/pool_spec.h"
#include "pool/time.h"

namespace batchrun {

class Breaker {
 public:
  // `settings` must outlive this.
  explicit Breaker(const PoolSettings& settings) : settings_(&settings) {}

  bool closed() const { return state_ == State::closed; }
  bool probing() const { return state_ == State::probing; }
  bool retired() const { return state_ == State::retired; }
  bool suspected() const { return suspected_; }                   // a 401 is not yet confirmed or refuted
  TimePoint suspected_since() const { return suspected_since_; }  // REQUIRES: suspected()
  std::uint32_t failures() const { return failures_; }            // in a row

  // Failed too often in a row, rather than answered 401.
  bool ejected() const { return !suspected_ && (state_ == State::open || state_ == State::probing); }

  // Names the current row of failures: another number means that a good answer has come in between.
  std::uint32_t streak() const { return streak_; }

  // The attempt that tests whether the key is well again is this row's.
  bool is_probe(RowId row) const { return state_ == State::probing && row == probe_row_; }

  // Earliest time an attempt may go: any time when closed, `never` while a probe is out or when retired.
  TimePoint ready_at() const;

  // An attempt for `row` goes out. REQUIRES: ready_at() <= now.
  void sent(RowId row);

  // A good answer. Closes the circuit; a suspected key needs its probe's good answer.
  void succeeded(RowId row);

  // A fault of the kind that blames the key; `threshold` in a row open the circuit. Returns whether it counts
  // as an attempt of the row: a probe's does not, it only tested the water, unless every failure since the
  // last success was this very row's.
  bool failed(RowId row, TimePoint now, std::uint32_t threshold);

  // One failure of that streak was not the key's after all. Does nothing if the streak is over.
  void forgive(std::uint32_t streak);

  // A 401. Returns whether it is the probe's, and so confirms an earlier one: the caller then calls retire()
  // or doubt().
  bool refused(RowId row, TimePoint now);

  // Out for good.
  void retire() { state_ = State::retired; }

  // The confirmation is not believed: the next probe may go after twice the time.
  void doubt(TimePoint now);

  // The 401s were not the key's fault. REQUIRES: suspected() and not retired.
  void pardon() { close(); }

  // The provider answered, with something that is neither good nor the key's fault: as a probe that is
  // enough.
  void answered(RowId row);

  // The attempt says nothing: a probe may go again at once.
  void abandoned(RowId row, TimePoint now);

 private:
  enum class State : std::uint8_t { closed, open, probing, retired };
  Duration longer(Duration pause) const;
  void open(Duration duration, TimePoint now);
  void close();

  const PoolSettings* settings_;
  State state_ = State::closed;
  bool suspected_ = false;
  TimePoint suspected_since_{};
  bool one_row_ = false;        // all failures in a row were failing_row_'s
  std::uint32_t failures_ = 0;  // in a row
  std::uint32_t streak_ = 0;
  RowId failing_row_{};
  RowId probe_row_{};
  Duration open_for_{};  // how long it was open last
  TimePoint open_until_{};
};

}  // namespace batchrun
