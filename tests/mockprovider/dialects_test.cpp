// What every dialect must do alike, and the voices of those that speak OpenAI's way.
#include "bench/mockprovider/dialects/dialects.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

const Refusal tpm{.dimension = Dimension::tokens_per_minute,
                  .limit = 200000,
                  .used = 199000,
                  .requested = 2000,
                  .wait = 300ms};

Problem limited(const Refusal& refusal, std::string_view model = "m",
                std::string_view organisation = "org-x") {
  return {.trouble = Trouble::rate_limited, .organisation = organisation, .model = model, .refusal = refusal};
}

std::string message(Flavour flavour, const Problem& problem) {
  const json::value body = json::parse(dialect_of(flavour).error(problem).body);
  return std::string(body.at("error").at("message").as_string());
}

// Status and words of each trouble in each dialect. Every body is JSON, whatever is told.
TEST(Dialects, SayEachTroubleTheirWay) {
  const struct {
    Flavour flavour;
    Problem problem;
    int status;
    const char* part;
  } cases[] = {
      {Flavour::openai, {.trouble = Trouble::incorrect_key, .key = "k"}, 401, "invalid_api_key"},
      {Flavour::openai, {.trouble = Trouble::no_key}, 401, "didn't provide an API key"},
      {Flavour::openai, {.trouble = Trouble::quota_gone}, 429, "insufficient_quota"},
      {Flavour::openai,
       {.trouble = Trouble::quota_gone, .variant = "credit_balance_exhausted"},
       429,
       R"("code":"credit_balance_exhausted")"},
      {Flavour::openai,
       {.trouble = Trouble::rate_limited, .variant = "slow_down"},
       429,
       R"("type":"rate_limit_error")"},
      {Flavour::openai, {.trouble = Trouble::overloaded}, 503, "server_is_overloaded"},
      {Flavour::openai, {.trouble = Trouble::unknown_model, .model = "x"}, 404, "model_not_found"},
      {Flavour::groq, {.trouble = Trouble::incorrect_key, .key = "k"}, 401, "invalid_api_key"},
      {Flavour::cerebras, {.trouble = Trouble::quota_gone}, 402, "payment_required"},
      {Flavour::azure, {.trouble = Trouble::incorrect_key}, 401, R"("code":"401")"},
      {Flavour::azure, {.trouble = Trouble::unknown_model}, 404, "DeploymentNotFound"},
      {Flavour::azure, {.trouble = Trouble::unknown_url}, 404, R"("code":"404")"},
      {Flavour::azure, {.trouble = Trouble::prompt_refused}, 400, "ResponsibleAIPolicyViolation"},
      {Flavour::openrouter, {.trouble = Trouble::quota_gone}, 402, R"("code":402)"},
      {Flavour::openrouter, {.trouble = Trouble::prompt_refused}, 403, R"("code":403)"},
      {Flavour::openrouter, {.trouble = Trouble::incorrect_key}, 401, R"("code":401)"},
      {Flavour::vllm, {.trouble = Trouble::incorrect_key}, 401, R"({"error":"Unauthorized"})"},
      {Flavour::vllm, {.message = "no"}, 400, R"("type":"BadRequestError","param":null,"code":400}})"},
      {Flavour::vllm, {.message = "no", .variant = "flat"}, 400, R"({"object":"error","message":"no")"},
      {Flavour::ollama,
       {.trouble = Trouble::unknown_model, .model = "x"},
       404,
       R"("type":"not_found_error")"},
      {Flavour::ollama, {.trouble = Trouble::overloaded}, 503, R"("type":"api_error")"},
      {Flavour::anthropic, {.trouble = Trouble::incorrect_key}, 401, "authentication_error"},
      {Flavour::anthropic,
       {.trouble = Trouble::incorrect_key, .variant = "organization_on_hold"},
       400,
       R"("error_code":"organization_on_hold")"},
      {Flavour::anthropic,
       {.trouble = Trouble::incorrect_key, .variant = "permission_error"},
       403,
       "permission_error"},
      {Flavour::anthropic, {.trouble = Trouble::quota_gone}, 400, "Your credit balance is too low"},
      {Flavour::anthropic,
       {.trouble = Trouble::quota_gone, .variant = "billing_error"},
       402,
       R"("type":"billing_error")"},
      {Flavour::anthropic,
       {.trouble = Trouble::quota_gone, .variant = "own_spend_limit"},
       400,
       "You have reached your specified"},
      {Flavour::anthropic,
       {.trouble = Trouble::quota_gone, .variant = "contract_spend_limit_reached"},
       429,
       R"("error_code":"contract_spend_limit_reached")"},
      {Flavour::anthropic,
       {.trouble = Trouble::rate_limited, .variant = "ramp_limit_exceeded"},
       429,
       R"("error_code":"ramp_limit_exceeded")"},
      {Flavour::anthropic, {.trouble = Trouble::overloaded}, 529, "overloaded_error"},
      {Flavour::anthropic, {.trouble = Trouble::server_error, .status = 504}, 504, "timeout_error"},
      {Flavour::gemini, {.trouble = Trouble::incorrect_key}, 400, R"("reason":"API_KEY_INVALID")"},
      {Flavour::gemini, {.trouble = Trouble::incorrect_key, .variant = "leaked"}, 403, "reported as leaked"},
      {Flavour::gemini,
       {.trouble = Trouble::incorrect_key, .variant = "service_blocked"},
       403,
       "API_KEY_SERVICE_BLOCKED"},
      {Flavour::gemini, {.trouble = Trouble::no_key}, 403, "PERMISSION_DENIED"},
      {Flavour::gemini, {.trouble = Trouble::quota_gone}, 429, "prepayment credits are depleted"},
      {Flavour::gemini,
       {.trouble = Trouble::rate_limited, .variant = "per_day"},
       429,
       "RequestsPerDayPerProject"},
      {Flavour::gemini,
       {.trouble = Trouble::rate_limited, .variant = "not_offered"},
       429,
       R"("quotaValue":"0")"},
      {Flavour::gemini,
       {.trouble = Trouble::rate_limited, .variant = "no_details"},
       429,
       "Resource has been exhausted"},
      {Flavour::gemini,
       {.trouble = Trouble::server_error, .status = 504},
       504,
       R"("status":"DEADLINE_EXCEEDED")"},
      {Flavour::gemini, {.trouble = Trouble::overloaded}, 503, R"("code":503)"},
      {Flavour::serpapi, {.trouble = Trouble::incorrect_key}, 401, R"({"error":"Invalid API key.)"},
      {Flavour::serpapi, {.trouble = Trouble::incorrect_key, .variant = "deleted"}, 403, "deleted"},
      {Flavour::serpapi, {.trouble = Trouble::quota_gone}, 429, "run out of searches"},
      {Flavour::serpapi,
       {.trouble = Trouble::server_error, .reply_id = "i", .with_200 = true},
       500,
       R"({"search_metadata":{"id":"i","status":"Error"},"error":)"},
      {Flavour::serper,
       {.trouble = Trouble::incorrect_key},
       403,
       R"({"message":"Unauthorized.","statusCode":403})"},
      {Flavour::serper,
       {.trouble = Trouble::quota_gone},
       400,
       R"({"message":"Not enough credits","statusCode":400})"},
      {Flavour::serper, {.trouble = Trouble::rate_limited}, 429, R"("statusCode":429)"},
  };
  for (const auto& c : cases) {
    const ErrorReply reply = dialect_of(c.flavour).error(c.problem);
    EXPECT_EQ(reply.status, c.status) << reply.body;
    EXPECT_NE(reply.body.find(c.part), std::string::npos) << reply.body;
    json::error_code ec;
    json::parse(reply.body, ec);
    EXPECT_FALSE(ec) << reply.body;
  }
}

