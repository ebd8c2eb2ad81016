#include "pool/invariant.h"

#include <cstdio>
#include <cstdlib>

namespace batchrun {

void broken_invariant(const char* what) noexcept {
  std::fprintf(stderr, "batchrun: broken invariant: %s\n", what);
  std::abort();
}

}  // namespace batchrun
