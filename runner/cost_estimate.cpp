#include "runner/cost_estimate.h"

namespace batchrun {
namespace {

constexpr std::uint64_t tokens_around_a_message = 16;

}  // namespace

TokenBound token_bound(const Row& row) {
  const std::uint64_t output = row.max_output_tokens > 0 ? row.max_output_tokens : output_if_unlimited;
  return {row.content_bytes + tokens_around_a_message * (row.message_count + 1), output * row.choices};
}

const Price* price_of(const Settings& settings, const Provider& provider, std::string_view model) {
  if (provider.search_price) return &*provider.search_price;
  return settings.prices ? settings.prices->find(provider.price_name, model) : nullptr;
}

}  // namespace batchrun
