#include "io/dialects/openai_errors.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using enum FaultKind;

constexpr auto openai = OpenAiFlavour::openai;
constexpr auto groq = OpenAiFlavour::groq;
constexpr auto cerebras = OpenAiFlavour::cerebras;

struct Case {
  OpenAiFlavour flavour;
  int status;
  std::string_view body;
  FaultKind kind;
  std::string_view in_message;
};

constexpr std::string_view html_502 =
    "<html>\r\n<head><title>502 Bad Gateway</title></head><body>x</body></html>";

// OpenAI, as its error page has them.
const Case openai_table[] = {
    {openai, 400,
     R"({"error":{"message":"Bad role.","type":"invalid_request_error","param":"x","code":null}})",
     bad_request, "Bad role."},
    {openai, 400,
     R"({"error":{"message":"Too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
     bad_request, "Too long"},
    {openai, 400,
     R"({"error":{"message":"No.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}})",
     bad_request, "No."},
    {openai, 400,
     R"({"error":{"message":"Tier","type":"invalid_request_error","param":"service_tier","code":null}})",
     bad_request, "Tier"},
    {openai, 401,
     R"({"error":{"message":"Incorrect API key provided: sk-abc***xyz.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
     unauthorized, "provided: [key]."},
    {openai, 401,
     R"({"error":{"message":"You must be a member of an organization","type":"invalid_request_error","param":null,"code":"invalid_organization"}})",
     unauthorized, "member"},
    {openai, 401, "", unauthorized, "HTTP 401 with an empty body"},
    {openai, 400,
     R"({"error":{"message":"bad key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
     unauthorized, "bad key"},
    {openai, 403,
     R"({"error":{"message":"Country not supported","type":"request_forbidden","param":null,"code":"unsupported_country_region_territory"}})",
     unauthorized, "Country"},
    {openai, 403,
     R"({"error":{"message":"Project has no access to model","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
     model_unavailable, "access"},
    {openai, 403, "<html><title>Attention Required!</title>", server_error, "HTTP 403: Attention Required!"},
    {openai, 404,
     R"({"error":{"message":"The model `x` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
     model_unavailable, "does not exist"},
    {openai, 404,
     R"({"error":{"message":"Unknown request URL","type":"invalid_request_error","param":null,"code":"unknown_url"}})",
     bad_request, "Unknown request URL"},
    {openai, 404, "<html>nginx", bad_request, "HTTP 404: <html>nginx"},
    {openai, 405,
     R"({"error":{"message":"Not allowed","type":"invalid_request_error","param":null,"code":null}})",
     bad_request, "Not allowed"},
    {openai, 408, "", server_error, "HTTP 408"},
    {openai, 409, R"({"error":{"message":"lock timeout","type":"server_error","param":null,"code":null}})",
     server_error, "lock"},
    {openai, 413, "<html><title>413 Request Entity Too Large</title></html>", bad_request,
     "413 Request Entity"},
    {openai, 415, "{}", bad_request, "HTTP 415: {}"},
    {openai, 422,
     R"({"error":{"message":"Unprocessable","type":"invalid_request_error","param":null,"code":null}})",
     bad_request, "Unprocessable"},
    {openai, 425, "", server_error, ""},
    {openai, 429,
     R"j({"error":{"message":"Rate limit reached on tokens per min (TPM)","type":"tokens","param":null,"code":"rate_limit_exceeded"}})j",
     rate_limited, "Rate limit"},
    {openai, 429,
     R"({"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 50000.","type":"tokens","param":null,"code":"rate_limit_exceeded"}})",
     exceeds_window, "Request too large"},
    {openai, 429,
     R"({"error":{"message":"Slow down","type":"rate_limit_error","param":null,"code":"slow_down"}})",
     rate_limited, "Slow"},
    {openai, 429,
     R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
     quota_exhausted, "quota"},
    {openai, 429, R"({"error":{"message":"x","type":"insufficient_quota","param":null,"code":null}})",
     quota_exhausted, "x"},
    {openai, 429,
     R"({"error":{"message":"x","type":"billing","param":null,"code":"credit_balance_exhausted"}})",
     quota_exhausted, "x"},
    {openai, 429,
     R"({"error":{"message":"x","type":"billing","param":null,"code":"organization_spend_limit_exceeded"}})",
     quota_exhausted, "x"},
    {openai, 429,
     R"({"error":{"message":"x","type":"billing","param":null,"code":"project_spend_limit_exceeded"}})",
     quota_exhausted, "x"},
    {openai, 429,
     R"({"error":{"message":"x","type":"billing","param":null,"code":"organization_usage_limit_exceeded"}})",
     quota_exhausted, "x"},
    {openai, 400,
     R"({"error":{"message":"x","type":"invalid_request_error","param":null,"code":"billing_hard_limit_reached"}})",
     quota_exhausted, "x"},
    {openai, 403,
     R"({"error":{"message":"x","type":"invalid_request_error","param":null,"code":"billing_not_active"}})",
     quota_exhausted, "x"},
    {openai, 429,
     R"({"error":{"message":"Resource Unavailable","type":"resource_unavailable","param":null,"code":null}})",
     rate_limited, "Resource"},
    {openai, 429, "<html><title>429 Too Many Requests</title>", rate_limited, "Too Many"},
    {openai, 429, "", rate_limited, "empty"},
    {openai, 500,
     R"({"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}})",
     server_error, "server had"},
    {openai, 500,
     R"({"error":{"message":"busy","type":"server_error","param":null,"code":"server_is_overloaded"}})",
     overloaded, "busy"},
    {openai, 501, "", server_error, ""},
    {openai, 502, html_502, server_error, "HTTP 502: 502 Bad Gateway"},
    {openai, 503,
     R"({"error":{"message":"Overloaded","type":"service_unavailable_error","param":null,"code":"server_is_overloaded"}})",
     overloaded, "Overloaded"},
    {openai, 503, "", overloaded, "empty"},
    {openai, 503, "{\"error\":{\"mess", overloaded, "HTTP 503"},
    {openai, 504, html_502, server_error, ""},
    {openai, 520, html_502, server_error, ""},
    {openai, 521, html_502, server_error, ""},
    {openai, 522, html_502, server_error, ""},
    {openai, 523, html_502, server_error, ""},
    {openai, 524, html_502, server_error, ""},
    {openai, 529, R"({"error":{"message":"Overloaded","type":"overloaded_error"}})", overloaded, ""},
    {openai, 418, "", bad_request, ""},
    {openai, 600, "", malformed_reply, ""},
    {openai, 101, "", server_error, ""},
};

