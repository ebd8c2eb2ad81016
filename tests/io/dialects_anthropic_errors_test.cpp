#include "io/dialects/anthropic_errors.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using enum FaultKind;

std::string error(std::string_view type, std::string_view message, std::string_view code = "") {
  std::string body = R"({"type":"error","error":{"type":")" + std::string(type) + R"(","message":")" +
                     std::string(message) + "\"";
  if (!code.empty()) body += R"(,"details":{"error_code":")" + std::string(code) + "\"}";
  return body + R"(},"request_id":"req_011Abc"})";
}

TEST(AnthropicErrors, EveryReplyHasItsKind) {
  struct Case {
    int status;
    std::string body;
    FaultKind kind;
    std::string_view in_message;
  };
  const Case table[] = {
      {400, error("invalid_request_error", "max_tokens: Field required"), bad_request, "max_tokens"},
      {400, error("invalid_request_error", "temperature: Extra inputs are not permitted"), bad_request,
       "Extra"},
      {400, error("invalid_request_error", "prompt is too long: 210000 tokens"), bad_request, "too long"},
      {400,
       error("invalid_request_error",
             "Your credit balance is too low to access the Anthropic API. Please go to"),
       quota_exhausted, "credit balance"},
      {400, error("invalid_request_error", "You have reached your specified API usage limits."),
       quota_exhausted, "specified"},
      {400, error("invalid_request_error", "no", "organization_on_hold"), unauthorized, "no"},
      {400, error("invalid_request_error", "no", "a_code_of_tomorrow"), bad_request, "no"},
      {400, error("invalid_request_error", "Output blocked by content filtering policy"), content_refused,
       "blocked"},
      {400, error("invalid_request_error", "the text says: your credit balance is too low"), bad_request,
       "text"},
      {401, error("authentication_error", "invalid x-api-key"), unauthorized, "invalid"},
      {401, "", unauthorized, "HTTP 401"},
      {402, error("billing_error", "pay"), quota_exhausted, "pay"},
      {402, "", quota_exhausted, "HTTP 402"},
      {403, error("permission_error", "Your API key does not have permission"), unauthorized, "permission"},
      {403, error("permission_error", "Your organization has no access to this model"), model_unavailable,
       "model"},
      {403, "<html><title>Just a moment...</title>", server_error, "Just a moment"},
      {404, error("not_found_error", "model: claude-9"), model_unavailable, "claude-9"},
      {404, "<html>nginx</html>", bad_request, "nginx"},
      {405, error("invalid_request_error", "Method Not Allowed"), bad_request, "Method"},
      {408, "", server_error, ""},
      {409, error("conflict_error", "again"), server_error, "again"},
      {412, "", bad_request, ""},
      {413, error("request_too_large", "Request exceeds the maximum size"), bad_request, "maximum size"},
      {413, "<html><title>413 Request Entity Too Large</title>", bad_request, "413"},
      {422, error("invalid_request_error", "no"), bad_request, "no"},
      {429,
       error("rate_limit_error",
             "This request would exceed your organization's rate limit of 30,000 input tokens per minute"),
       rate_limited, "30,000"},
      {429, error("rate_limit_error", "grow slower", "ramp_limit_exceeded"), rate_limited, "slower"},
      {429, error("rate_limit_error", "cap", "enforced_spend_limit_reached"), quota_exhausted, "cap"},
      {429, error("rate_limit_error", "cap", "contract_spend_limit_reached"), quota_exhausted, "cap"},
      {429, "", rate_limited, ""},
      {499, "", server_error, ""},
      {500, error("api_error", "Internal server error"), server_error, "Internal"},
      {500, error("overloaded_error", "Overloaded"), overloaded, "Overloaded"},
      {502, "<html><head><title>502 Bad Gateway</title></head>", server_error, "502 Bad Gateway"},
      {503, error("api_error", "keys", "cmek_key_unreachable"), overloaded, "keys"},
      {503, R"({"type":"error","error":{"type":"api_)", overloaded, "HTTP 503"},
      {504, error("timeout_error", "took too long"), server_error, "long"},
      {524, "<html>", server_error, ""},
      {529, error("overloaded_error", "Overloaded"), overloaded, "Overloaded"},
      {529, "", overloaded, "HTTP 529"},
      {302, "", bad_request, "redirect"},
      // 2xx with an error inside: its words decide.
      {200, error("overloaded_error", "Overloaded"), overloaded, "Overloaded"},
      {200, error("rate_limit_error", "slow"), rate_limited, "slow"},
      {200, error("invalid_request_error", "bad"), bad_request, "bad"},
      {200, error("api_error", "broke"), server_error, "broke"},
  };
  for (const Case& one : table) {
    const Fault fault = anthropic_fault(reply_head(one.status), one.body);
    EXPECT_EQ(name(fault.kind), name(one.kind)) << one.status << " " << one.body;
    EXPECT_EQ(fault.status, one.status);
    EXPECT_NE(fault.message.find(one.in_message), std::string::npos) << fault.message;
  }
}

