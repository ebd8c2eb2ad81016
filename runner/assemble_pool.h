// From what config file and environment say to the pool of a run: providers, keys with their aliases, quota
// groups, routes. Reads no files. Every contradiction is a UsageError with its place.
#pragma once

#include "runner/pool_config.h"
#include "runner/settings.h"

namespace batchrun {

// Both as one. Where both set the same thing of a provider, the environment's counts; its keys come after the
// file's. Of one key given in both (or twice), the first entry counts: one with a name and limits beats a
// bare variable.
PoolConfig merge_pools(PoolConfig file, PoolConfig environment);

// Fills in providers, keys, routes, notices and the pool's groups, keys and constants.
//
// Keys with the same `group` of one provider share one GroupSpec and must agree on its limits; a key without
// one is a group of its own. Aliases are the configured names, else provider-1, provider-2, ... by place in
// the list; unique.
void assemble_pool(PoolConfig config, Settings& settings);

}  // namespace batchrun
