// What a run's answers cost, summed up. A plain copy.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "pool/price.h"

namespace batchrun {

struct CostFigures {
  Picodollars total = 0;
  std::uint64_t unpriced_rows = 0;  // answered by models whose price is not known
  // Requests that failed after they were sent, so that the provider may have worked for them: how many, and
  // the most they can have cost, as far as prices are known. Not a part of `total`.
  std::uint64_t perhaps_billed = 0;
  Picodollars perhaps = 0;
  std::map<std::string, Picodollars> by_model, by_key, by_user;  // "provider/model"; alias; metadata.user_id
};

}  // namespace batchrun
