#include "io/dialects/reply_fault.h"

#include <algorithm>
#include <string>

#include "io/ascii.h"
#include "io/duration_text.h"
#include "io/fault_message.h"

namespace batchrun {

namespace {

// The status an error's words stand for, when nothing names one.
int status_in_words(const ErrorBody& error) {
  if (error.status != 0) return error.status;
  if (error.says({"rate_limit_exceeded", "rate_limit_error", "too_many_requests_error", "tokens", "requests",
                  "slow_down", "request_quota_exceeded", "token_quota_exceeded"})) {
    return 429;
  }
  if (error.says({"overloaded_error", "server_is_overloaded", "service_unavailable_error"})) return 503;
  if (error.says({"billing_error"})) return 402;
  if (error.says({"request_too_large"})) return 413;
  if (error.says({"authentication_error", "invalid_api_key", "AuthenticationError"})) return 401;
  if (error.says({"permission_error", "PermissionDeniedError"})) return 403;
  if (error.says({"not_found_error", "model_not_found", "NotFoundError"})) return 404;
  if (error.says({"invalid_request_error", "BadRequestError", "context_length_exceeded"})) return 400;
  if (error.says({"unsupported_parameter", "unsupported_value", "invalid_type", "invalid_value",
                  "missing_required_parameter", "json_validate_failed", "tool_use_failed"})) {
    return 400;
  }
  if (error.says({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})) return 400;
  // Of a response that failed (OpenAI's responses).
  if (error.says({"invalid_prompt", "data_residency_mismatch", "bio_policy", "image_content_policy_violation",
                  "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url",
                  "invalid_image_mode", "image_too_large", "image_too_small", "image_parse_error",
                  "image_file_too_large", "unsupported_image_media_type", "empty_image_file"})) {
    return 400;
  }
  return 500;
}

FaultKind obey_should_retry(FaultKind kind, std::string_view should_retry) {
  if (ascii::same(should_retry, "false")) {
    if (kind == FaultKind::rate_limited) return FaultKind::exceeds_window;
    if (kind == FaultKind::overloaded || kind == FaultKind::server_error ||
        kind == FaultKind::malformed_reply || kind == FaultKind::model_stumbled) {
      return FaultKind::bad_request;
    }
  }
  if (ascii::same(should_retry, "true") && kind == FaultKind::bad_request) return FaultKind::server_error;
  return kind;
}

std::optional<Dimension> dimension_in_message(std::string_view message) {
  struct Phrase {
    std::string_view text;
    Dimension dimension;
  };
  // Input and output before tokens: the longer phrase holds the shorter.
  static constexpr Phrase phrases[] = {
      {"(ITPM)", Dimension::input_tokens_per_minute},
      {"(OTPM)", Dimension::output_tokens_per_minute},
      {"(TPM)", Dimension::tokens_per_minute},
      {"(RPM)", Dimension::requests_per_minute},
      {"(TPD)", Dimension::tokens_per_day},
      {"(RPD)", Dimension::requests_per_day},
      {"input tokens per min", Dimension::input_tokens_per_minute},
      {"output tokens per min", Dimension::output_tokens_per_minute},
      {"tokens per min", Dimension::tokens_per_minute},
      {"requests per min", Dimension::requests_per_minute},
      {"tokens per day", Dimension::tokens_per_day},
      {"requests per day", Dimension::requests_per_day},
      {"exceeded token rate limit", Dimension::tokens_per_minute},   // Azure
      {"exceeded call rate limit", Dimension::requests_per_minute},  // Azure
  };
  for (const Phrase& phrase : phrases) {
    if (ascii::contains(message, phrase.text)) return phrase.dimension;
  }
  return std::nullopt;
}

// When the limit that is used up is full again; of several, the last.
std::optional<Duration> reset_wait(const ServerLimits& limits) {
  std::optional<Duration> wait;
  for (const LimitReading& reading : limits.readings) {
    if (reading.remaining != 0.0 || !reading.resets_in || *reading.resets_in <= Duration::zero()) continue;
    wait = std::max(wait.value_or(Duration::zero()), *reading.resets_in);
  }
  return wait;
}

// Only the host of a Location, so that no path or query with something secret in it gets out.
std::string redirect_message(std::string_view location) {
  const std::size_t scheme = location.find("//");
  if (scheme == std::string_view::npos) return "unexpected redirect within the same host";
  std::string_view host = location.substr(scheme + 2);
  host = host.substr(0, host.find_first_of("/?#\\"));
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  return "unexpected redirect to " + std::string(host);
}

std::string describe(const ErrorReply& reply) {
  const ErrorBody& error = reply.error;
  const int status = reply.head != nullptr ? reply.head->status : 0;
  if (status >= 300 && status < 400) return redirect_message(reply.head->field("location"));
  if (!error.message.empty()) return error.message;
  if (!error.code.empty()) return error.code;
  if (!error.type.empty()) return error.type;
  const std::string prefix = status == 0 ? "error event" : "HTTP " + std::to_string(status);
  const std::string_view text = ascii::trim(reply.body);
  if (text.empty()) return prefix + " with an empty body";
  const std::string title = error.json ? "" : html_title(text);
  return prefix + ": " + (title.empty() ? std::string(text.substr(0, fault_message_bytes)) : title);
}

}  // namespace

ErrorReply read_error_reply(const ResponseHead* head, std::string_view body) {
  ErrorReply reply{head, body, read_error_body(body), 0};
  const bool failed_by_status = head != nullptr && head->status >= 300;
  reply.status = failed_by_status ? head->status : status_in_words(reply.error);
  return reply;
}

std::optional<Duration> header_wait(const ResponseHead& head) {
  if (const auto wait = parse_retry_after_ms(head.field("retry-after-ms"))) return wait;
  return parse_retry_after(head.field("retry-after"), head.field("date"));
}

FaultKind kind_by_status(const ErrorReply& reply) {
  switch (reply.status) {
    case 401:
      return FaultKind::unauthorized;
    case 402:
      return FaultKind::quota_exhausted;
    case 403:
      return reply.error.json ? FaultKind::unauthorized : FaultKind::server_error;
    case 429:
      return FaultKind::rate_limited;
    case 408:
    case 409:
    case 425:
    case 499:
      return FaultKind::server_error;
    case 503:
    case 529:
      return FaultKind::overloaded;
    default:
      break;
  }
  if (reply.status >= 300 && reply.status < 500) return FaultKind::bad_request;
  return reply.status >= 500 && reply.status < 600 ? FaultKind::server_error : FaultKind::malformed_reply;
}

Fault fault_of(const ErrorReply& reply, FaultKind kind, const ServerLimits& limits) {
  const bool waits = kind == FaultKind::rate_limited;
  Fault fault;
  fault.kind = kind;
  fault.message = fault_message(describe(reply));
  if (waits || kind == FaultKind::exceeds_window) fault.dimension = dimension_in_message(reply.error.message);
  if (reply.head != nullptr) {
    fault.status = reply.head->status;
    fault.kind = obey_should_retry(kind, reply.head->field("x-should-retry"));
    fault.retry_after = header_wait(*reply.head);
  }
  if (!fault.retry_after && waits) fault.retry_after = find_wait(reply.error.message);
  if (!fault.retry_after && waits) fault.retry_after = reset_wait(limits);
  return fault;
}

Fault malformed(std::string_view what) {
  Fault fault;
  fault.kind = FaultKind::malformed_reply;
  fault.message = fault_message(what);
  return fault;
}

std::optional<Fault> wrong_body(std::string_view body, const ReplyJson& json) {
  if (json) return wrong_event(json, "the reply");
  const std::string_view text = ascii::trim(body);
  if (text.empty()) return malformed("the reply is empty");
  if (text.front() == '<')
    return malformed("the reply is HTML, not an answer: " + std::string(text.substr(0, 1024)));
  return wrong_event(json, "the reply");
}

std::optional<Fault> wrong_event(const ReplyJson& json, std::string_view what) {
  if (!json) return malformed(std::string(what) + " is no JSON: " + json.wrong);
  if (!json.is_object()) return malformed(std::string(what) + " is no JSON object");
  return std::nullopt;
}

Fault with_status(Fault fault, int status) {
  fault.status = status;
  return fault;
}

}  // namespace batchrun
