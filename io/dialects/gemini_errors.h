// Why a reply of Gemini failed. Pure. Sources: ai.google.dev/gemini-api/docs/troubleshooting and
// .../rate-limits; google.rpc ErrorInfo, QuotaFailure, RetryInfo; recorded replies.
//
// Before the status decides (see kind_by_status):
//   prepaid credit is used up -> quota_exhausted · the reason API_KEY_INVALID, of a 400 too -> unauthorized
//   a quota of 0: not offered to this project -> model_unavailable · 400 FAILED_PRECONDITION (a region or
//   billing is missing) -> model_unavailable · 404 in Gemini's own words -> model_unavailable
// A 429 names its dimension in violations[].quotaId. Of a day's quota the wait it states is left out: it says
// seconds, but the quota is back when the provider's day turns. Else the wait is a header
// field's, or RetryInfo's. The words
// "exceeded your current quota ... billing" are those of OpenAI's insufficient_quota and mean nothing here.
#pragma once

#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// `head`: nullptr for an error event in a stream; then, or for a 2xx reply, the code in the body is the
// status. The body may be anything: an error, one in an array, HTML, empty.
Fault gemini_fault(const ResponseHead* head, std::string_view body);

}  // namespace batchrun
