// Strong names for places in the pool's tables, so that a key's number cannot be passed for a group's.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace batchrun {

template <class Tag>
struct Id {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(Id, Id) = default;
};

using KeyId = Id<struct KeyTag>;      // one credential
using GroupId = Id<struct GroupTag>;  // one quota group: the scope a provider counts limits in
using LaneId = Id<struct LaneTag>;    // the waiting rows that share a route
using RowId = Id<struct RowTag>;  // a row in memory: the place the runner keeps it at, reused after it ends

}  // namespace batchrun

template <class Tag>
struct std::hash<batchrun::Id<Tag>> {
  std::size_t operator()(batchrun::Id<Tag> id) const noexcept { return id.value; }
};
