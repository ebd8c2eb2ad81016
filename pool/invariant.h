// What happens when this program itself is wrong: it stops at once, in release builds too, before it can
// write a wrong line. Never used for what the world or the operator did.
#pragma once

namespace batchrun {

// Says what was broken on stderr and aborts.
[[noreturn]] void broken_invariant(const char* what) noexcept;

inline void require(bool holds, const char* what) noexcept {
  if (!holds) broken_invariant(what);
}

}  // namespace batchrun