// Its kin: Groq, Cerebras, Ollama, Azure, OpenRouter, vLLM.
const Case kin_table[] = {
    {groq, 429,
     R"j({"error":{"message":"Rate limit reached for model `x` on requests per minute (RPM)","type":"requests","code":"rate_limit_exceeded"}})j",
     rate_limited, "Rate"},
    {groq, 413,
     R"({"error":{"message":"Request too large for model `x` in organization `org_x` on tokens per minute (TPM): Limit 6000, Requested 9000","type":"tokens","code":"rate_limit_exceeded"}})",
     exceeds_window, "too large"},
    {groq, 413, R"({"error":{"message":"shorter, please","type":"tokens","code":"rate_limit_exceeded"}})",
     exceeds_window, "shorter"},
    {groq, 413, R"({"error":{"message":"Payload too large","type":"invalid_request_error"}})", bad_request,
     "Payload"},
    {groq, 498, R"({"error":{"message":"flex tier","type":"x","code":"capacity_exceeded"}})", rate_limited,
     "flex"},
    {openai, 498, "", bad_request, ""},
    {groq, 499, "", server_error, ""},
    {groq, 424, R"({"error":{"message":"MCP","type":"x"}})", bad_request, "MCP"},
    {groq, 422, R"({"error":{"message":"semantic","type":"x"}})", bad_request, "semantic"},
    {groq, 422, R"({"error":{"message":"Model hallucination","type":"x"}})", model_stumbled, "hallucination"},
    {openai, 422, R"({"error":{"message":"Model hallucination","type":"x"}})", bad_request, "hallucination"},
    {groq, 400,
     R"({"error":{"message":"Failed to generate JSON","type":"invalid_request_error","code":"json_validate_failed"}})",
     model_stumbled, "JSON"},
    {groq, 400,
     R"({"error":{"message":"Failed to call a function","type":"invalid_request_error","code":"tool_use_failed"}})",
     model_stumbled, "call"},
    {openai, 400, R"({"error":{"message":"x","type":"invalid_request_error","code":"tool_use_failed"}})",
     bad_request, "x"},
    {groq, 400,
     R"({"error":{"message":"gone","type":"invalid_request_error","code":"model_decommissioned"}})",
     model_unavailable, "gone"},
    {groq, 404, R"({"error":{"message":"no","type":"invalid_request_error","code":"model_not_found"}})",
     model_unavailable, "no"},
    {groq, 403,
     R"({"error":{"message":"blocked","type":"permissions_error","code":"model_permission_blocked_org"}})",
     model_unavailable, "blocked"},
    {groq, 401,
     R"({"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}})",
     unauthorized, "Invalid"},
    {cerebras, 429,
     R"({"message":"Requests per minute limit exceeded - too many requests sent.","type":"too_many_requests_error","param":"quota","code":"request_quota_exceeded"})",
     rate_limited, "Requests per minute"},
    {cerebras, 429,
     R"({"message":"Tokens per minute limit exceeded - too many tokens processed.","type":"too_many_tokens_error","param":"quota","code":"token_quota_exceeded"})",
     rate_limited, "Tokens per minute"},
    {cerebras, 429,
     R"({"error":{"message":"wrapped","type":"too_many_requests_error","param":"quota","code":"request_quota_exceeded"}})",
     rate_limited, "wrapped"},
    {cerebras, 402, R"({"message":"Payment required","type":"payment_required","param":null,"code":null})",
     quota_exhausted, "Payment"},
    {cerebras, 401,
     R"({"message":"Wrong API Key","type":"invalid_request_error","param":"api_key","code":"wrong_api_key"})",
     unauthorized, "Wrong"},
    {cerebras, 404,
     R"({"message":"Model x does not exist or you do not have access to it.","type":"not_found_error","param":"model","code":"model_not_found"})",
     model_unavailable, "exist"},
    {cerebras, 422, R"({"message":"bad field","type":"invalid_request_error","param":null,"code":null})",
     bad_request, "bad field"},
    {cerebras, 503, R"({"message":"busy","type":"server_error","param":"queue","code":"queue_exceeded"})",
     overloaded, "busy"},
    // Azure.
    {openai, 400,
     R"({"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
     content_refused, "filtered"},
    {openai, 400,
     R"({"error":{"message":"blocked","code":"x","innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
     content_refused, "blocked"},
    {openai, 400, R"({"error":{"message":"policy","type":"x","code":"content_policy_violation"}})",
     content_refused, "policy"},
    {openai, 429,
     R"({"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 8 seconds."}})",
     rate_limited, "call rate"},
    {openai, 401, R"({"error":{"code":"401","message":"Access denied due to invalid subscription key"}})",
     unauthorized, "Access denied"},
    {openai, 404, R"({"error":{"code":"DeploymentNotFound","message":"The API deployment does not exist"}})",
     model_unavailable, "deployment"},
    {openai, 404, R"({"error":{"code":"404","message":"Resource not found"}})", bad_request, "Resource"},
    // OpenRouter: numbers as codes.
    {openai, 402, R"({"error":{"code":402,"message":"Insufficient credits"}})", quota_exhausted, "credits"},
    {openai, 403,
     R"({"error":{"code":403,"message":"Your input was refused","metadata":{"reasons":["violence"],"flagged_input":"..."}}})",
     content_refused, "refused"},
    {openai, 403, R"({"error":{"code":403,"message":"Key limit exceeded"}})", unauthorized, "Key limit"},
    {openai, 404, R"({"error":{"code":404,"message":"No endpoints found for x/y."}})", model_unavailable,
     "endpoints"},
    {openai, 408, R"({"error":{"code":408,"message":"timed out"}})", server_error, "timed"},
    {openai, 502,
     R"({"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"upstream broke","provider_name":"P"}}})",
     server_error, "Provider returned error: upstream broke"},
    {openai, 503, R"({"error":{"code":503,"message":"No provider"}})", overloaded, "No provider"},
    // vLLM, old and new, and FastAPI below it; Ollama.
    {openai, 400,
     R"({"error":{"message":"maximum context length is 8192","type":"BadRequestError","param":null,"code":400}})",
     bad_request, "8192"},
    {openai, 400, R"({"object":"error","message":"flat","type":"BadRequestError","param":null,"code":400})",
     bad_request, "flat"},
    {openai, 404,
     R"({"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404})",
     model_unavailable, "exist"},
    {openai, 401, R"({"error":"Unauthorized"})", unauthorized, "Unauthorized"},
    {openai, 422, R"({"detail":[{"loc":["body","messages"],"msg":"field required"}]})", bad_request,
     "field required"},
    {openai, 404, R"({"detail":"Not Found"})", bad_request, "Not Found"},
    {openai, 404,
     R"({"error":{"message":"model \"x\" not found, try pulling it first","type":"not_found_error","param":null,"code":null}})",
     model_unavailable, "pulling"},
    {openai, 429, R"([{"error":{"code":429,"message":"in an array"}}])", rate_limited, "in an array"},
    {openai, 500, R"([[[]]])", server_error, ""},
    {openai, 500, R"("just text")", server_error, "just text"},
    {openai, 500, R"({"error":null,"message":"m"})", server_error, "m"},
};

