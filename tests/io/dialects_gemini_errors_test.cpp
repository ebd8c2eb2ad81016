#include "io/dialects/gemini_errors.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using enum FaultKind;

struct Case {
  int status;
  std::string_view body;
  FaultKind kind;
  std::string_view in_message;
};

const Case table[] = {
    {400,
     R"({"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT", "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com", "metadata": {"service": "generativelanguage.googleapis.com"}}]}})",
     unauthorized, "API key not valid"},
    {400,
     R"({"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}})",
     unauthorized, "expired"},
    {400, R"({"error":{"code":400,"message":"Invalid value at 'contents'","status":"INVALID_ARGUMENT"}})",
     bad_request, "Invalid value"},
    {400,
     R"({"error":{"code":400,"message":"Unsupported MIME type","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents"}]}]}})",
     bad_request, "MIME"},
    {400,
     R"({"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}})",
     model_unavailable, "location"},
    {401, R"({"error":{"code":401,"message":"Request had invalid credentials.","status":"UNAUTHENTICATED"}})",
     unauthorized, "credentials"},
    {403,
     R"({"error":{"code":403,"message":"Your API key was reported as leaked. Please use another API key.","status":"PERMISSION_DENIED"}})",
     unauthorized, "leaked"},
    {403,
     R"({"error":{"code":403,"message":"Requests to this API are blocked.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_SERVICE_BLOCKED"}]}})",
     unauthorized, "blocked"},
    {403, "<html><title>403 Forbidden</title>", server_error, "403 Forbidden"},
    {404,
     R"({"error":{"code":404,"message":"models/x is not found for API version v1beta","status":"NOT_FOUND"}})",
     model_unavailable, "models/x"},
    {404, "<html><title>Error 404 (Not Found)!!1</title>", bad_request, "Not Found"},
    {405, "", bad_request, "HTTP 405"},
    {408, "", server_error, ""},
    {413, "<html><title>413</title>", bad_request, "413"},
    {429,
     R"({"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}})",
     rate_limited, "exhausted"},
    {429,
     R"({"error":{"code":429,"message":"Your prepayment credits are depleted. Please go to AI Studio.","status":"RESOURCE_EXHAUSTED"}})",
     quota_exhausted, "prepayment"},
    {429,
     R"({"error":{"code":429,"message":"Prepay credit balance is depleted.","status":"RESOURCE_EXHAUSTED"}})",
     quota_exhausted, "Prepay"},
    // The words of OpenAI's insufficient_quota, and yet a rate limit.
    {429,
     R"({"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED"}})",
     rate_limited, "billing"},
    {429,
     R"({"error":{"code":429,"message":"You exceeded your current quota.\n* Quota exceeded for metric: x, limit: 0, model: gemini-3-pro","status":"RESOURCE_EXHAUSTED"}})",
     model_unavailable, "limit: 0"},
    {429,
     R"({"error":{"code":429,"message":"* Quota exceeded for metric: x, limit: 0\nPlease retry in 3s.","status":"RESOURCE_EXHAUSTED"}})",
     model_unavailable, "limit: 0"},
    {429, R"({"error":{"code":429,"message":"Quota exceeded, limit: 0.5, x","status":"RESOURCE_EXHAUSTED"}})",
     rate_limited, "0.5"},
    {429,
     R"({"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaValue":"0"}]}]}})",
     model_unavailable, "x"},
    {429, "", rate_limited, "empty"},
    {429, "<html><title>Sorry...</title>", rate_limited, "Sorry"},
    {499, R"({"error":{"code":499,"message":"The operation was cancelled.","status":"CANCELLED"}})",
     server_error, "cancelled"},
    {500, R"({"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}})",
     server_error, "internal"},
    {502, "<html><title>502 Bad Gateway</title>", server_error, "502"},
    {503,
     R"({"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}})",
     overloaded, "overloaded"},
    {503, "{\"error\":{\"mess", overloaded, "HTTP 503"},
    {504, R"({"error":{"code":504,"message":"Deadline expired.","status":"DEADLINE_EXCEEDED"}})",
     server_error, "Deadline"},
    {529, "", overloaded, ""},
    {301, "", bad_request, "redirect"},
    // A 2xx reply: the body's own code decides.
    {200, R"({"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}})", rate_limited, "slow"},
    {200, R"([{"error":{"code":404,"message":"no such model","status":"NOT_FOUND"}}])", model_unavailable,
     "no such"},
    {200, R"({"error":"what"})", server_error, "what"},
};

TEST(GeminiFault, IsWhatTheReplySays) {
  for (const Case& one : table) {
    const ResponseHead head = reply_head(one.status);
    const Fault fault = gemini_fault(&head, one.body);
    EXPECT_EQ(name(fault.kind), name(one.kind)) << one.status << " " << one.body;
    EXPECT_NE(fault.message.find(one.in_message), std::string::npos) << fault.message;
    EXPECT_EQ(fault.status, one.status);
  }
}

