// Gemini's voice (https://ai.google.dev/gemini-api/docs/troubleshooting, .../rate-limits).
#include <fmt/format.h>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

std::string_view status_word(int status) {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 499:
      return "CANCELLED";
    case 503:
      return "UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
  }
}

struct Worded {
  int status;
  std::string message;
  std::string details{};  // the array's inside; "" = no details
};

std::string error_info(std::string_view reason) {
  return fmt::format(
      R"({{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{}","domain":"googleapis.com",)"
      R"("metadata":{{"service":"generativelanguage.googleapis.com"}}}})",
      reason);
}

Worded incorrect_key(const Problem& problem) {
  if (problem.variant == "leaked")
    return {403, "Your API key was reported as leaked. Please use another API key."};
  if (problem.variant == "service_blocked")
    return {403, "Requests to this API are blocked.", error_info("API_KEY_SERVICE_BLOCKED")};
  return {400,
          problem.whole_key ? fmt::format("API key not valid: {}", problem.key)
                            : "API key not valid. Please pass a valid API key.",
          error_info("API_KEY_INVALID")};
}

struct QuotaWords {
  std::string_view metric, id;
};

QuotaWords quota_words(Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_day:
      return {"generate_content_free_tier_requests", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"};
    case Dimension::tokens_per_day:
      return {"generate_content_free_tier_input_token_count",
              "GenerateContentInputTokensPerDayPerProjectPerModel-FreeTier"};
    case Dimension::tokens_per_minute:
    case Dimension::input_tokens_per_minute:
      return {"generate_content_free_tier_input_token_count",
              "GenerateContentInputTokensPerMinutePerProjectPerModel-FreeTier"};
    default:
      return {"generate_content_free_tier_requests", "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"};
  }
}

// With QuotaFailure, and RetryInfo where a delay is known.
Worded exceeded(const Problem& problem, Dimension dimension, double limit) {
  const QuotaWords words = quota_words(dimension);
  Worded w{429, "You exceeded your current quota, please check your plan and billing details."};
  if (!problem.retry_delay.empty()) w.message += fmt::format(" Please retry in {}s.", problem.retry_delay);
  w.details = fmt::format(
      R"({{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{)"
      R"("quotaMetric":"generativelanguage.googleapis.com/{}","quotaId":"{}","quotaDimensions":)"
      R"({{"location":"global","model":"{}"}},"quotaValue":"{:.0f}"}}]}},)"
      R"({{"@type":"type.googleapis.com/google.rpc.Help","links":[{{"description":"Learn more about Gemini API )"
      R"(quotas","url":"https://ai.google.dev/gemini-api/docs/rate-limits"}}]}})",
      words.metric, words.id, problem.model, limit);
  if (!problem.retry_delay.empty()) {
    w.details += fmt::format(R"(,{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{}s"}})",
                             problem.retry_delay);
  }
  return w;
}

// Variants: "per_day", "no_details", "not_offered" (a limit of 0).
Worded rate_limited(const Problem& problem) {
  if (problem.refusal) return exceeded(problem, problem.refusal->dimension, problem.refusal->limit);
  if (problem.variant == "no_details") return {429, "Resource has been exhausted (e.g. check quota)."};
  if (problem.variant == "per_day") return exceeded(problem, Dimension::requests_per_day, 20);
  if (problem.variant == "not_offered") return exceeded(problem, Dimension::requests_per_day, 0);
  return exceeded(problem, Dimension::requests_per_minute, 10);
}

Worded worded(const Problem& p) {
  switch (p.trouble) {
    case Trouble::invalid:
      return {400, p.message};
    case Trouble::no_key:
      return {403,
              "Method doesn't allow unregistered callers (callers without established identity). Please use "
              "API Key "
              "or other form of API consumer identity to call this API."};
    case Trouble::incorrect_key:
      return incorrect_key(p);
    case Trouble::unknown_model:
      return {404,
              fmt::format("models/{} is not found for API version v1beta, or is not supported for "
                          "generateContent. Call ListModels to see the list of available models and their "
                          "supported methods.",
                          p.model)};
    case Trouble::unknown_url:
      return {404, "The requested URL was not found on this server."};
    case Trouble::wrong_method:
      return {405, "Method not allowed."};
    case Trouble::server_error:
      return {500,
              "An internal error has occurred. Please retry or report in "
              "https://developers.generativeai.google/guide/troubleshooting"};
    case Trouble::overloaded:
      return {503, "The model is overloaded. Please try again later."};
    case Trouble::quota_gone:
      return {429, "Your prepayment credits are depleted. Please go to AI Studio to manage your billing."};
    case Trouble::context_too_long:
      return {400, fmt::format(
                       "The input token count ({}) exceeds the maximum number of tokens allowed (1048576).",
                       p.tokens)};
    case Trouble::prompt_refused:
      return {400, "The prompt was blocked."};
    case Trouble::rate_limited:
      return rate_limited(p);
  }
  return {500, ""};
}

std::string error_json(const Problem& problem, int& status) {
  const Worded w = worded(problem);
  status = problem.status > 0 ? problem.status : w.status;
  std::string out = fmt::format(R"({{"error":{{"code":{},"message":)", status);
  append_json_string(out, w.message);
  out += fmt::format(R"(,"status":"{}")", status_word(status));
  if (!w.details.empty()) out += fmt::format(R"(,"details":[{}])", w.details);
  return out + "}}";
}

class Gemini final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    ErrorReply reply;
    reply.body = error_json(problem, reply.status);
    return reply;
  }

  // Three forms have been seen: an event (the usual one here), "bare" JSON, and JSON in an "array".
  void append_stream_error(StreamEvents& events, const Problem& problem) const override {
    std::string body = error(problem).body;
    if (problem.variant == "bare") {
      events.tail = std::move(body);
    } else if (problem.variant == "array") {
      events.tail = "[" + body + "]";
    } else {
      events.data.push_back(std::move(body));
    }
  }

  void append_reply_fields(std::string& out, std::string_view, std::string_view) const override {
    out += "vary: Origin\r\nserver: scaffolding on HTTPServer2\r\n";
  }

  void append_absurd_limit_fields(std::string&) const override {}
  void append_retry_after(std::string&, Moment) const override {}
  bool delay_is_in_body() const override { return true; }

  std::string model_list(const std::vector<std::string>& names) const override {
    std::string out = "{\"models\":[";
    for (const std::string& name : names) {
      if (&name != &names.front()) out += ',';
      out += model(name);
    }
    return out + "]}";
  }

  std::string model(std::string_view name) const override {
    std::string out = "{\"name\":";
    append_json_string(out, fmt::format("models/{}", name));
    out += ",\"displayName\":";
    append_json_string(out, name);
    return out + R"(,"version":"001","inputTokenLimit":1048576,"outputTokenLimit":65536,)"
                 R"("supportedGenerationMethods":["generateContent","countTokens"]})";
  }

  std::string_view keep_alive() const override { return ": keep-alive\r\n\r\n"; }
};

}  // namespace

const Dialect& gemini_dialect() {
  static const Gemini dialect;
  return dialect;
}

}  // namespace batchrun::mock
