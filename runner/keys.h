// The verbs `keys` and `keys check`: what is configured, and whether the providers take it.
#pragma once

#include "runner/settings.h"

namespace batchrun {

// Prints the table to stdout and remarks to stderr. Verb::keys sends nothing; Verb::check_keys asks each
// provider once with each key, spending no tokens. Returns the exit code: 0, or 3 when a key that was tried
// is not ok, or 4 when no key can be used.
int print_keys(const Settings& settings);

}  // namespace batchrun
