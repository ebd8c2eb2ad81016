// How much a test tries.
#pragma once

namespace batchrun {

// How many of `all` seeds to try: all of them, or an eighth under sanitizers. Those look for bad memory and
// not for bad decisions, and make everything several times as slow.
constexpr unsigned seeds_of(unsigned all) {
#ifdef BATCHRUN_SANITIZED
  return (all + 7) / 8;
#else
  return all;
#endif
}

}  // namespace batchrun
