#include "runner/first_chunk_patience.h"

#include <algorithm>

namespace batchrun {

Duration FirstChunkPatience::deadline(Duration most) const {
  if (4 * times_.max() <= least) return least;  // and nobody looks through the table for each request
  return std::clamp(4 * times_.percentile(99), least, most);
}

}  // namespace batchrun
