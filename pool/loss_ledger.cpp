#include "pool/loss_ledger.h"

#include <algorithm>

#include "pool/invariant.h"

namespace batchrun {

std::string_view name(LossCause cause) {
  switch (cause) {
    case LossCause::guard:
      return "guard";
    case LossCause::packing:
      return "packing";
    case LossCause::estimation:
      return "estimation";
    case LossCause::foreign:
      return "foreign use";
    case LossCause::outage:
      return "outage";
    case LossCause::tail:
      return "tail";
    case LossCause::client:
      return "client";
  }
  broken_invariant("a cause of loss without a name");
}

void LossLedger::pass(double granted, double used, std::span<const Part> parts, LossCause rest,
                      TimePoint now) {
  advance(now);
  left_ += granted - used;
  for (const Part& part : parts) lose(part.cause, part.units);
  lose(rest, left_ - credit_);
  if (left_ < 0) make_good();
}

void LossLedger::lose(LossCause cause, double units) {
  const double gone = std::min(units, left_ - credit_);
  if (!(gone > 0)) return;
  left_ -= gone;
  of(lost_, cause) += gone;
  of(recent_[static_cast<std::size_t>(newest_) % slots], cause) += gone;
}

void LossLedger::make_good() {
  for (std::size_t age = 0; age < slots; ++age) {
    Losses& losses = recent_[(static_cast<std::size_t>(newest_) + slots - age) % slots];
    double sum = 0;
    for (const double units : losses) sum += units;
    if (!(sum > 0)) continue;
    const double share = std::min(1.0, -left_ / sum);
    for (std::size_t cause = 0; cause < loss_causes; ++cause) {
      const double units = share * losses[cause];
      losses[cause] -= units;
      lost_[cause] -= units;
      left_ += units;
    }
    if (share < 1) return;
  }
}

void LossLedger::advance(TimePoint now) {
  const std::int64_t current = now.time_since_epoch() / slot;
  const std::int64_t steps = std::min<std::int64_t>(current - newest_, slots);
  for (std::int64_t step = 1; step <= steps; ++step) {
    recent_[static_cast<std::size_t>(current - steps + step) % slots] = {};
  }
  newest_ = std::max(newest_, current);
}

}  // namespace batchrun
