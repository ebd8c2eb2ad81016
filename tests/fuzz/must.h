#pragma once

namespace batchrun {

// What must hold for every input; the fuzzer keeps the one for which it does not.
inline void must(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace batchrun
