#include "io/dialects/openai_errors.h"

#include "io/ascii.h"
#include "io/dialects/openai_limits.h"
#include "io/dialects/reply_fault.h"
#include "io/duration_text.h"

namespace batchrun {

namespace {

bool is_quota_gone(int status, const ErrorBody& error) {
  return status == 402 ||
         error.says({"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
                     "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
                     "billing_hard_limit_reached", "billing_not_active"});
}

bool is_refused_content(int status, const ErrorBody& error) {
  if (status < 400 || status >= 500) return false;
  if (error.says({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "bio_policy",
                  "image_content_policy_violation"})) {
    return true;
  }
  return status == 403 && (error.moderated || ascii::contains(error.message, "moderation") ||
                           ascii::contains(error.message, "flagged"));
}

bool is_about_model(int status, const ErrorBody& error) {
  if (status != 400 && status != 403 && status != 404) return false;
  if (error.says({"model_not_found", "DeploymentNotFound", "model_decommissioned", "model_terms_required"})) {
    return true;
  }
  // Groq: the organisation or project may not use it.
  if (error.code.starts_with("model_permission_blocked")) return true;
  if (status != 404) return false;
  const std::string_view message = error.message;
  return (ascii::contains(message, "model") &&
          (ascii::contains(message, "not found") || ascii::contains(message, "not exist"))) ||
         ascii::starts_with(message, "no endpoints found");  // OpenRouter
}

bool can_never_fit(int status, const ErrorBody& error) {
  if (status != 429 && status != 413) return false;
  return ascii::starts_with(error.message, "request too large") ||
         (status == 413 && error.code == "rate_limit_exceeded");
}

FaultKind kind_of(OpenAiFlavour flavour, const ErrorReply& reply) {
  const ErrorBody& error = reply.error;
  const int status = reply.status;
  if (status >= 300 && status < 400) return kind_by_status(reply);
  if (is_quota_gone(status, error)) return FaultKind::quota_exhausted;
  if (is_refused_content(status, error)) return FaultKind::content_refused;
  if (status < 500 && error.says({"invalid_api_key"})) return FaultKind::unauthorized;
  if (is_about_model(status, error)) return FaultKind::model_unavailable;
  if (can_never_fit(status, error)) return FaultKind::exceeds_window;
  if (status == 498 && flavour == OpenAiFlavour::groq) return FaultKind::rate_limited;
  if (status >= 500 && status < 600 && error.says({"server_is_overloaded", "overloaded_error"})) {
    return FaultKind::overloaded;
  }
  const FaultKind kind = kind_by_status(reply);
  const bool sampling = error.says({"json_validate_failed", "tool_use_failed"}) ||
                        (status == 422 && ascii::contains(error.message, "hallucinat"));
  if (flavour == OpenAiFlavour::groq && kind == FaultKind::bad_request && sampling) {
    return FaultKind::model_stumbled;
  }
  return kind;
}

// Groq and Cerebras: the name of the limit stands in for a message that does not say.
std::optional<Dimension> dimension_of(const ErrorBody& error) {
  if (error.says({"tokens", "token_quota_exceeded"})) return Dimension::tokens_per_minute;
  if (error.says({"requests", "request_quota_exceeded"})) return Dimension::requests_per_minute;
  return std::nullopt;
}

// OpenRouter: X-RateLimit-Reset is milliseconds since 1970.
std::optional<Duration> epoch_reset(const ResponseHead& head) {
  constexpr double year_2001_ms = 1e12;
  const auto then_ms = parse_field_number(head.field("x-ratelimit-reset"));
  const auto now_ns = parse_http_date(head.field("date"));
  if (!then_ms || *then_ms < year_2001_ms || !now_ns) return std::nullopt;
  const Duration wait = from_seconds(*then_ms / 1e3 - static_cast<double>(*now_ns) / 1e9);
  return wait > Duration::zero() && wait <= std::chrono::hours(31 * 24) ? std::optional(wait) : std::nullopt;
}

Fault make_fault(OpenAiFlavour flavour, const ResponseHead* head, std::string_view body) {
  const ErrorReply reply = read_error_reply(head, body);
  const FaultKind kind = kind_of(flavour, reply);
  Fault fault = fault_of(reply, kind, head != nullptr ? openai_limits(flavour, *head) : ServerLimits());
  const bool waits = kind == FaultKind::rate_limited;
  if (!fault.dimension && (waits || kind == FaultKind::exceeds_window))
    fault.dimension = dimension_of(reply.error);
  if (!fault.retry_after && waits && head != nullptr) fault.retry_after = epoch_reset(*head);
  return fault;
}

}  // namespace

Fault openai_fault(OpenAiFlavour flavour, const ResponseHead& head, std::string_view body) {
  return make_fault(flavour, &head, body);
}

Fault openai_event_fault(OpenAiFlavour flavour, std::string_view data) {
  return make_fault(flavour, nullptr, data);
}

}  // namespace batchrun