// 2xx with an error inside: the body's own status or words decide.
const Case inside_table[] = {
    {openai, 200, R"({"error":{"code":502,"message":"down"}})", server_error, "down"},
    {openai, 200, R"({"error":{"code":429,"message":"slow"}})", rate_limited, "slow"},
    {openai, 200, R"({"error":{"code":402,"message":"credits"}})", quota_exhausted, "credits"},
    {openai, 200, R"({"error":{"code":"429","message":"quoted"}})", rate_limited, "quoted"},
    {openai, 200, R"({"error":{"code":"server_is_overloaded","message":"m"}})", overloaded, "m"},
    {openai, 200, R"({"error":{"type":"overloaded_error","message":"m"}})", overloaded, "m"},
    {openai, 200, R"({"error":{"type":"tokens","code":"rate_limit_exceeded","message":"m"}})", rate_limited,
     "m"},
    {openai, 200, R"({"error":{"type":"insufficient_quota","message":"m"}})", quota_exhausted, "m"},
    {openai, 200, R"({"error":{"type":"invalid_request_error","message":"m"}})", bad_request, "m"},
    {openai, 200, R"({"error":{"type":"authentication_error","message":"m"}})", unauthorized, "m"},
    {openai, 200, R"({"error":{"type":"x","code":"model_not_found","message":"m"}})", model_unavailable, "m"},
    {openai, 200, R"({"error":{"type":"server_error","message":"m"}})", server_error, "m"},
    {openai, 200, R"({"error":{"code":"content_filter","message":"m"}})", content_refused, "m"},
    {openai, 200, R"({"error":{"message":"m","innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
     content_refused, "m"},
    {openai, 200, R"({"error":{"code":"unsupported_parameter","message":"m"}})", bad_request, "m"},
    {openai, 200, R"({"error":{"code":"missing_required_parameter","message":"m"}})", bad_request, "m"},
    {groq, 200, R"({"error":{"code":"tool_use_failed","message":"m"}})", model_stumbled, "m"},
    {groq, 200, R"({"error":{"code":"json_validate_failed","message":"m"},"status_code":400})",
     model_stumbled, "m"},
    {openai, 200, R"({"error":"text"})", server_error, "text"},
    {openai, 200, R"({"error":{}})", server_error, "HTTP 200: {\"error\":{}}"},
    {cerebras, 200, R"({"error":{"message":"m","type":"t","code":"c"},"status_code":429})", rate_limited,
     "m"},
    {cerebras, 200, R"({"error":{"message":"m","type":"t","code":"c"},"status_code":0})", server_error, "m"},
};