TEST(AnthropicErrors, EventsAreJudgedByTheirWords) {
  struct Case {
    std::string data;
    FaultKind kind;
  };
  for (const Case& one :
       {Case{R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", overloaded},
        Case{error("rate_limit_error", "slow"), rate_limited},
        Case{error("api_error", "broke"), server_error}, Case{error("timeout_error", "late"), server_error},
        Case{error("authentication_error", "key"), unauthorized},
        Case{error("permission_error", "no"), unauthorized},
        Case{error("not_found_error", "model: x"), model_unavailable},
        Case{error("billing_error", "pay"), quota_exhausted},
        Case{error("request_too_large", "big"), bad_request},
        Case{error("invalid_request_error", "Your credit balance is too low to"), quota_exhausted},
        Case{error("rate_limit_error", "cap", "enforced_spend_limit_reached"), quota_exhausted},
        Case{"not json", server_error}, Case{"", server_error}}) {
    const Fault fault = anthropic_event_fault(one.data);
    EXPECT_EQ(name(fault.kind), name(one.kind)) << one.data;
    EXPECT_EQ(fault.status, 0);
  }
}

TEST(AnthropicErrors, A429OfItsOwnWithoutAWaitIsTheMonthlyCap) {
  const std::string cap = error("rate_limit_error", "You have reached your spend limit for this month");
  const std::string minute = error("rate_limit_error", "limit of 50 requests per minute");
  const HeadFields own = {{"request-id", "req_1"}};
  const HeadFields waits = {{"request-id", "req_1"}, {"retry-after", "12"}};
  const HeadFields gateway = {{"server", "proxy"}};
  EXPECT_EQ(anthropic_fault(reply_head(429, own), cap).kind, quota_exhausted);
  EXPECT_EQ(anthropic_fault(reply_head(429, own), minute).kind, rate_limited);
  EXPECT_EQ(anthropic_fault(reply_head(429, own), "").kind, rate_limited);
  EXPECT_EQ(anthropic_fault(reply_head(429, gateway), cap).kind, rate_limited);
  const Fault waiting = anthropic_fault(reply_head(429, waits), cap);
  EXPECT_EQ(waiting.kind, rate_limited);
  EXPECT_EQ(waiting.retry_after, Duration(std::chrono::seconds(12)));
}

TEST(AnthropicErrors, NamesTheLimitAndTheWait) {
  struct Case {
    std::string_view message;
    std::optional<Dimension> dimension;
  };
  for (const Case& one :
       {Case{"rate limit of 30,000 input tokens per minute (org: 0)", Dimension::input_tokens_per_minute},
        Case{"rate limit of 8,000 output tokens per minute", Dimension::output_tokens_per_minute},
        Case{"rate limit of 50 requests per minute", Dimension::requests_per_minute},
        Case{"Number of concurrent connections has exceeded your rate limit", std::nullopt}}) {
    EXPECT_EQ(anthropic_fault(reply_head(429), error("rate_limit_error", one.message)).dimension,
              one.dimension);
  }
  // The bucket that is used up says when it is full again.
  const Fault fault =
      anthropic_fault(reply_head(429, {{"date", "Sun, 22 Nov 2026 10:15:00 GMT"},
                                       {"anthropic-ratelimit-requests-remaining", "12"},
                                       {"anthropic-ratelimit-requests-reset", "2026-11-22T10:15:40Z"},
                                       {"anthropic-ratelimit-input-tokens-remaining", "0"},
                                       {"anthropic-ratelimit-input-tokens-reset", "2026-11-22T10:15:30Z"}}),
                      error("rate_limit_error", "30,000 input tokens per minute"));
  EXPECT_EQ(fault.retry_after, Duration(std::chrono::seconds(30)));
}

TEST(AnthropicErrors, ObeysShouldRetry) {
  EXPECT_EQ(anthropic_fault(reply_head(500, {{"x-should-retry", "false"}}), "").kind, bad_request);
  EXPECT_EQ(anthropic_fault(reply_head(400, {{"x-should-retry", "true"}}), "").kind, server_error);
}

}  // namespace
}  // namespace batchrun
