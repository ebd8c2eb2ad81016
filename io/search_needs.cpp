#include "io/search_needs.h"

#include <algorithm>
#include <array>
#include <string>

#include "io/json_members.h"
#include "io/json_text.h"

namespace batchrun {
namespace {

// Not among them: async (the reply would be no answer yet) and output (it would be no JSON).
constexpr auto serpapi_members = std::to_array<std::string_view>(
    {"engine", "google_domain", "start",  "device", "no_cache", "zero_trace", "uule", "lat", "lon",
     "radius", "ludocid",       "lsig",   "kgmid",  "si",       "ibp",        "uds",  "cr",  "lr",
     "safe",   "nfpr",          "filter", "tbm",    "as_dt",    "as_eq"});
constexpr auto serper_members = std::to_array<std::string_view>({"autocorrect"});
constexpr auto shared_members =
    std::to_array<std::string_view>({"num", "location", "gl", "hl", "tbs", "page"});
constexpr auto own_members = std::to_array<std::string_view>(
    {"query", "custom_id", "id", "provider", "model", "route", "tags", "metadata", "priority"});

template <std::size_t size>
bool in(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

SearchMember search_member(std::string_view name) {
  if (in(own_members, name)) return SearchMember::own;
  if (in(shared_members, name)) return SearchMember::shared;
  if (in(serpapi_members, name)) return SearchMember::serpapi;
  return in(serper_members, name) ? SearchMember::serper : SearchMember::unknown;
}

std::string unknown_search_member(std::string_view row) {
  return find_name(row, [](std::string_view name) { return search_member(name) == SearchMember::unknown; });
}

FeatureSet features_of_search(const JsonTokens& tokens, JsonTokens::Value row) {
  FeatureSet needs;
  std::string decoded;
  for (ObjectWalk walk(tokens, row); walk.next();) {
    const SearchMember member = search_member(json_unescaped(walk.name(), decoded));
    const char first = tokens.first(walk.value());
    if (member == SearchMember::own || first == 'n') continue;
    if (member == SearchMember::unknown || first == '{' || first == '[') needs.add(Feature::other);
    if (member == SearchMember::serpapi) needs.add(Feature::serpapi_parameter);
    if (member == SearchMember::serper) needs.add(Feature::serper_parameter);
  }
  return needs;
}

}  // namespace batchrun