TEST(Dialects, OllamasNativeErrorsAreStrings) {
  EXPECT_EQ(ollama_dialect().error({.trouble = Trouble::unknown_model, .model = "x"}).body,
            R"({"error":"model \"x\" not found, try pulling it first"})");
  EXPECT_EQ(ollama_dialect().error({.trouble = Trouble::overloaded}).body,
            R"({"error":"server busy, please try again.  maximum pending requests exceeded"})");
}

TEST(Dialects, AStatusOverridesTheUsualOne) {
  for (const auto& [word, flavour] : flavour_names) {
    EXPECT_EQ(dialect_of(flavour).error({.trouble = Trouble::server_error, .status = 507}).status, 507)
        << word;
  }
}

TEST(Dialects, KeysAreMaskedUnlessAskedFor) {
  const Problem masked{.trouble = Trouble::incorrect_key, .key = "sk-abcdefghijkl"};
  Problem whole = masked;
  whole.whole_key = true;
  for (const auto& [word, flavour] : flavour_names) {
    EXPECT_EQ(dialect_of(flavour).error(masked).body.find("abcdefgh"), std::string::npos) << word;
  }
  EXPECT_NE(message(Flavour::openai, masked).find("sk-a***ijkl"), std::string::npos);
  EXPECT_EQ(message(Flavour::openai, {.trouble = Trouble::incorrect_key, .key = "short"}).find("short"),
            std::string::npos);
  for (const Flavour flavour : {Flavour::openai, Flavour::groq, Flavour::anthropic, Flavour::gemini}) {
    EXPECT_NE(message(flavour, whole).find("sk-abcdefghijkl"), std::string::npos);
  }
}