void check(const Case& c) {
  const Fault fault = openai_fault(c.flavour, reply_head(c.status), c.body);
  EXPECT_EQ(name(fault.kind), name(c.kind)) << c.status << " " << c.body;
  EXPECT_EQ(fault.status, c.status);
  EXPECT_NE(fault.message.find(c.in_message), std::string::npos) << fault.message << "\n" << c.body;
  EXPECT_FALSE(fault.message.empty()) << c.body;
}

TEST(OpenAiErrors, ClassifiesOpenAisReplies) {
  for (const Case& c : openai_table) check(c);
}

TEST(OpenAiErrors, ClassifiesTheRepliesOfItsKin) {
  for (const Case& c : kin_table) check(c);
}

TEST(OpenAiErrors, ClassifiesAnErrorInsideASuccess) {
  for (const Case& c : inside_table) check(c);
}

TEST(OpenAiErrors, ClassifiesEventsByTheSameWords) {
  for (const Case& c : inside_table) {
    const Fault fault = openai_event_fault(c.flavour, c.body);
    EXPECT_EQ(name(fault.kind), name(c.kind)) << c.body;
    EXPECT_EQ(fault.status, 0);
  }
  const Fault groqs =
      openai_event_fault(groq, R"({"choices":[],"x_groq":{"id":"req_1","error":"over capacity"}})");
  EXPECT_EQ(groqs.kind, server_error);
  EXPECT_EQ(groqs.message, "over capacity");
  EXPECT_EQ(openai_event_fault(openai, "no json").message, "error event: no json");
}

