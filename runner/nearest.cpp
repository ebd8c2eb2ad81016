#include "runner/nearest.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/ascii.h"
#include "runner/inert.h"

namespace batchrun {
namespace {

constexpr std::size_t longest_compared = 128;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = ascii::lower(a[i - 1]) == ascii::lower(b[j - 1]);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && ascii::lower(a[i - 1]) == ascii::lower(b[j - 2]) &&
                           ascii::lower(a[i - 2]) == ascii::lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::string nearest(std::string_view name, const std::vector<std::string>& names) {
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  if (name.size() > longest_compared) return "";
  for (const std::string& candidate : names) {
    if (candidate.size() > longest_compared) continue;
    const std::size_t allowed = std::max(name.size(), candidate.size()) / 3;
    const bool longer_form = name.size() >= 3 && ascii::starts_with(candidate, name);
    const std::size_t distance = longer_form ? 1 : edit_distance(name, candidate);
    if (distance > std::max<std::size_t>(allowed, longer_form ? 1 : 0)) continue;
    if (!best || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best ? *best : "";
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) != names.end()) return "";  // it is no slip of the pen
  const std::string close = nearest(name, names);
  return close.empty() ? "" : fmt::format("did you mean \"{}\"?", inert(close, 128));
}

}  // namespace batchrun
