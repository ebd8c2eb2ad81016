// Which quota groups are one, from what replies say: providers count limits by organisation, and name it in a
// header field (openai-organization, anthropic-organization-id). Two groups that name the same one draw on
// one quota, whatever the configuration makes of them. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "pool/ids.h"

namespace batchrun {

class SharedQuota {
 public:
  // A reply to a request of `group` names that organisation. Returns another group that is sure to name it
  // too, once this one is: after three replies, none of which named another (behind a proxy that spreads
  // requests over organisations every group names all of them). Limits are counted by model, so only replies
  // for the same one are compared, and only those of one provider. REQUIRES: organisation != 0.
  std::optional<GroupId> named(GroupId group, std::uint32_t provider, std::uint32_t model,
                               std::uint64_t organisation);

 private:
  struct Named {
    std::uint64_t organisation = 0;
    std::uint32_t times = 0;
    bool several = false;  // and others
  };
  std::map<std::pair<GroupId, std::uint32_t>, Named> by_group_;  // and model
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>, GroupId>
      by_organisation_;  // the first sure
};

}  // namespace batchrun
