#include "io/dialects/anthropic_errors.h"

#include "io/ascii.h"
#include "io/dialects/anthropic_limits.h"
#include "io/dialects/reply_fault.h"

namespace batchrun {

namespace {

bool is_client_error(int status) {
  return status >= 400 && status < 500;
}

// Anthropic sends request-id with every reply and retry-after with every rate limit that ends; what a
// gateway in between makes of a 429 has neither and is no evidence.
bool is_monthly_cap(const ErrorReply& reply) {
  return reply.status == 429 && reply.head != nullptr && !reply.head->field("request-id").empty() &&
         reply.head->field("retry-after").empty() && reply.head->field("retry-after-ms").empty() &&
         reply.error.says({"rate_limit_error"}) && !ascii::contains(reply.error.message, "per minute");
}

bool is_money_gone(const ErrorReply& reply) {
  const ErrorBody& error = reply.error;
  if (error.says({"billing_error", "enforced_spend_limit_reached", "contract_spend_limit_reached"}))
    return true;
  if (!is_client_error(reply.status)) return false;
  return reply.status == 402 || ascii::starts_with(error.message, "your credit balance is too low") ||
         ascii::starts_with(error.message, "you have reached your specified") || is_monthly_cap(reply);
}

bool is_about_model(const ErrorReply& reply) {
  if (reply.status == 404) return reply.error.says({"not_found_error"});
  return reply.status == 403 && ascii::contains(reply.error.message, "model");
}

FaultKind kind_of(const ErrorReply& reply) {
  const ErrorBody& error = reply.error;
  if (is_money_gone(reply)) return FaultKind::quota_exhausted;
  if (is_client_error(reply.status)) {
    if (error.says({"organization_on_hold", "authentication_error"})) return FaultKind::unauthorized;
    if (is_about_model(reply)) return FaultKind::model_unavailable;
    if (ascii::contains(error.message, "content filtering policy")) return FaultKind::content_refused;
  }
  if (reply.status >= 500 && error.says({"overloaded_error"})) return FaultKind::overloaded;
  return kind_by_status(reply);
}

}  // namespace

Fault anthropic_fault(const ResponseHead& head, std::string_view body) {
  const ErrorReply reply = read_error_reply(&head, body);
  return fault_of(reply, kind_of(reply), anthropic_limits(head));
}

Fault anthropic_event_fault(std::string_view data) {
  const ErrorReply reply = read_error_reply(nullptr, data);
  return fault_of(reply, kind_of(reply), {});
}

}  // namespace batchrun
