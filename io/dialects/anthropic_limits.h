// What the anthropic-ratelimit-* fields say. Pure. Source: Anthropic's rate limit page.
#pragma once

#include "io/dialect.h"

namespace batchrun {

// Requests, input tokens and output tokens per minute: token buckets, whose reset is the time they are full
// again (RFC 3339). The fields for "tokens" show whichever token limit binds, so they are read only where the
// two others are missing. Those of other budgets (priority, fast) are passed over.
ServerLimits anthropic_limits(const ResponseHead& head);

}  // namespace batchrun
