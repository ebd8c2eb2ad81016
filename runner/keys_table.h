// The tables of the keys verbs. Pure: settings and answers in, text out. Keys are shown by alias only, and
// everything that came from outside is inert.
#pragma once

#include <string>
#include <vector>

#include "runner/key_check.h"
#include "runner/settings.h"

namespace batchrun {

// Every configured key, those no row goes to as well: provider, group, tier, priority, state, models, tags,
// limits. The limits are those of the key's group; "from replies" are not configured ones.
std::string render_keys(const Settings& settings);

// The same keys with what their providers answered: verdict, status, time, organisation, limits of the reply,
// and under a key that is not ok why. checks[i] is of settings.keys[i].
std::string render_key_checks(const Settings& settings, const std::vector<KeyCheck>& checks);

}  // namespace batchrun