// In a stream, with the same words in an array.
TEST(GeminiFault, IsTheSameInAnEvent) {
  for (const Case& one : table) {
    if (one.body.empty() || one.body.front() != '{' || one.body.back() != '}') continue;
    const std::string array = "[" + std::string(one.body) + "]";
    EXPECT_EQ(name(gemini_fault(nullptr, one.body).kind), name(one.kind)) << one.body;
    EXPECT_EQ(name(gemini_fault(nullptr, array).kind), name(one.kind)) << array;
    EXPECT_EQ(gemini_fault(nullptr, one.body).status, 0);
  }
}

std::string too_many(std::string_view quota_ids, std::string_view delay) {
  std::string violations;
  for (std::size_t at = 0; at < quota_ids.size();) {
    const std::size_t end = std::min(quota_ids.find(' ', at), quota_ids.size());
    violations +=
        std::string(violations.empty() ? "" : ",") + R"({"quotaMetric":"m","quotaId":")" +
        std::string(quota_ids.substr(at, end - at)) +
        R"(","quotaDimensions":{"location":"global","model":"gemini-2.5-flash"},"quotaValue":"10"})";
    at = end + 1;
  }
  return R"({"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. Please retry in 12.5s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[)" +
         violations +
         R"(]},{"@type":"type.googleapis.com/google.rpc.Help","links":[{"description":"x","url":"https://x"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":")" +
         std::string(delay) + "\"}]}}";
}

TEST(GeminiFault, NamesTheLimitAndTheWait) {
  struct Limit {
    std::string_view quota_ids, delay;
    std::optional<Dimension> dimension;
    std::optional<double> wait_s;
  };
  const Limit limits[] = {
      {"GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "37s", Dimension::requests_per_minute, 37},
      {"GenerateContentInputTokensPerModelPerMinute-FreeTier", "1.5s", Dimension::input_tokens_per_minute,
       1.5},
      {"GenerateContentPaidTierInputTokensPerModelPerMinute", "45.578569677s",
       Dimension::input_tokens_per_minute, 45.578569677},
      // A day's is back when the day turns, whatever the delay says.
      {"GenerateRequestsPerDayPerProjectPerModel-FreeTier", "37s", Dimension::requests_per_day, std::nullopt},
      {"GenerateContentInputTokensPerModelPerDay", "37s", Dimension::tokens_per_day, std::nullopt},
      {"GenerateRequestsPerMinutePerProjectPerModel GenerateRequestsPerDayPerProjectPerModel", "5s",
       Dimension::requests_per_day, std::nullopt},
      {"GenerateRequestsPerDayPerProjectPerModel GenerateRequestsPerMinutePerProjectPerModel", "5s",
       Dimension::requests_per_day, std::nullopt},
      {"SomethingElse", "4s", std::nullopt, 4},
      // An unusable delay: the message has one too.
      {"GenerateRequestsPerMinutePerProjectPerModel", "0s", Dimension::requests_per_minute, 12.5},
      {"GenerateRequestsPerMinutePerProjectPerModel", "99999999s", Dimension::requests_per_minute, 12.5},
      {"GenerateRequestsPerMinutePerProjectPerModel", "soon", Dimension::requests_per_minute, 12.5},
  };
  for (const Limit& limit : limits) {
    const ResponseHead head = reply_head(429);
    const Fault fault = gemini_fault(&head, too_many(limit.quota_ids, limit.delay));
    EXPECT_EQ(fault.kind, rate_limited) << limit.quota_ids;
    EXPECT_EQ(fault.dimension, limit.dimension) << limit.quota_ids;
    ASSERT_EQ(fault.retry_after.has_value(), limit.wait_s.has_value()) << limit.quota_ids;
    if (limit.wait_s) {
      EXPECT_NEAR(std::chrono::duration<double>(*fault.retry_after).count(), *limit.wait_s, 1e-6)
          << limit.quota_ids << " " << limit.delay;
    }
  }
}

TEST(GeminiFault, WaitsAsAHeaderFieldSaysBeforeTheBody) {
  const ResponseHead head = reply_head(429, {{"retry-after", "20"}});
  const std::string both = too_many("GenerateRequestsPerMinutePerProjectPerModel", "37s");
  EXPECT_EQ(gemini_fault(&head, both).retry_after, std::optional<Duration>(std::chrono::seconds(20)));
  EXPECT_EQ(gemini_fault(&head, "").retry_after, std::optional<Duration>(std::chrono::seconds(20)));
}

}  // namespace
}  // namespace batchrun
