#include "pool/lane_plan.h"

#include <algorithm>

namespace batchrun {

void LanePlan::renew(const std::vector<double>& group_sends) {
  ++number_;
  ways_.resize(group_sends.size());
  for (std::size_t way = 0; way < ways_.size(); ++way) {
    for (std::size_t kind = 0; kind < RowMix::buckets; ++kind) {
      const auto credit = static_cast<float>(this->credit(way, kind, group_sends[way]));
      ways_[way].kinds[kind] = {.carried = std::clamp(credit, -most_ahead - 1, most_behind)};
    }
    ways_[way].suited = KindSet::all();
    ways_[way].group_sends = group_sends[way];
  }
}

}  // namespace batchrun
