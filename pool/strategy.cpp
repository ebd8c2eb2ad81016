#include "pool/strategy.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace batchrun {
namespace {

constexpr std::array all_strategies{Strategy::saturate,  Strategy::least_loaded, Strategy::round_robin,
                                    Strategy::lru,       Strategy::weighted,     Strategy::random,
                                    Strategy::least_used};

}  // namespace

bool same_strategy_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x == '_' ? '-' : x) == (y == '_' ? '-' : y); });
}

std::optional<Strategy> parse_strategy(std::string_view text) {
  for (const Strategy strategy : all_strategies) {
    if (same_strategy_name(text, name(strategy))) return strategy;
  }
  return std::nullopt;
}

std::string_view name(Strategy strategy) {
  switch (strategy) {
    case Strategy::saturate:
      return "saturate";
    case Strategy::least_loaded:
      return "least-loaded";
    case Strategy::round_robin:
      return "round-robin";
    case Strategy::lru:
      return "lru";
    case Strategy::weighted:
      return "weighted";
    case Strategy::random:
      return "random";
    case Strategy::least_used:
      return "least-used";
  }
  std::abort();
}

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const Strategy strategy : all_strategies) names.emplace_back(name(strategy));
  return names;
}

}  // namespace batchrun
