// "Did you mean": the valid name closest to one that is not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace batchrun {

// Insertions, deletions, replacements and swaps of neighbours between two texts, ASCII case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The closest of `names` (the first of equals), or "" if none is close: at most a third of the longer one's
// length away, or one that begins with `name` (3 bytes or more). Names over 128 bytes are never close.
std::string nearest(std::string_view name, const std::vector<std::string>& names);

// `did you mean "x"?`, or "" when nothing is close, or the name is one of them.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& names);

}  // namespace batchrun