// Any cut of any body: classified by the status at worst, never a crash.
TEST(OpenAiErrors, SurvivesBodiesCutAnywhere) {
  for (const Case& c : kin_table) {
    for (std::size_t size = 0; size <= c.body.size(); ++size) {
      const Fault fault = openai_fault(c.flavour, reply_head(c.status), c.body.substr(0, size));
      EXPECT_FALSE(fault.message.empty());
      EXPECT_LE(fault.message.size(), 512u);
    }
  }
}

TEST(OpenAiErrors, NeverFollowsARedirectAndNamesItsHostOnly) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"https://evil.example/v1?key=sk-1", "unexpected redirect to evil.example"},
      {"http://user:pw@evil.example:8080/x", "unexpected redirect to evil.example:8080"},
      {"//evil.example", "unexpected redirect to evil.example"},
      {"/v2/chat", "unexpected redirect within the same host"},
      {"", "unexpected redirect within the same host"}};
  for (const int status : {301, 302, 303, 307, 308}) {
    for (const auto& [location, message] : table) {
      const Fault fault = openai_fault(openai, reply_head(status, {{"location", location}}), "<html>moved");
      EXPECT_EQ(fault.kind, bad_request);
      EXPECT_EQ(fault.message, message);
    }
  }
}

TEST(OpenAiErrors, ObeysShouldRetry) {
  struct Row {
    int status;
    std::string_view body;
    FaultKind when_false, when_true;
  };
  const Row table[] = {
      {500, "", bad_request, server_error},
      {503, "", bad_request, overloaded},
      {409, "", bad_request, server_error},
      {429, "", exceeds_window, rate_limited},
      {400, "", bad_request, server_error},
      {404, R"({"error":{"code":"model_not_found"}})", model_unavailable, model_unavailable},
      {401, "", unauthorized, unauthorized},
      {429, R"({"error":{"code":"insufficient_quota"}})", quota_exhausted, quota_exhausted},
  };
  for (const Row& row : table) {
    EXPECT_EQ(openai_fault(openai, reply_head(row.status, {{"x-should-retry", "false"}}), row.body).kind,
              row.when_false)
        << row.status;
    EXPECT_EQ(openai_fault(openai, reply_head(row.status, {{"X-Should-Retry", "true"}}), row.body).kind,
              row.when_true)
        << row.status;
    EXPECT_EQ(openai_fault(openai, reply_head(row.status, {{"x-should-retry", "perhaps"}}), row.body).kind,
              openai_fault(openai, reply_head(row.status), row.body).kind);
  }
}

struct WaitCase {
  OpenAiFlavour flavour;
  HeadFields fields;
  std::string_view body;
  double wait_s;  // 0: none
};

