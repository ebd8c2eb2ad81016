// What the pool should know, kept the slow way: every admission of every group in a list, summed up anew for
// every question. The simulation asks it whether an admission was allowed, and whether a wait was needed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pool/permit.h"
#include "pool/pool_spec.h"

namespace batchrun::sim {

class NaivePool {
 public:
  explicit NaivePool(const PoolSpec& spec);

  void admitted(std::uint64_t send, GroupId group, KeyId key, const Cost& cost, TimePoint now);
  void settled(std::uint64_t send, GroupId group, KeyId key, const Cost& actual, TimePoint now);

  // Sends of the last 60 s plus the spec's jitter, with `cost` added, pass no minute limit; nor do those of
  // the whole run a day limit; nor those in flight the group's or the key's concurrency.
  bool allows(KeyId key, const Cost& cost, TimePoint now) const { return holds(key, cost, now, Duration{}); }

  // `cost` could go on `key` now, judged with care: windows a tenth of a second longer than above, and pacing
  // buckets that hold more than the one unit needed.
  bool surely_fits(KeyId key, const Cost& cost, TimePoint now) const;

 private:
  static constexpr std::size_t minute_dimensions = 4;
  struct Send {
    std::uint64_t number;
    TimePoint at;
    Cost cost;
  };
  struct Group {
    std::vector<Send> sends;
    std::array<double, dimensions> of_run{};
    std::array<double, minute_dimensions> level{};  // of each pacing bucket
    TimePoint levels_at{};
    std::uint32_t in_flight = 0;
  };
  bool holds(KeyId key, const Cost& cost, TimePoint now, Duration longer) const;
  std::array<double, minute_dimensions> levels(std::uint32_t group, TimePoint now) const;

  PoolSpec spec_;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> key_in_flight_;
};

}  // namespace batchrun::sim
