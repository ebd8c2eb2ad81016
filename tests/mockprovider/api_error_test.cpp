#include "bench/mockprovider/api_error.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

const Refusal tpm{.dimension = Dimension::tokens_per_minute,
                  .limit = 200000,
                  .used = 199000,
                  .requested = 2000,
                  .wait = 300ms};

TEST(ApiError, RateLimitsAreWordedAsOpenAiDoes) {
  const ApiError e = rate_limited(tpm, "gpt-4o-mini", "org-x", Flavour::openai);
  EXPECT_EQ(e.status, 429);
  EXPECT_EQ(e.type, "tokens");
  EXPECT_EQ(e.code, "rate_limit_exceeded");
  EXPECT_TRUE(
      e.message.starts_with("Rate limit reached for gpt-4o-mini in organization org-x on tokens per min "
                            "(TPM): Limit 200000, Used 199000, "
                            "Requested 2000. Please try again in 300ms."))
      << e.message;
}

TEST(ApiError, TheLookAlikeSaysTooLarge) {
  Refusal large = tpm;
  large.too_large = true;
  const ApiError e = rate_limited(large, "gpt-4o", "org-x", Flavour::openai);
  EXPECT_EQ(e.status, 429);
  EXPECT_TRUE(e.message.starts_with("Request too large for gpt-4o in organization org-x")) << e.message;
  EXPECT_EQ(e.message.find("try again"), std::string::npos);
  EXPECT_EQ(rate_limited(large, "m", "o", Flavour::groq).status, 413);
}

TEST(ApiError, GroqNamesModelAndTier) {
  const ApiError e = rate_limited(tpm, "llama", "org_x", Flavour::groq);
  EXPECT_NE(e.message.find("model `llama` in organization `org_x` service tier `on_demand`"),
            std::string::npos);
}

TEST(ApiError, BodiesHaveTheirFlavour) {
  const ApiError e = rate_limited(tpm, "m", "o", Flavour::cerebras);
  const json::value flat = json::parse(error_body(e, Flavour::cerebras));
  EXPECT_EQ(flat.at("code").as_string(), "token_quota_exceeded");
  EXPECT_EQ(flat.at("type").as_string(), "too_many_requests_error");
  const json::value event = json::parse(error_event(e, Flavour::cerebras));
  EXPECT_EQ(event.at("status_code").as_int64(), 429);
  EXPECT_TRUE(event.at("error").as_object().contains("id"));
  const json::value openai = json::parse(error_body(server_error(), Flavour::openai));
  EXPECT_TRUE(openai.at("error").at("code").is_null());
  EXPECT_TRUE(openai.at("error").at("param").is_null());
  EXPECT_FALSE(
      json::parse(error_body(server_error(), Flavour::groq)).at("error").as_object().contains("param"));
}

TEST(ApiError, KeysAreMaskedUnlessAskedFor) {
  EXPECT_EQ(incorrect_key("sk-abcdefghijkl", false).message.find("abcdefgh"), std::string::npos);
  EXPECT_NE(incorrect_key("sk-abcdefghijkl", false).message.find("sk-a***ijkl"), std::string::npos);
  EXPECT_EQ(incorrect_key("short", false).message.find("short"), std::string::npos);
  EXPECT_NE(incorrect_key("sk-abcdefghijkl", true).message.find("sk-abcdefghijkl"), std::string::npos);
}

}  // namespace
}  // namespace batchrun::mock
