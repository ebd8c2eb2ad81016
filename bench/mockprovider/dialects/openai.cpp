#include "bench/mockprovider/dialects/openai.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <iterator>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

void append_or_null(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "null";
  } else {
    append_json_string(out, text);
  }
}

std::string members(const OpenAiError& error, bool with_param) {
  std::string out = "\"message\":";
  append_json_string(out, error.message);
  out += ",\"type\":";
  append_json_string(out, error.type);
  if (with_param) {
    out += ",\"param\":";
    append_or_null(out, error.param);
  }
  out += ",\"code\":";
  append_or_null(out, error.code);
  return out;
}

OpenAiError incorrect_key(const Problem& problem) {
  const std::string_view key = problem.key;
  const std::size_t edge = key.size() > 8 ? 4 : 0;
  const std::string shown = problem.whole_key
                                ? std::string(key)
                                : fmt::format("{}***{}", key.substr(0, edge), key.substr(key.size() - edge));
  return {.status = 401,
          .message = fmt::format("Incorrect API key provided: {}. You can find your API key at "
                                 "https://platform.openai.com/account/api-keys.",
                                 shown),
          .code = "invalid_api_key"};
}

// The variant is the code: insufficient_quota, credit_balance_exhausted, billing_hard_limit_reached, ...
OpenAiError quota_gone(const Problem& problem) {
  return {.status = 429,
          .message = "You exceeded your current quota, please check your plan and billing details.",
          .type = "insufficient_quota",
          .code = problem.variant.empty() ? "insufficient_quota" : problem.variant};
}

// Says nothing of how long to wait: a client has only the header, or its own judgement.
OpenAiError slow_down(const Problem& problem) {
  const bool ramp = problem.variant == "slow_down";
  return {.status = 429,
          .message = "Rate limit reached. Please slow down.",
          .type = ramp ? "rate_limit_error" : "requests",
          .code = ramp ? "slow_down" : "rate_limit_exceeded"};
}

OpenAiError worded(const Problem& p) {
  switch (p.trouble) {
    case Trouble::invalid:
    case Trouble::unknown_url:
    case Trouble::wrong_method:
      return {.status = p.trouble == Trouble::unknown_url    ? 404
                        : p.trouble == Trouble::wrong_method ? 405
                                                             : 400,
              .message = p.message,
              .param = p.param,
              .code = p.code};
    case Trouble::no_key:
      return {.status = 401,
              .message =
                  "You didn't provide an API key. You need to provide your API key in an Authorization "
                  "header using Bearer auth."};
    case Trouble::incorrect_key:
      return incorrect_key(p);
    case Trouble::unknown_model:
      return {
          .status = 404,
          .message = fmt::format("The model `{}` does not exist or you do not have access to it.", p.model),
          .code = "model_not_found"};
    case Trouble::server_error:
      return {.status = 500,
              .message = "The server had an error while processing your request. Sorry about that!",
              .type = "server_error"};
    case Trouble::overloaded:
      return {.status = 503,
              .message = "The engine is currently overloaded, please try again later.",
              .type = "service_unavailable_error",
              .code = "server_is_overloaded"};
    case Trouble::quota_gone:
      return quota_gone(p);
    case Trouble::context_too_long:
      return {
          .message = fmt::format("This model's maximum context length is 8192 tokens. However, your messages "
                                 "resulted in {} tokens. Please reduce the length of the messages.",
                                 p.tokens),
          .param = "messages",
          .code = "context_length_exceeded"};
    case Trouble::prompt_refused:
      return {
          .message = "The response was filtered due to the prompt triggering the content management policy.",
          .param = "prompt",
          .code = "content_filter"};
    case Trouble::rate_limited:
      if (!p.refusal) return slow_down(p);
      return openai_rate_limited(*p.refusal, fmt::format("{} in organization {}", p.model, p.organisation));
  }
  return {};
}

