#include "bench/mockprovider/executions.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "io/append_format.h"

namespace batchrun::mock {

Execution Executions::of(std::uint64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? Execution{} : found->second;
}

std::string Executions::to_json(std::uint32_t least, bool count_admitted) const {
  constexpr std::size_t most_listed = 1000;
  std::uint64_t admitted = 0, completed = 0;
  std::vector<std::pair<std::uint64_t, Execution>> matching;
  for (const auto& [id, e] : by_id_) {
    admitted += e.admitted;
    completed += e.completed;
    if ((count_admitted ? e.admitted : e.completed) >= least) matching.emplace_back(id, e);
  }
  std::sort(matching.begin(), matching.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out = fmt::format(R"({{"prompts":{},"admitted":{},"completed":{},"matching":{},"ids":[)",
                                by_id_.size(), admitted, completed, matching.size());
  for (std::size_t i = 0; i < std::min(matching.size(), most_listed); ++i) {
    append_format(out, R"({}{{"id":"{:016x}","admitted":{},"completed":{}}})", i ? "," : "",
                  matching[i].first, matching[i].second.admitted, matching[i].second.completed);
  }
  return out + "]}";
}

}  // namespace batchrun::mock
