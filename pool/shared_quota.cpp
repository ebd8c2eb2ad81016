#include "pool/shared_quota.h"

namespace batchrun {
namespace {

constexpr std::uint32_t believed_after = 3;  // replies

}  // namespace

std::optional<GroupId> SharedQuota::named(GroupId group, std::uint32_t provider, std::uint32_t model,
                                          std::uint64_t organisation) {
  Named& known = by_group_[{group, model}];
  if (known.several || (known.times >= believed_after && known.organisation == organisation)) {
    return std::nullopt;
  }
  if (known.times > 0 && known.organisation != organisation) {
    known.several = true;
    const auto first = by_organisation_.find({provider, model, known.organisation});
    if (first != by_organisation_.end() && first->second == group) by_organisation_.erase(first);
    return std::nullopt;
  }
  known.organisation = organisation;
  if (++known.times < believed_after) return std::nullopt;
  const auto [first, none_before] = by_organisation_.try_emplace({provider, model, organisation}, group);
  if (none_before) return std::nullopt;
  return first->second;
}

}  // namespace batchrun
