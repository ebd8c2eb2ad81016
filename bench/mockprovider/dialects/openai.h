// OpenAI's errors and limit header fields, which others follow in part.
//
// Wording after the provider's published examples and the rate-limit guide
// (https://platform.openai.com/docs/guides/rate-limits).
#pragma once

#include <string>
#include <string_view>

#include "bench/mockprovider/moment.h"
#include "bench/mockprovider/problem.h"
#include "bench/mockprovider/quota.h"

namespace batchrun::mock {

struct OpenAiError {
  int status = 400;
  std::string message{};
  std::string type = "invalid_request_error";
  std::string param{}, code{};  // "" = null
};

OpenAiError openai_error(const Problem& problem);
// "Rate limit reached for SUBJECT on ..." or its look-alike "Request too large for ...", which no wait can
// help.
OpenAiError openai_rate_limited(const Refusal& refusal, std::string_view subject);

// "message":...,"type":...,"param":...,"code":...
std::string error_members(const OpenAiError& error);
std::string error_members_without_param(const OpenAiError& error);

// Appends "x-ratelimit-limit-NAME" and its two companions, when the dimension is limited.
enum class ResetFormat { go_duration, seconds, whole_seconds };
void append_x_ratelimit(std::string& out, Quota& quota, Dimension dimension, std::string_view name,
                        ResetFormat format, Moment now, const Refusal* refusal);

// The fields "requests" (of the minute, else of the day) and "tokens".
void append_openai_limits(std::string& out, Quota& quota, ResetFormat format, Moment now,
                          const Refusal* refusal);

// "retry-after-ms", beside retry-after.
void append_retry_after_ms(std::string& out, Moment wait);

}  // namespace batchrun::mock
