#include "io/done_rows.h"

#include <algorithm>

namespace batchrun {

DoneRows::Entry DoneRows::entry(const RowIdentity& identity) {
  return {static_cast<std::uint32_t>(identity.id_hash >> 32), static_cast<std::uint32_t>(identity.id_hash),
          identity.content_hash};
}

void DoneRows::add(const RowIdentity& identity) {
  rows_.push_back(entry(identity));
}

std::vector<RowIdentity> DoneRows::seal() {
  std::sort(rows_.begin(), rows_.end());
  std::vector<RowIdentity> repeated;
  for (auto at = rows_.begin(); (at = std::adjacent_find(at, rows_.end())) != rows_.end();) {
    const Entry twice = *at;
    repeated.push_back({std::uint64_t{twice[0]} << 32 | twice[1], twice[2]});
    at = std::find_if(at, rows_.end(), [&](const Entry& other) { return other != twice; });
  }
  if (!repeated.empty()) rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
  return repeated;
}

DoneRows::Match DoneRows::find(const RowIdentity& identity) const {
  const Entry wanted = entry(identity);
  const auto same_id = [&](const Entry& other) { return other[0] == wanted[0] && other[1] == wanted[1]; };
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), wanted);
  if (at != rows_.end() && *at == wanted) return Match::done;
  const bool changed = (at != rows_.end() && same_id(*at)) || (at != rows_.begin() && same_id(*(at - 1)));
  return changed ? Match::changed : Match::unknown;
}

}  // namespace batchrun
