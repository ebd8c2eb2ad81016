#include "runner/cost_estimate.h"

#include <cstdlib>

namespace batchrun {
namespace {

constexpr std::uint64_t tokens_around_a_message = 16;
// An image of the largest size at gpt-4o-mini: 2,833 and 8 tiles of 5,667. Of Gemini's tiles (258) that is an
// image of 10,000 by 10,000 pixels, of pages of a PDF a dozen.
constexpr std::uint64_t tokens_of_media = 48'169;

}  // namespace

TokenBound token_bound(const Row& row) {
  const std::uint64_t output = row.max_output_tokens > 0 ? row.max_output_tokens : output_if_unlimited;
  const std::uint64_t input = row.content_bytes + tokens_of_media * row.media_count;
  return {input + tokens_around_a_message * (row.message_count + 1), output * row.choices};
}

const Price* price_of(const Settings& settings, const Provider& provider, std::string_view model) {
  if (provider.search_price) return &*provider.search_price;
  return settings.prices ? settings.prices->find(provider.price_name, model) : nullptr;
}

bool may_be_billed(const Fault& fault, const Ending& ending) {
  const bool gateway_gave_up = fault.status == 504 || fault.status == 524;
  if (!ending.request_sent || (fault.status >= 300 && !gateway_gave_up)) return false;
  switch (fault.kind) {
    case FaultKind::connect:
    case FaultKind::tls:
    case FaultKind::timeout_connect:
      return false;
    case FaultKind::rate_limited:
    case FaultKind::overloaded:
    case FaultKind::unauthorized:
    case FaultKind::quota_exhausted:
    case FaultKind::model_unavailable:
    case FaultKind::exceeds_window:
      return ending.first_chunk > Duration::zero();  // else nobody had begun, whatever the status
    case FaultKind::timeout_first_chunk:
    case FaultKind::timeout_idle:
    case FaultKind::server_error:
    case FaultKind::bad_request:
    case FaultKind::content_refused:
    case FaultKind::model_stumbled:
    case FaultKind::malformed_reply:
    case FaultKind::truncated_reply:
    case FaultKind::too_large:
    case FaultKind::cancelled:
      return true;
  }
  std::abort();
}

}  // namespace batchrun
