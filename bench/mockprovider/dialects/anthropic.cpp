// Anthropic's voice (https://docs.claude.com/en/api/errors, .../api/rate-limits).
#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

std::string_view error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 409:
      return "conflict_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

// 30000 -> "30,000".
std::string with_commas(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

struct Worded {
  int status;
  std::string message;
  std::string error_code{};  // a stable cause, in details
};

Worded quota_gone(std::string_view variant) {
  if (variant == "billing_error") return {402, "There is an issue with your billing or payment information."};
  if (variant == "own_spend_limit") return {400, "You have reached your specified API usage limits."};
  if (variant == "enforced_spend_limit_reached" || variant == "contract_spend_limit_reached") {
    return {429, "Your organization has reached its monthly spend limit.", std::string(variant)};
  }
  return {400,
          "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to "
          "upgrade or "
          "purchase credits."};
}

Worded incorrect_key(const Problem& problem) {
  if (problem.variant == "organization_on_hold")
    return {400, "This organization has been disabled.", problem.variant};
  if (problem.variant == "permission_error")
    return {403, "Your API key does not have permission to use the specified resource."};
  return {401, problem.whole_key ? fmt::format("invalid x-api-key: {}", problem.key) : "invalid x-api-key"};
}

Worded rate_limited(const Problem& problem) {
  if (!problem.refusal) {
    return {429, "This request would exceed your organization's rate limit.", problem.variant};
  }
  const Refusal& refusal = *problem.refusal;
  if (refusal.dimension == Dimension::concurrency) {
    return {429, "Number of concurrent connections has exceeded your rate limit. Please try again later."};
  }
  std::string unit = long_name(refusal.dimension);
  unit = unit.substr(0, unit.find(" ("));
  if (unit.ends_with(" min")) unit += "ute";
  return {429, fmt::format(
                   "This request would exceed your organization's rate limit of {} {} (org: {}, model: {}).",
                   with_commas(refusal.limit), unit, problem.organisation, problem.model)};
}

Worded worded(const Problem& p) {
  switch (p.trouble) {
    case Trouble::invalid:
      return {400, p.message};
    case Trouble::no_key:
      return {401, "x-api-key header is required"};
    case Trouble::incorrect_key:
      return incorrect_key(p);
    case Trouble::unknown_model:
      return {404, fmt::format("model: {}", p.model)};
    case Trouble::unknown_url:
      return {404, "Not Found"};
    case Trouble::wrong_method:
      return {405, "Method Not Allowed"};
    case Trouble::server_error:
      return {500, "Internal server error"};
    case Trouble::overloaded:
      return {529, "Overloaded"};
    case Trouble::quota_gone:
      return quota_gone(p.variant);
    case Trouble::context_too_long:
      return {400, fmt::format("prompt is too long: {} tokens > 200000 maximum", p.tokens)};
    case Trouble::prompt_refused:
      return {400, "Output blocked by content filtering policy"};
    case Trouble::rate_limited:
      return rate_limited(p);
  }
  return {500, ""};
}

// "error":{...}
std::string error_member(const Worded& w) {
  std::string out = fmt::format(R"("error":{{"type":"{}","message":)", error_type(w.status));
  append_json_string(out, w.message);
  if (!w.error_code.empty()) out += fmt::format(R"(,"details":{{"error_code":"{}"}})", w.error_code);
  return out + "}";
}

Worded with_status(const Problem& problem) {
  Worded w = worded(problem);
  if (problem.status > 0) w.status = problem.status;
  return w;
}

class Anthropic final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    const Worded w = with_status(problem);
    return {w.status,
            fmt::format(R"({{"type":"error",{},"request_id":"req_{}"}})", error_member(w), problem.reply_id)};
  }

  void append_stream_error(StreamEvents& events, const Problem& problem) const override {
    events.data.push_back(fmt::format(R"({{"type":"error",{}}})", error_member(with_status(problem))));
  }

  void append_reply_fields(std::string& out, std::string_view id,
                           std::string_view organisation) const override {
    out.append("request-id: req_").append(id).append("\r\n");
    if (!organisation.empty()) out.append("anthropic-organization-id: ").append(organisation).append("\r\n");
  }

  void append_limit_fields(std::string& out, Quota& quota, Now now, const Refusal*) const override {
    using enum Dimension;
    append_one(out, quota, requests_per_minute, "requests", now);
    append_one(out, quota, input_tokens_per_minute, "input-tokens", now);
    append_one(out, quota, output_tokens_per_minute, "output-tokens", now);
    if (const auto binding = most_restrictive(quota, now)) append_one(out, quota, *binding, "tokens", now);
  }

  void append_absurd_limit_fields(std::string& out) const override {
    out +=
        "anthropic-ratelimit-requests-limit: 10\r\nanthropic-ratelimit-requests-remaining: 999999999999\r\n"
        "anthropic-ratelimit-requests-reset: soon\r\nanthropic-ratelimit-input-tokens-limit: -1\r\n"
        "anthropic-ratelimit-input-tokens-remaining: -1\r\n"
        "anthropic-ratelimit-input-tokens-reset: 1970-01-01T00:00:00Z\r\n";
  }

  std::string model_list(const std::vector<std::string>& names) const override {
    std::string out = "{\"data\":[";
    for (const std::string& name : names) {
      if (&name != &names.front()) out += ',';
      out += model(name);
    }
    out += "],\"has_more\":false,\"first_id\":";
    append_json_string(out, names.empty() ? "" : names.front());
    out += ",\"last_id\":";
    append_json_string(out, names.empty() ? "" : names.back());
    return out + "}";
  }

  std::string model(std::string_view name) const override {
    std::string out = R"({"type":"model","id":)";
    append_json_string(out, name);
    out += ",\"display_name\":";
    append_json_string(out, name);
    return out + R"(,"created_at":"2025-10-15T00:00:00Z"})";
  }

  std::string_view keep_alive() const override { return "event: ping\ndata: {\"type\": \"ping\"}\n\n"; }

 private:
  // Token remainders are rounded to the nearest thousand; the reset is when all of it is there again.
  static void append_one(std::string& out, Quota& quota, Dimension dimension, std::string_view name,
                         Now now) {
    Limiter* limiter = quota.limiter(dimension);
    if (!limiter) return;
    double remaining = std::floor(limiter->remaining(now.since_start));
    if (counts_tokens(dimension)) remaining = std::round(remaining / 1000) * 1000;
    const auto wait = std::chrono::ceil<std::chrono::seconds>(limiter->resets_in(now.since_start)).count();
    append_format(out,
                  "anthropic-ratelimit-{0}-limit: {1:.0f}\r\nanthropic-ratelimit-{0}-remaining: {2:.0f}\r\n"
                  "anthropic-ratelimit-{0}-reset: {3}\r\n",
                  name, *quota.limit(dimension), remaining, rfc3339(now.unix_s + wait));
  }

  static std::optional<Dimension> most_restrictive(Quota& quota, Now now) {
    std::optional<Dimension> binding;
    double least = 0;
    for (Dimension d : {Dimension::tokens_per_minute, Dimension::input_tokens_per_minute,
                        Dimension::output_tokens_per_minute}) {
      Limiter* limiter = quota.limiter(d);
      if (!limiter) continue;
      const double left = limiter->remaining(now.since_start);
      if (binding && left >= least) continue;
      binding = d;
      least = left;
    }
    return binding;
  }
};

}  // namespace

const Dialect& anthropic_dialect() {
  static const Anthropic dialect;
  return dialect;
}

}  // namespace batchrun::mock
