// How long a provider may take until the first chunk with content: the longer of a minute and four times what
// nearly all of its answers took (p99), so that one that is slow today is not taken for dead. One thread.
#pragma once

#include <chrono>

#include "pool/histogram.h"

namespace batchrun {

class FirstChunkPatience {
 public:
  static constexpr Duration least = std::chrono::seconds(60);

  // One that came: from the request's last byte to the first chunk. Negative counts as zero.
  void came_after(Duration time) { times_.record(time); }

  // For the next request; no longer than `most`, which is at least `least`.
  Duration deadline(Duration most) const;

 private:
  Histogram times_;
};

}  // namespace batchrun
