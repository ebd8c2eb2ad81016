// What became of the units a quota granted: used, or lost to one cause. Units of a minute that are not used
// in time are gone; each is put under the cause that holds at that moment. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pool/time.h"

namespace batchrun {

enum class LossCause : std::uint8_t {
  guard,       // kept free for what the server's window may not be, or while a limit was being searched for
  packing,     // rows and room did not fit: the wrong sizes, another limit of the group, the dearer group
  estimation,  // reserved, and not charged in the end; or kept free for that doubt
  foreign,     // used by others, or the limit is lower than it was said to be
  outage,      // nobody could answer, or requests failed
  tail,        // no rows were left to send
  client,      // rows came too slowly, or no more requests may be open at once
};
inline constexpr std::size_t loss_causes = 7;
std::string_view name(LossCause cause);  // "foreign use"

using Losses = std::array<double, loss_causes>;
inline double& of(Losses& losses, LossCause cause) {
  return losses[static_cast<std::size_t>(cause)];
}
inline double of(const Losses& losses, LossCause cause) {
  return losses[static_cast<std::size_t>(cause)];
}

class LossLedger {
 public:
  // `credit`: units that are there at the start and keep until they are used, as those of a day do.
  explicit LossLedger(double credit = 0) : credit_(credit), left_(credit) {}

  // A cause and the most units it can have taken.
  struct Part {
    LossCause cause;
    double units;
  };

  // Up to `now`, since the last call, `granted` units came and `used` were taken, what was given back taken
  // off. What was not used is put under the parts in their order, and what is over under `rest`. Units used
  // on top were ahead of their time, or made good what was lost in the last 20 s, the newest first.
  void pass(double granted, double used, std::span<const Part> parts, LossCause rest, TimePoint now);

  // All that was granted, credit included, is used, lost or left; what is left is negative if more than that
  // was used.
  const Losses& lost() const { return lost_; }
  double left() const { return left_; }

 private:
  static constexpr Duration slot = std::chrono::milliseconds(2500);
  static constexpr std::size_t slots = 8;

  void lose(LossCause cause, double units);
  void make_good();
  void advance(TimePoint now);

  double credit_;
  double left_;
  Losses lost_{};
  std::array<Losses, slots> recent_{};  // a ring
  std::int64_t newest_ = 0;
};

}  // namespace batchrun