TEST(Dialects, RateLimitsAreWordedAsTheProviderDoes) {
  const std::string openai = message(Flavour::openai, limited(tpm, "gpt-4o-mini"));
  EXPECT_TRUE(
      openai.starts_with("Rate limit reached for gpt-4o-mini in organization org-x on tokens per min "
                         "(TPM): Limit 200000, Used 199000, Requested 2000. Please try again in 300ms."))
      << openai;
  EXPECT_NE(message(Flavour::groq, limited(tpm, "llama"))
                .find("model `llama` in organization `org-x` service tier `on_demand`"),
            std::string::npos);
  EXPECT_NE(message(Flavour::azure, limited(tpm))
                .find("have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry "
                      "after 1 second."),
            std::string::npos);
  Refusal itpm = tpm;
  itpm.dimension = Dimension::input_tokens_per_minute;
  itpm.limit = 30000;
  EXPECT_EQ(message(Flavour::anthropic, limited(itpm)),
            "This request would exceed your organization's rate limit of 30,000 input tokens per minute "
            "(org: org-x, "
            "model: m).");
  const json::value flat = json::parse(dialect_of(Flavour::cerebras).error(limited(tpm)).body);
  EXPECT_EQ(flat.at("code").as_string(), "token_quota_exceeded");
  EXPECT_EQ(flat.at("message").as_string(), "Tokens per minute limit exceeded - too many tokens processed.");
}

TEST(Dialects, TheLookAlikeSaysTooLarge) {
  Refusal large = tpm;
  large.too_large = true;
  const std::string text = message(Flavour::openai, limited(large, "gpt-4o"));
  EXPECT_TRUE(text.starts_with("Request too large for gpt-4o in organization org-x")) << text;
  EXPECT_EQ(text.find("try again"), std::string::npos);
  EXPECT_EQ(dialect_of(Flavour::openai).error(limited(large)).status, 429);
  EXPECT_EQ(dialect_of(Flavour::groq).error(limited(large)).status, 413);
}

TEST(Dialects, GroqLeavesParamOutAndOpenAiSaysNull) {
  const Problem error{.trouble = Trouble::server_error};
  const json::value openai = json::parse(dialect_of(Flavour::openai).error(error).body);
  EXPECT_TRUE(openai.at("error").at("code").is_null());
  EXPECT_TRUE(openai.at("error").at("param").is_null());
  EXPECT_FALSE(
      json::parse(dialect_of(Flavour::groq).error(error).body).at("error").as_object().contains("param"));
}

