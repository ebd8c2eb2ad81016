#include "io/dialects/anthropic_limits.h"

#include "io/dialects/limit_fields.h"

namespace batchrun {

namespace {

constexpr LimitFields requests = {"anthropic-ratelimit-requests-limit",
                                  "anthropic-ratelimit-requests-remaining",
                                  "anthropic-ratelimit-requests-reset"};
constexpr LimitFields input_tokens = {"anthropic-ratelimit-input-tokens-limit",
                                      "anthropic-ratelimit-input-tokens-remaining",
                                      "anthropic-ratelimit-input-tokens-reset"};
constexpr LimitFields output_tokens = {"anthropic-ratelimit-output-tokens-limit",
                                       "anthropic-ratelimit-output-tokens-remaining",
                                       "anthropic-ratelimit-output-tokens-reset"};
constexpr LimitFields binding_tokens = {"anthropic-ratelimit-tokens-limit",
                                        "anthropic-ratelimit-tokens-remaining",
                                        "anthropic-ratelimit-tokens-reset"};

}  // namespace

ServerLimits anthropic_limits(const ResponseHead& head) {
  ServerLimits limits;
  put_limit(limits, Dimension::input_tokens_per_minute, read_limit(head, input_tokens));
  put_limit(limits, Dimension::output_tokens_per_minute, read_limit(head, output_tokens));
  if (!limits.any) put_limit(limits, Dimension::tokens_per_minute, read_limit(head, binding_tokens));
  put_limit(limits, Dimension::requests_per_minute, read_limit(head, requests));
  limits.organisation = organisation_hash(head.field("anthropic-organization-id"));
  return limits;
}

}  // namespace batchrun
