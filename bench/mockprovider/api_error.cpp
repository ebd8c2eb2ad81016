#include "bench/mockprovider/api_error.h"

#include <fmt/format.h>

#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

void append_or_null(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "null";
  } else {
    append_json_string(out, text);
  }
}

// The members, without braces. Groq leaves param out.
std::string members(const ApiError& error, Flavour flavour) {
  std::string out = "\"message\":";
  append_json_string(out, error.message);
  out += ",\"type\":";
  append_json_string(out, error.type);
  if (flavour != Flavour::groq) {
    out += ",\"param\":";
    append_or_null(out, error.param);
  }
  out += ",\"code\":";
  append_or_null(out, error.code);
  return out;
}

std::string_view long_name(Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_minute:
      return "requests per min (RPM)";
    case Dimension::tokens_per_minute:
      return "tokens per min (TPM)";
    case Dimension::requests_per_day:
      return "requests per day (RPD)";
    case Dimension::tokens_per_day:
      return "tokens per day (TPD)";
    case Dimension::concurrency:
      return "concurrent requests";
  }
  return "";
}

bool is_tokens(Dimension d) {
  return d == Dimension::tokens_per_minute || d == Dimension::tokens_per_day;
}

ApiError cerebras_rate_limited(const Refusal& refusal) {
  const bool tokens = is_tokens(refusal.dimension);
  const bool daily =
      refusal.dimension == Dimension::tokens_per_day || refusal.dimension == Dimension::requests_per_day;
  return {.status = 429,
          .message = fmt::format("{} per {} limit exceeded - too many {}.", tokens ? "Tokens" : "Requests",
                                 daily ? "day" : "minute", tokens ? "tokens processed" : "requests sent"),
          .type = "too_many_requests_error",
          .param = "quota",
          .code = tokens ? "token_quota_exceeded" : "request_quota_exceeded"};
}

}  // namespace

std::string error_body(const ApiError& error, Flavour flavour) {
  if (flavour == Flavour::cerebras) return "{" + members(error, flavour) + "}";
  return "{\"error\":{" + members(error, flavour) + "}}";
}

std::string error_event(const ApiError& error, Flavour flavour) {
  if (flavour != Flavour::cerebras) return error_body(error, flavour);
  return fmt::format("{{\"error\":{{{},\"id\":\"\"}},\"status_code\":{}}}", members(error, flavour),
                     error.status);
}

ApiError incorrect_key(std::string_view key, bool whole) {
  std::string shown(key);
  if (!whole) {
    const std::size_t edge = key.size() > 8 ? 4 : 0;
    shown = fmt::format("{}***{}", key.substr(0, edge), key.substr(key.size() - edge));
  }
  return {.status = 401,
          .message = fmt::format("Incorrect API key provided: {}. You can find your API key at "
                                 "https://platform.openai.com/account/api-keys.",
                                 shown),
          .code = "invalid_api_key"};
}

ApiError no_key() {
  return {.status = 401,
          .message =
              "You didn't provide an API key. You need to provide your API key in an Authorization header "
              "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."};
}

ApiError unknown_model(std::string_view model) {
  return {.status = 404,
          .message = fmt::format("The model `{}` does not exist or you do not have access to it.", model),
          .code = "model_not_found"};
}

ApiError server_error() {
  return {.status = 500,
          .message = "The server had an error while processing your request. Sorry about that!",
          .type = "server_error"};
}

ApiError overloaded() {
  return {.status = 529,
          .message = "The engine is currently overloaded, please try again later.",
          .type = "overloaded_error"};
}

ApiError insufficient_quota() {
  return {.status = 429,
          .message = "You exceeded your current quota, please check your plan and billing details.",
          .type = "insufficient_quota",
          .code = "insufficient_quota"};
}

ApiError context_too_long(std::uint64_t tokens) {
  return {.status = 400,
          .message = fmt::format(
              "This model's maximum context length is 8192 tokens. However, your messages resulted "
              "in {} tokens. Please reduce the length of the messages.",
              tokens),
          .param = "messages",
          .code = "context_length_exceeded"};
}

ApiError content_filtered() {
  return {.status = 400,
          .message = "The response was filtered due to the prompt triggering the content management policy.",
          .param = "prompt",
          .code = "content_filter"};
}

ApiError rate_limited(const Refusal& refusal, std::string_view model, std::string_view organisation,
                      Flavour flavour) {
  if (flavour == Flavour::cerebras) return cerebras_rate_limited(refusal);
  const bool groq = flavour == Flavour::groq;
  const std::string subject =
      groq ? fmt::format("model `{}` in organization `{}` service tier `on_demand`", model, organisation)
           : fmt::format("{} in organization {}", model, organisation);
  ApiError error{.status = 429,
                 .type = is_tokens(refusal.dimension) ? "tokens" : "requests",
                 .code = "rate_limit_exceeded"};
  if (refusal.too_large) {
    error.status = groq ? 413 : 429;
    error.message = fmt::format(
        "Request too large for {} on {}: Limit {:.0f}, Requested {:.0f}. The input or output tokens must be "
        "reduced "
        "in order to run successfully. Visit https://platform.openai.com/account/rate-limits to learn more.",
        subject, long_name(refusal.dimension), refusal.limit, refusal.requested);
  } else {
    error.message = fmt::format(
        "Rate limit reached for {} on {}: Limit {:.0f}, Used {:.0f}, Requested {:.0f}. Please try again in "
        "{}. Visit "
        "https://platform.openai.com/account/rate-limits to learn more.",
        subject, long_name(refusal.dimension), refusal.limit, refusal.used, refusal.requested,
        go_duration(refusal.wait));
  }
  return error;
}

}  // namespace batchrun::mock