TEST(Dialects, ErrorsInAStreamHaveTheirShape) {
  const auto broken = [](const Dialect& dialect, const std::string& variant = "") {
    StreamEvents events;
    dialect.append_stream_error(events, {.trouble = Trouble::server_error, .variant = variant});
    return events;
  };
  const json::value cerebras = json::parse(broken(dialect_of(Flavour::cerebras)).data.at(0));
  EXPECT_EQ(cerebras.at("status_code").as_int64(), 500);
  EXPECT_TRUE(cerebras.at("error").as_object().contains("id"));
  const json::value groq = json::parse(broken(dialect_of(Flavour::groq), "x_groq").data.at(0));
  EXPECT_TRUE(groq.at("x_groq").at("error").is_string());
  EXPECT_FALSE(groq.as_object().contains("error"));
  const json::value openrouter = json::parse(broken(dialect_of(Flavour::openrouter)).data.at(0));
  EXPECT_EQ(openrouter.at("choices").at(0).at("finish_reason").as_string(), "error");
  EXPECT_EQ(openrouter.at("error").at("code").as_int64(), 502);
  EXPECT_EQ(broken(dialect_of(Flavour::vllm)).data.at(1), "[DONE]");
  const json::value invisible = json::parse(broken(dialect_of(Flavour::ollama)).data.at(0));
  EXPECT_FALSE(invisible.as_object().contains("error"));
  EXPECT_EQ(invisible.at("model").as_string(), "");
  EXPECT_EQ(broken(ollama_dialect()).data.at(0), R"({"error":"an internal error has occurred"})");
  EXPECT_TRUE(broken(dialect_of(Flavour::anthropic))
                  .data.at(0)
                  .starts_with(R"({"type":"error","error":{"type":"api_error")"));
  EXPECT_EQ(broken(dialect_of(Flavour::gemini)).data.size(), 1u);
  EXPECT_TRUE(broken(dialect_of(Flavour::gemini), "bare").tail.starts_with(R"({"error":{"code":500)"));
  EXPECT_TRUE(broken(dialect_of(Flavour::gemini), "array").tail.starts_with(R"([{"error":{"code":500)"));
}

TEST(Dialects, ResponsesErrorsHaveThreeForms) {
  StreamEvents events;
  for (const char* variant : {"", "nested", "failed"}) {
    openai_responses().append_stream_error(events, dialect_of(Flavour::openai),
                                           {.trouble = Trouble::server_error, .variant = variant});
  }
  EXPECT_EQ(json::parse(events.data[0]).at("code").as_string(), "server_error");
  EXPECT_EQ(json::parse(events.data[0]).at("sequence_number").as_int64(), 0);
  EXPECT_EQ(json::parse(events.data[1]).at("error").at("code").as_string(), "server_error");
  const json::value failed = json::parse(events.data[2]);
  EXPECT_EQ(failed.at("type").as_string(), "response.failed");
  EXPECT_EQ(failed.at("response").at("status").as_string(), "failed");
  EXPECT_EQ(failed.at("response").at("error").at("code").as_string(), "server_error");
}

// --- header fields