TEST(OpenAiErrors, TakesTheFirstValidWait) {
  constexpr std::string_view try_again =
      R"({"error":{"message":"Please try again in 4.74s. Visit","type":"tokens","code":"rate_limit_exceeded"}})";
  constexpr std::string_view date = "Sun, 22 Nov 2026 10:15:00 GMT";
  const WaitCase table[] = {
      {openai, {{"retry-after-ms", "1500"}, {"retry-after", "9"}}, try_again, 1.5},
      {openai, {{"retry-after-ms", "0"}, {"retry-after", "9"}}, try_again, 9},
      {openai, {{"retry-after", "2.5"}}, try_again, 2.5},
      {openai, {{"date", date}, {"retry-after", "Sun, 22 Nov 2026 10:15:08 GMT"}}, try_again, 8},
      {openai, {{"date", date}, {"retry-after", "Sun, 22 Nov 2026 10:14:08 GMT"}}, try_again, 4.74},
      {openai, {{"retry-after", "-1"}}, try_again, 4.74},
      {openai, {{"retry-after", "soon"}}, try_again, 4.74},
      {openai, {}, try_again, 4.74},
      {openai, {}, R"({"error":{"code":"429","message":"Please retry after 8 seconds."}})", 8},
      {openai, {{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", "17s"}}, "", 17},
      {openai, {{"x-ratelimit-remaining-tokens", "50"}, {"x-ratelimit-reset-tokens", "17s"}}, "", 0},
      {openai,
       {{"x-ratelimit-remaining-tokens", "0"},
        {"x-ratelimit-reset-tokens", "17s"},
        {"x-ratelimit-remaining-requests", "0"},
        {"x-ratelimit-reset-requests", "20s"}},
       "",
       20},
      // Groq's real per-minute refusal: a day's budget hardly touched.
      {groq,
       {{"retry-after", "2"},
        {"x-ratelimit-remaining-requests", "14370"},
        {"x-ratelimit-reset-requests", "2m59s"}},
       "",
       2},
      {groq, {{"x-ratelimit-remaining-requests", "14370"}, {"x-ratelimit-reset-requests", "2m59s"}}, "", 0},
      {groq, {}, R"({"error":{"message":"(TPD): Limit 1. Please try again in 9m38.016s."}})", 578.016},
      {cerebras,
       {{"x-ratelimit-remaining-tokens-minute", "0"}, {"x-ratelimit-reset-tokens-minute", "11.5"}},
       "",
       11.5},
      // OpenRouter: milliseconds since 1970.
      {openai, {{"date", date}, {"x-ratelimit-reset", "1795342530000"}}, "", 30},
      {openai, {{"x-ratelimit-reset", "1795342530000"}}, "", 0},
      {openai, {{"retry-after", "1000000000"}}, "", 0},
      {openai, {}, "", 0},
  };
  for (const WaitCase& c : table) {
    const Fault fault = openai_fault(c.flavour, reply_head(429, c.fields), c.body);
    EXPECT_EQ(fault.kind, rate_limited);
    EXPECT_EQ(fault.retry_after.has_value(), c.wait_s > 0) << c.body;
    EXPECT_NEAR(seconds(fault.retry_after.value_or(Duration::zero())), c.wait_s, 1e-6) << c.body;
  }
}

TEST(OpenAiErrors, KeepsTheWaitOfAnOverload) {
  const Fault fault = openai_fault(openai, reply_head(503, {{"retry-after", "7"}}), "");
  EXPECT_EQ(fault.kind, overloaded);
  EXPECT_EQ(fault.retry_after, Duration(std::chrono::seconds(7)));
}

TEST(OpenAiErrors, FindsWhichLimitItWas) {
  using enum Dimension;
  const std::pair<std::string_view, std::optional<Dimension>> table[] = {
      {R"({"error":{"message":"on tokens per min (TPM): Limit","type":"tokens"}})", tokens_per_minute},
      {R"({"error":{"message":"on requests per min (RPM): Limit","type":"requests"}})", requests_per_minute},
      {R"({"error":{"message":"on requests per day (RPD): Limit","type":"requests"}})", requests_per_day},
      {R"({"error":{"message":"on tokens per day (TPD): Limit","type":"tokens"}})", tokens_per_day},
      {R"j({"error":{"message":"(ITPM)","type":"tokens"}})j", input_tokens_per_minute},
      {R"j({"error":{"message":"(OTPM)","type":"tokens"}})j", output_tokens_per_minute},
      {R"({"error":{"message":"x","type":"tokens"}})", tokens_per_minute},
      {R"({"error":{"message":"x","type":"requests"}})", requests_per_minute},
      {R"({"message":"Requests per minute limit exceeded - too many requests sent.","code":"request_quota_exceeded"})",
       requests_per_minute},
      {R"({"message":"Tokens per day limit exceeded","code":"token_quota_exceeded"})", tokens_per_day},
      {R"({"message":"x","code":"token_quota_exceeded"})", tokens_per_minute},
      {R"({"error":{"code":"429","message":"exceeded token rate limit of your"}})", tokens_per_minute},
      {R"({"error":{"code":"429","message":"exceeded call rate limit of your"}})", requests_per_minute},
      {R"({"error":{"message":"Slow down","type":"rate_limit_error"}})", std::nullopt},
      {"", std::nullopt}};
  for (const auto& [body, dimension] : table) {
    EXPECT_EQ(openai_fault(openai, reply_head(429), body).dimension, dimension) << body;
  }
}

TEST(OpenAiErrors, TheMessageIsInertAndShort) {
  const std::string body = R"({"error":{"message":"line\none\u001b[31m\u202e sk-ABCDEF0123456789 )" +
                           std::string(2000, 'x') + "\"}}";
  const Fault fault = openai_fault(openai, reply_head(400), body);
  EXPECT_TRUE(fault.message.starts_with("line one[31m [key] xxx")) << fault.message;
  EXPECT_LE(fault.message.size(), 512u);
}

}  // namespace
}  // namespace batchrun
