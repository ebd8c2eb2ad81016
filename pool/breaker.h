// Whether a key may be used, from what its attempts came to. One thread.
//
//   closed --failures in a row--> open --its time is over, one probe goes--> probing --good--> closed
//                                  ^-------------- probe failed, twice the time -----'
//   a 401 opens it as well, and if the probe is answered 401 too the key is retired for good
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
  bool suspected() const { return suspected_; }         // a 401 is not yet confirmed or refuted
  std::uint32_t failures() const { return failures_; }  // in a row

  // Earliest time an attempt may go: any time when closed, `never` while a probe is out or when retired.
  TimePoint ready_at() const;

  // An attempt for `row` goes out. REQUIRES: ready_at() <= now.
  void sent(RowId row);

  // A good answer. Closes the circuit; a suspected key needs its probe's good answer.
  void succeeded(RowId row);

  // A fault of the kind that blames the key. Returns whether it counts as an attempt of the row: a probe's
  // does not, it only tested the water, unless every failure since the last success was this very row's.
  bool failed(RowId row, TimePoint now);

  // A 401.
  void refused(RowId row, TimePoint now);

  // The provider answered, with something that is neither good nor the key's fault: as a probe that is
  // enough.
  void answered(RowId row);

  // The attempt says nothing: a probe may go again at once.
  void abandoned(RowId row, TimePoint now);

 private:
  enum class State : std::uint8_t { closed, open, probing, retired };
  bool is_probe(RowId row) const { return state_ == State::probing && row == probe_row_; }
  void open(Duration duration, TimePoint now);
  void close();

  const PoolSettings* settings_;
  State state_ = State::closed;
  bool suspected_ = false;
  bool one_row_ = false;        // all failures in a row were failing_row_'s
  std::uint32_t failures_ = 0;  // in a row
  RowId failing_row_{};
  RowId probe_row_{};
  Duration open_for_{};  // how long it was open last
  TimePoint open_until_{};
};

}  // namespace batchrun
