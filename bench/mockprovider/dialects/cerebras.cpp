// Cerebras' voice: flat error bodies, wrapped only in a stream; limit header fields that name their window,
// in seconds (https://inference-docs.cerebras.ai/support/rate-limits).
#include <fmt/format.h>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/dialects/openai.h"

namespace batchrun::mock {

namespace {

OpenAiError rate_limited(const Refusal& refusal) {
  const bool tokens = counts_tokens(refusal.dimension);
  const std::string_view window = is_daily(refusal.dimension)                         ? "day"
                                  : refusal.dimension == Dimension::requests_per_hour ? "hour"
                                                                                      : "minute";
  return {.status = 429,
          .message = fmt::format("{} per {} limit exceeded - too many {}.", tokens ? "Tokens" : "Requests",
                                 window, tokens ? "tokens processed" : "requests sent"),
          .type = "too_many_requests_error",
          .param = "quota",
          .code = tokens ? "token_quota_exceeded" : "request_quota_exceeded"};
}

OpenAiError worded(const Problem& problem) {
  if (problem.trouble == Trouble::rate_limited && problem.refusal) return rate_limited(*problem.refusal);
  OpenAiError error = openai_error(problem);
  if (problem.trouble == Trouble::quota_gone) {
    error = {.status = 402,
             .message = "Payment required: your account has no credit left.",
             .type = "payment_required_error",
             .param = "quota",
             .code = "payment_required"};
  }
  return error;
}

class Cerebras final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    const OpenAiError error = worded(problem);
    return {error.status, "{" + error_members(error) + "}"};
  }

  void append_stream_error(StreamEvents& events, const Problem& problem) const override {
    const OpenAiError error = worded(problem);
    events.data.push_back(
        fmt::format(R"({{"error":{{{},"id":""}},"status_code":{}}})", error_members(error), error.status));
  }

  void append_limit_fields(std::string& out, Quota& quota, Now now, const Refusal* refusal) const override {
    const auto add = [&](Dimension d, std::string_view name) {
      append_x_ratelimit(out, quota, d, name, ResetFormat::seconds, now.since_start, refusal);
    };
    add(Dimension::requests_per_minute, "requests-minute");
    add(Dimension::requests_per_hour, "requests-hour");
    add(Dimension::requests_per_day, "requests-day");
    add(Dimension::tokens_per_minute, "tokens-minute");
    add(Dimension::tokens_per_day, "tokens-day");
  }
};

}  // namespace

const Dialect& cerebras_dialect() {
  static const Cerebras dialect;
  return dialect;
}

}  // namespace batchrun::mock
