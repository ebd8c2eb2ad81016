#include "pool/strategy.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace batchrun {
namespace {

constexpr std::array all_strategies{Strategy::least_loaded, Strategy::round_robin};

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x == '_' ? '-' : x) == (y == '_' ? '-' : y); });
}

}  // namespace

std::optional<Strategy> parse_strategy(std::string_view text) {
  for (const Strategy strategy : all_strategies) {
    if (same_name(text, name(strategy))) return strategy;
  }
  return std::nullopt;
}

std::string_view name(Strategy strategy) {
  switch (strategy) {
    case Strategy::least_loaded:
      return "least-loaded";
    case Strategy::round_robin:
      return "round-robin";
  }
  std::abort();
}

std::string_view strategy_names() {
  return "least-loaded, round-robin";
}

}  // namespace batchrun
