#include "io/dialects/openai_errors.h"

#include <algorithm>
#include <initializer_list>

#include "io/ascii.h"
#include "io/dialects/openai_limits.h"
#include "io/duration_text.h"
#include "io/fault_message.h"
#include "io/reply_json.h"

namespace batchrun {

namespace {

using Value = JsonTokens::Value;

// What an error body says, whatever its form.
struct ErrorWords {
  bool json = false;
  std::string message, type, code;
  int status = 0;           // 400 to 599 that the body itself names
  std::string detail_code;  // Azure: innererror.code
  bool moderated = false;   // OpenRouter: metadata says the input was flagged
};

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

void take_status(const JsonTokens& tokens, Value value, ErrorWords& words) {
  const auto number = count_of(tokens, value);
  const auto quoted = parse_field_number(string_inner(tokens, value));
  const double status = number ? static_cast<double>(*number) : quoted.value_or(0);
  if (status >= 400 && status <= 599) words.status = static_cast<int>(status);
}

// OpenRouter's metadata: what the provider behind it said, and why an input was flagged.
void read_metadata(const JsonTokens& tokens, Value metadata, ErrorWords& words) {
  if (tokens.first(metadata) != '{') return;
  for (ObjectWalk walk(tokens, metadata); walk.next();) {
    if (is_one_of(walk.name(), {"reasons", "flagged_input"})) words.moderated = true;
    if (walk.name() == "raw") {
      const std::string raw = string_of(tokens, walk.value());
      if (!raw.empty()) words.message += ": " + raw;
    }
  }
}

// FastAPI: {"detail": "..."} or {"detail": [{"msg": "...", ...}]}.
void read_detail(const JsonTokens& tokens, Value detail, ErrorWords& words) {
  if (!words.message.empty()) return;
  words.message = string_of(tokens, detail);
  if (tokens.first(detail) == '[') words.message = std::string(tokens.raw(detail));
}

void read_inner_error(const JsonTokens& tokens, Value inner, ErrorWords& words) {
  if (tokens.first(inner) != '{') return;
  for (ObjectWalk walk(tokens, inner); walk.next();) {
    if (walk.name() == "code") words.detail_code = string_of(tokens, walk.value());
  }
}

void read_object(const JsonTokens& tokens, Value object, ErrorWords& words) {
  Value metadata = JsonTokens::root;
  for (ObjectWalk walk(tokens, object); walk.next();) {
    const std::string_view name = walk.name();
    const Value value = walk.value();
    if (name == "message") words.message = string_of(tokens, value);
    if (name == "type") words.type = string_of(tokens, value);
    if (name == "code") words.code = string_of(tokens, value);
    if (is_one_of(name, {"code", "status", "status_code"})) take_status(tokens, value, words);
    if (name == "innererror") read_inner_error(tokens, value, words);
    if (name == "metadata") metadata = value;
    if (name == "detail") read_detail(tokens, value, words);
  }
  if (metadata != JsonTokens::root) read_metadata(tokens, metadata, words);
}

// An error object, an error string, or an object with one of them in `error`.
void read_error(const JsonTokens& tokens, Value root, ErrorWords& words) {
  if (tokens.first(root) == '[') {
    ArrayWalk elements(tokens, root);
    if (elements.next() && tokens.first(elements.value()) != '[') read_error(tokens, elements.value(), words);
    return;
  }
  if (tokens.first(root) != '{') {
    words.message = string_of(tokens, root);
    return;
  }
  Value error = root;
  Value groq = root;
  for (ObjectWalk walk(tokens, root); walk.next();) {
    if (walk.name() == "error" && is_truthy(tokens, walk.value())) error = walk.value();
    if (walk.name() == "x_groq") groq = walk.value();
    if (walk.name() == "status_code") take_status(tokens, walk.value(), words);
  }
  if (error == root && groq != root && tokens.first(groq) == '{') {
    read_error(tokens, groq, words);
  } else if (tokens.first(error) == '{') {
    read_object(tokens, error, words);
  } else {
    words.message = string_of(tokens, error);
  }
}

ErrorWords read_words(std::string_view body) {
  ErrorWords words;
  const ReplyJson json = scan_reply(body);
  if (!json) return words;
  words.json = true;
  read_error(*json.tokens, JsonTokens::root, words);
  return words;
}

bool says(const ErrorWords& words, std::initializer_list<std::string_view> names) {
  return is_one_of(words.code, names) || is_one_of(words.type, names) || is_one_of(words.detail_code, names);
}

// The status to judge by when the reply's own was 2xx.
int status_in_words(const ErrorWords& words) {
  if (words.status != 0) return words.status;
  if (says(words, {"rate_limit_exceeded", "rate_limit_error", "too_many_requests_error", "tokens", "requests",
                   "slow_down", "request_quota_exceeded", "token_quota_exceeded"})) {
    return 429;
  }
  if (says(words, {"overloaded_error", "server_is_overloaded", "service_unavailable_error"})) return 503;
  if (says(words, {"authentication_error", "invalid_api_key", "AuthenticationError"})) return 401;
  if (says(words, {"permission_error", "PermissionDeniedError"})) return 403;
  if (says(words, {"not_found_error", "model_not_found", "NotFoundError"})) return 404;
  if (says(words, {"invalid_request_error", "BadRequestError", "context_length_exceeded"})) return 400;
  return 500;
}

bool is_quota_gone(int status, const ErrorWords& words) {
  return status == 402 ||
         says(words, {"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
                      "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
                      "billing_hard_limit_reached", "billing_not_active"});
}

bool is_refused_content(int status, const ErrorWords& words) {
  if (status < 400 || status >= 500) return false;
  if (says(words, {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}))
    return true;
  return status == 403 && (words.moderated || ascii::contains(words.message, "moderation") ||
                           ascii::contains(words.message, "flagged"));
}

bool is_about_model(int status, const ErrorWords& words) {
  if (status != 400 && status != 403 && status != 404) return false;
  if (says(words,
           {"model_not_found", "DeploymentNotFound", "model_decommissioned", "model_terms_required"})) {
    return true;
  }
  // Groq: the organisation or project may not use it.
  if (words.code.starts_with("model_permission_blocked")) return true;
  if (status != 404) return false;
  const std::string_view message = words.message;
  return (ascii::contains(message, "model") &&
          (ascii::contains(message, "not found") || ascii::contains(message, "not exist"))) ||
         ascii::starts_with(message, "no endpoints found");  // OpenRouter
}

bool can_never_fit(int status, const ErrorWords& words) {
  if (status != 429 && status != 413) return false;
  return ascii::starts_with(words.message, "request too large") ||
         (status == 413 && words.code == "rate_limit_exceeded");
}

FaultKind kind_of(OpenAiFlavour flavour, int status, const ErrorWords& words) {
  if (status >= 300 && status < 400) return FaultKind::bad_request;
  if (is_quota_gone(status, words)) return FaultKind::quota_exhausted;
  if (is_refused_content(status, words)) return FaultKind::content_refused;
  if (status == 401 || (status < 500 && says(words, {"invalid_api_key"}))) return FaultKind::unauthorized;
  if (is_about_model(status, words)) return FaultKind::model_unavailable;
  if (status == 403) return words.json ? FaultKind::unauthorized : FaultKind::server_error;
  if (can_never_fit(status, words)) return FaultKind::exceeds_window;
  if (status == 429 || (status == 498 && flavour == OpenAiFlavour::groq)) return FaultKind::rate_limited;
  if (status == 503 || status == 529) return FaultKind::overloaded;
  if (status >= 500 && status < 600) {
    return says(words, {"server_is_overloaded", "overloaded_error"}) ? FaultKind::overloaded
                                                                     : FaultKind::server_error;
  }
  if (status == 408 || status == 409 || status == 425 || status == 499) return FaultKind::server_error;
  if (flavour == OpenAiFlavour::groq && says(words, {"json_validate_failed", "tool_use_failed"})) {
    return FaultKind::malformed_reply;
  }
  return status >= 400 && status < 500 ? FaultKind::bad_request : FaultKind::malformed_reply;
}

FaultKind obey_should_retry(FaultKind kind, std::string_view should_retry) {
  if (ascii::same(should_retry, "false")) {
    if (kind == FaultKind::rate_limited) return FaultKind::exceeds_window;
    if (kind == FaultKind::overloaded || kind == FaultKind::server_error ||
        kind == FaultKind::malformed_reply) {
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

std::optional<Dimension> dimension_of(const ErrorWords& words) {
  if (const auto stated = dimension_in_message(words.message)) return stated;
  if (says(words, {"tokens", "token_quota_exceeded"})) return Dimension::tokens_per_minute;
  if (says(words, {"requests", "request_quota_exceeded"})) return Dimension::requests_per_minute;
  return std::nullopt;
}

std::optional<Duration> header_wait(const ResponseHead& head) {
  if (const auto wait = parse_retry_after_ms(head.field("retry-after-ms"))) return wait;
  return parse_retry_after(head.field("retry-after"), head.field("date"));
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

// When the limit that is used up is full again; of several, the last.
std::optional<Duration> reset_wait(OpenAiFlavour flavour, const ResponseHead& head) {
  std::optional<Duration> wait;
  for (const LimitReading& reading : openai_limits(flavour, head).readings) {
    if (reading.remaining != 0.0 || !reading.resets_in || *reading.resets_in <= Duration::zero()) continue;
    wait = std::max(wait.value_or(Duration::zero()), *reading.resets_in);
  }
  return wait ? wait : epoch_reset(head);
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

std::string html_title(std::string_view body) {
  const std::size_t open = ascii::find(body, "<title>");
  if (open == std::string_view::npos) return "";
  const std::string_view rest = body.substr(open + 7);
  return std::string(rest.substr(0, rest.find('<')));
}

std::string describe(int status, const ResponseHead* head, std::string_view body, const ErrorWords& words) {
  if (status >= 300 && status < 400 && head != nullptr) return redirect_message(head->field("location"));
  if (!words.message.empty()) return words.message;
  if (!words.code.empty()) return words.code;
  if (!words.type.empty()) return words.type;
  const std::string prefix = status == 0 ? "error event" : "HTTP " + std::to_string(status);
  const std::string_view text = ascii::trim(body);
  if (text.empty()) return prefix + " with an empty body";
  const std::string title = words.json ? "" : html_title(text);
  return prefix + ": " + (title.empty() ? std::string(text.substr(0, fault_message_bytes)) : title);
}

Fault make_fault(OpenAiFlavour flavour, const ResponseHead* head, std::string_view body) {
  const ErrorWords words = read_words(body);
  const int status = head != nullptr ? head->status : 0;
  const bool failed_by_status = status >= 300;
  Fault fault;
  fault.status = status;
  fault.kind = kind_of(flavour, failed_by_status ? status : status_in_words(words), words);
  fault.message = fault_message(describe(status, head, body, words));
  const bool waits = fault.kind == FaultKind::rate_limited;
  if (waits || fault.kind == FaultKind::exceeds_window) fault.dimension = dimension_of(words);
  if (head != nullptr) {
    fault.kind = obey_should_retry(fault.kind, head->field("x-should-retry"));
    fault.retry_after = header_wait(*head);
  }
  if (!fault.retry_after && waits) fault.retry_after = find_wait(words.message);
  if (!fault.retry_after && waits && head != nullptr) fault.retry_after = reset_wait(flavour, *head);
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