const Now now_of_2026{500ms, 1'795'000'000};

TEST(Dialects, OpenAiTellsMinutesInGoDurations) {
  Quota quota({.rpm = 500, .tpm = 200000, .rpd = 10000}, {});
  quota.admit({.tokens = 1200}, 0s);
  EXPECT_EQ(limit_fields(dialect_of(Flavour::openai), quota, now_of_2026),
            "x-ratelimit-limit-requests: 500\r\nx-ratelimit-remaining-requests: 499\r\n"
            "x-ratelimit-reset-requests: 59.5s\r\nx-ratelimit-limit-tokens: 200000\r\n"
            "x-ratelimit-remaining-tokens: 198800\r\nx-ratelimit-reset-tokens: 59.5s\r\n");
}

TEST(Dialects, OpenAiFallsBackToTheDaysRequests) {
  Quota quota({.rpd = 200}, {});
  quota.admit({.tokens = 1}, 0s);
  EXPECT_EQ(limit_fields(dialect_of(Flavour::openai), quota, {}),
            "x-ratelimit-limit-requests: 200\r\nx-ratelimit-remaining-requests: 199\r\n"
            "x-ratelimit-reset-requests: 24h0m0s\r\n");
}

TEST(Dialects, AzureTellsWholeSeconds) {
  Quota quota({.rpm = 6}, {});
  quota.admit({.tokens = 1}, 0s);
  EXPECT_NE(
      limit_fields(dialect_of(Flavour::azure), quota, now_of_2026).find("x-ratelimit-reset-requests: 60\r\n"),
      std::string::npos);
}

TEST(Dialects, GroqRequestsAreThoseOfTheDay) {
  const Dialect& groq = dialect_of(Flavour::groq);
  Quota quota({.rpm = 30, .tpm = 6000, .rpd = 14400}, {});
  quota.admit({.tokens = 10}, 0s);
  EXPECT_NE(limit_fields(groq, quota, {}).find("limit-requests: 14400"), std::string::npos);
  EXPECT_NE(limit_fields(groq, quota, {}).find("limit-tokens: 6000"), std::string::npos);
  const Refusal rpm{.dimension = Dimension::requests_per_minute};
  EXPECT_EQ(limit_fields(groq, quota, {}, &rpm).find("tokens"), std::string::npos);
}

TEST(Dialects, CerebrasNamesTheWindowAndWritesSeconds) {
  Quota quota({.tpm = 60000, .rpd = 14400}, {});
  quota.admit({.tokens = 100}, 0s);
  const std::string text = limit_fields(dialect_of(Flavour::cerebras), quota, {250ms, 0});
  EXPECT_NE(text.find("x-ratelimit-remaining-requests-day: 14399\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("x-ratelimit-reset-tokens-minute: 59.750000\r\n"), std::string::npos) << text;
}

TEST(Dialects, TheLookAlikeShowsAnUntouchedBudget) {
  Quota quota({.tpm = 100}, {});
  quota.admit({.tokens = 60}, 0s);
  const Refusal large{.dimension = Dimension::tokens_per_minute, .too_large = true};
  EXPECT_EQ(limit_fields(dialect_of(Flavour::openai), quota, {1s, 0}, &large),
            "x-ratelimit-limit-tokens: 100\r\nx-ratelimit-remaining-tokens: 100\r\nx-ratelimit-reset-tokens: "
            "0s\r\n");
}

TEST(Dialects, AnthropicRoundsTokensToThousandsAndTellsTheTightest) {
  Quota quota({.rpm = 50, .itpm = 30000, .otpm = 8000}, {.kind = LimiterKind::token_bucket});
  quota.admit({.input = 1400}, 0s);
  quota.take_output(2600, 0s);
  EXPECT_EQ(
      limit_fields(dialect_of(Flavour::anthropic), quota, {0s, 1'795'000'000}),
      "anthropic-ratelimit-requests-limit: 50\r\nanthropic-ratelimit-requests-remaining: 49\r\n"
      "anthropic-ratelimit-requests-reset: 2026-11-18T11:06:42Z\r\n"
      "anthropic-ratelimit-input-tokens-limit: 30000\r\nanthropic-ratelimit-input-tokens-remaining: 29000\r\n"
      "anthropic-ratelimit-input-tokens-reset: 2026-11-18T11:06:43Z\r\n"
      "anthropic-ratelimit-output-tokens-limit: 8000\r\nanthropic-ratelimit-output-tokens-remaining: 5000\r\n"
      "anthropic-ratelimit-output-tokens-reset: 2026-11-18T11:07:00Z\r\n"
      "anthropic-ratelimit-tokens-limit: 8000\r\nanthropic-ratelimit-tokens-remaining: 5000\r\n"
      "anthropic-ratelimit-tokens-reset: 2026-11-18T11:07:00Z\r\n");
}

TEST(Dialects, OpenRouterTellsLimitsOnlyWithARefusal) {
  Quota quota({.rpm = 20}, {});
  quota.admit({.tokens = 1}, 0s);
  EXPECT_EQ(limit_fields(dialect_of(Flavour::openrouter), quota, {}), "");
  const Refusal rpm{.dimension = Dimension::requests_per_minute, .limit = 20};
  EXPECT_EQ(limit_fields(dialect_of(Flavour::openrouter), quota, {10s, 1000}, &rpm),
            "x-ratelimit-limit: 20\r\nx-ratelimit-remaining: 19\r\nx-ratelimit-reset: 1050000\r\n");
}

TEST(Dialects, OthersTellNothing) {
  Quota quota({.rpm = 20, .tpm = 5}, {});
  for (const Flavour flavour :
       {Flavour::gemini, Flavour::vllm, Flavour::ollama, Flavour::serpapi, Flavour::serper}) {
    EXPECT_EQ(limit_fields(dialect_of(flavour), quota, {}), "");
  }
}

}  // namespace
}  // namespace batchrun::mock