class OpenAi final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    const OpenAiError error = openai_error(problem);
    return {error.status, "{\"error\":{" + error_members(error) + "}}"};
  }

  void append_reply_fields(std::string& out, std::string_view id,
                           std::string_view organisation) const override {
    Dialect::append_reply_fields(out, id, organisation);
    out += "openai-version: 2020-10-01\r\nopenai-processing-ms: 12\r\n";
    if (!organisation.empty()) out.append("openai-organization: ").append(organisation).append("\r\n");
  }

  void append_limit_fields(std::string& out, Quota& quota, Now now, const Refusal* refusal) const override {
    append_openai_limits(out, quota, ResetFormat::go_duration, now.since_start, refusal);
  }

  void append_retry_after(std::string& out, Moment wait) const override {
    Dialect::append_retry_after(out, wait);
    append_retry_after_ms(out, wait);
  }
};

}  // namespace

OpenAiError openai_error(const Problem& problem) {
  OpenAiError error = worded(problem);
  if (problem.status > 0) error.status = problem.status;
  return error;
}

OpenAiError openai_rate_limited(const Refusal& refusal, std::string_view subject) {
  OpenAiError error{.status = 429,
                    .type = counts_tokens(refusal.dimension) ? "tokens" : "requests",
                    .code = "rate_limit_exceeded"};
  const std::string_view link = "Visit https://platform.openai.com/account/rate-limits to learn more.";
  if (refusal.too_large) {
    error.message = fmt::format(
        "Request too large for {} on {}: Limit {:.0f}, Requested {:.0f}. The input or output tokens must be "
        "reduced in order to run successfully. {}",
        subject, long_name(refusal.dimension), refusal.limit, refusal.requested, link);
  } else {
    error.message = fmt::format(
        "Rate limit reached for {} on {}: Limit {:.0f}, Used {:.0f}, Requested {:.0f}. Please try again in "
        "{}. {}",
        subject, long_name(refusal.dimension), refusal.limit, refusal.used, refusal.requested,
        go_duration(refusal.wait), link);
  }
  return error;
}

std::string error_members(const OpenAiError& error) {
  return members(error, true);
}

std::string error_members_without_param(const OpenAiError& error) {
  return members(error, false);
}

void append_x_ratelimit(std::string& out, Quota& quota, Dimension dimension, std::string_view name,
                        ResetFormat format, Moment now, const Refusal* refusal) {
  Limiter* limiter = quota.limiter(dimension);
  if (!limiter) return;
  const bool untouched = refusal && refusal->too_large;
  const double limit = *quota.limit(dimension);
  const double remaining = untouched ? limit : std::floor(limiter->remaining(now));
  const Moment reset = untouched ? Moment::zero() : limiter->resets_in(now);
  const std::string reset_text = format == ResetFormat::go_duration ? go_duration(reset)
                                 : format == ResetFormat::seconds
                                     ? fmt::format("{:.6f}", in_seconds(reset))
                                     : fmt::format("{:.0f}", std::ceil(in_seconds(reset)));
  append_format(out,
                "x-ratelimit-limit-{0}: {1:.0f}\r\nx-ratelimit-remaining-{0}: {2:.0f}\r\n"
                "x-ratelimit-reset-{0}: {3}\r\n",
                name, limit, remaining, reset_text);
}

void append_openai_limits(std::string& out, Quota& quota, ResetFormat format, Moment now,
                          const Refusal* refusal) {
  const Dimension requests = quota.limit(Dimension::requests_per_minute) ? Dimension::requests_per_minute
                                                                         : Dimension::requests_per_day;
  append_x_ratelimit(out, quota, requests, "requests", format, now, refusal);
  append_x_ratelimit(out, quota, Dimension::tokens_per_minute, "tokens", format, now, refusal);
}

void append_retry_after_ms(std::string& out, Moment wait) {
  const auto ms = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(wait).count());
  append_format(out, "retry-after-ms: {}\r\n", ms);
}

const Dialect& openai_dialect() {
  static const OpenAi dialect;
  return dialect;
}

}  // namespace batchrun::mock
