#include "pool/outcome.h"

#include <cstdlib>

namespace batchrun {

FaultTraits traits(FaultKind kind) {
  switch (kind) {
    // Nobody has looked at the row: an outage, however long, must not use it up.
    case FaultKind::connect:
    case FaultKind::tls:
    case FaultKind::timeout_connect:
    case FaultKind::overloaded:
      return {.retryable = true,
              .counts_attempt = false,
              .blames_key = true,
              .retires_key = false,
              .closes_group = false};
    case FaultKind::timeout_first_chunk:
    case FaultKind::timeout_idle:
    case FaultKind::server_error:
    case FaultKind::malformed_reply:
    case FaultKind::truncated_reply:
      return {.retryable = true,
              .counts_attempt = true,
              .blames_key = true,
              .retires_key = false,
              .closes_group = false};
    case FaultKind::rate_limited:
    case FaultKind::quota_exhausted:
      return {.retryable = true,
              .counts_attempt = false,
              .blames_key = false,
              .retires_key = false,
              .closes_group = true};
    case FaultKind::unauthorized:
      return {.retryable = true,
              .counts_attempt = false,
              .blames_key = false,
              .retires_key = true,
              .closes_group = false};
    case FaultKind::model_stumbled:  // no matter which key asks
    case FaultKind::exceeds_window:
      return {.retryable = true,
              .counts_attempt = true,
              .blames_key = false,
              .retires_key = false,
              .closes_group = false};
    case FaultKind::model_unavailable:
    case FaultKind::cancelled:
      return {.retryable = true,
              .counts_attempt = false,
              .blames_key = false,
              .retires_key = false,
              .closes_group = false};
    case FaultKind::bad_request:
    case FaultKind::content_refused:
    case FaultKind::too_large:
      return {.retryable = false,
              .counts_attempt = true,
              .blames_key = false,
              .retires_key = false,
              .closes_group = false};
  }
  std::abort();
}

std::string_view name(FaultKind kind) {
  switch (kind) {
    case FaultKind::connect:
      return "connect";
    case FaultKind::tls:
      return "tls";
    case FaultKind::timeout_connect:
      return "timeout_connect";
    case FaultKind::timeout_first_chunk:
      return "timeout_first_chunk";
    case FaultKind::timeout_idle:
      return "timeout_idle";
    case FaultKind::rate_limited:
      return "rate_limited";
    case FaultKind::overloaded:
      return "overloaded";
    case FaultKind::server_error:
      return "server_error";
    case FaultKind::unauthorized:
      return "unauthorized";
    case FaultKind::quota_exhausted:
      return "quota_exhausted";
    case FaultKind::model_unavailable:
      return "model_unavailable";
    case FaultKind::bad_request:
      return "bad_request";
    case FaultKind::content_refused:
      return "content_refused";
    case FaultKind::model_stumbled:
      return "model_stumbled";
    case FaultKind::malformed_reply:
      return "malformed_reply";
    case FaultKind::truncated_reply:
      return "truncated_reply";
    case FaultKind::too_large:
      return "too_large";
    case FaultKind::exceeds_window:
      return "exceeds_window";
    case FaultKind::cancelled:
      return "cancelled";
  }
  std::abort();
}

std::string_view name(Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_minute:
      return "requests per minute";
    case Dimension::tokens_per_minute:
      return "tokens per minute";
    case Dimension::input_tokens_per_minute:
      return "input tokens per minute";
    case Dimension::output_tokens_per_minute:
      return "output tokens per minute";
    case Dimension::requests_per_day:
      return "requests per day";
    case Dimension::tokens_per_day:
      return "tokens per day";
  }
  std::abort();
}

}  // namespace batchrun
