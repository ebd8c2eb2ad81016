#include "pool/failure_trail.h"

#include <utility>

namespace batchrun {

void FailureTrail::note(KeyId key, std::uint32_t streak) {
  if (count > 0 && stops[0].key == key) {
    if (count == 2) std::swap(stops[0], stops[1]);
    stops[count - 1U].streak = streak;
  } else if (count == 2 && stops[1].key == key) {
    stops[1].streak = streak;
  } else if (count < stops.size()) {
    stops[count++] = {key, streak};
  } else {
    stops[0] = stops[1];
    stops[1] = {key, streak};
  }
}

}  // namespace batchrun
