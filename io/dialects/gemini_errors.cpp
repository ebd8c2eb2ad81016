#include "io/dialects/gemini_errors.h"

#include "io/ascii.h"
#include "io/dialects/reply_fault.h"
#include "io/duration_text.h"
#include "io/reply_json.h"

namespace batchrun {
namespace {

using Value = JsonTokens::Value;

// What only Gemini's errors have.
struct Details {
  std::string status;  // "RESOURCE_EXHAUSTED"
  std::string reason;  // ErrorInfo
  bool none_granted = false;
  std::optional<Dimension> dimension;  // of the violated quota; of several, a day's
  std::optional<Duration> retry_delay;
};

// "GenerateContentInputTokensPerModelPerDay-FreeTier"
std::optional<Dimension> dimension_of(std::string_view quota_id) {
  const bool tokens = ascii::contains(quota_id, "token");
  if (ascii::contains(quota_id, "perday"))
    return tokens ? Dimension::tokens_per_day : Dimension::requests_per_day;
  if (!ascii::contains(quota_id, "perminute")) return std::nullopt;
  return tokens ? Dimension::input_tokens_per_minute : Dimension::requests_per_minute;
}

void read_violation(const JsonTokens& tokens, Value violation, Details& details) {
  if (tokens.first(violation) != '{') return;
  for (ObjectWalk walk(tokens, violation); walk.next();) {
    if (walk.name() == "quotaValue" && string_inner(tokens, walk.value()) == "0") details.none_granted = true;
    if (walk.name() != "quotaId") continue;
    const auto named = dimension_of(string_inner(tokens, walk.value()));
    if (named && (!details.dimension || is_per_day(*named))) details.dimension = named;
  }
}

void read_detail(const JsonTokens& tokens, Value detail, Details& details) {
  if (tokens.first(detail) != '{') return;
  for (ObjectWalk walk(tokens, detail); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "reason") details.reason = string_of(tokens, walk.value());
    if (name == "retryDelay") {
      // A protobuf duration; one beyond a month is a mistake.
      const auto delay = parse_go_duration(string_inner(tokens, walk.value()));
      if (delay && *delay > Duration::zero() && *delay <= std::chrono::hours(31 * 24))
        details.retry_delay = delay;
    }
    if (name != "violations" || tokens.first(walk.value()) != '[') continue;
    for (ArrayWalk each(tokens, walk.value()); each.next();) read_violation(tokens, each.value(), details);
  }
}

void read_error(const JsonTokens& tokens, Value value, Details& details) {
  if (tokens.first(value) == '[') {
    ArrayWalk elements(tokens, value);
    if (elements.next() && tokens.first(elements.value()) == '{')
      read_error(tokens, elements.value(), details);
    return;
  }
  if (tokens.first(value) != '{') return;
  for (ObjectWalk walk(tokens, value); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "error" && tokens.first(walk.value()) == '{')
      return read_error(tokens, walk.value(), details);
    if (name == "status") details.status = string_of(tokens, walk.value());
    if (name != "details" || tokens.first(walk.value()) != '[') continue;
    for (ArrayWalk each(tokens, walk.value()); each.next();) read_detail(tokens, each.value(), details);
  }
}

Details read_details(std::string_view body) {
  Details details;
  if (const ReplyJson json = scan_reply(body)) read_error(*json.tokens, JsonTokens::root, details);
  return details;
}

bool is_quota_gone(std::string_view message) {
  return ascii::contains(message, "prepayment credits are depleted") ||
         ascii::contains(message, "prepay credit balance is depleted");
}

// "limit: 0" and not "limit: 0.5" or "limit: 05".
bool grants_none(const Details& details, std::string_view message) {
  constexpr std::string_view words = "limit: 0";
  const std::size_t at = ascii::find(message, words);
  if (at == std::string_view::npos) return details.none_granted;
  const std::string_view rest = message.substr(at + words.size());
  const bool goes_on = !rest.empty() && (ascii::is_digit(rest[0]) ||
                                         (rest.size() > 1 && rest[0] == '.' && ascii::is_digit(rest[1])));
  return details.none_granted || !goes_on;
}

bool is_key_refused(const Details& details, std::string_view message) {
  return details.reason == "API_KEY_INVALID" || details.reason == "API_KEY_EXPIRED" ||
         ascii::starts_with(message, "API key not valid") || ascii::starts_with(message, "API key expired");
}

FaultKind kind_of(const ErrorReply& reply, const Details& details) {
  const std::string_view message = reply.error.message;
  const int status = reply.status;
  if (status >= 300 && status < 400) return FaultKind::bad_request;
  if (is_quota_gone(message)) return FaultKind::quota_exhausted;
  if (status < 500 && is_key_refused(details, message)) return FaultKind::unauthorized;
  if (status == 429 && grants_none(details, message)) return FaultKind::model_unavailable;
  if (status == 400 && details.status == "FAILED_PRECONDITION") return FaultKind::model_unavailable;
  if (status == 404 && details.status == "NOT_FOUND") return FaultKind::model_unavailable;
  return kind_by_status(reply);
}

}  // namespace

Fault gemini_fault(const ResponseHead* head, std::string_view body) {
  const ErrorReply reply = read_error_reply(head, body);
  const Details details = read_details(body);
  Fault fault = fault_of(reply, kind_of(reply, details), {});
  if (fault.kind != FaultKind::rate_limited) return fault;
  if (details.dimension) fault.dimension = details.dimension;
  if (details.retry_delay && (head == nullptr || !header_wait(*head)))
    fault.retry_after = details.retry_delay;
  if (fault.dimension && is_per_day(*fault.dimension)) fault.retry_after.reset();
  return fault;
}

}  // namespace batchrun
