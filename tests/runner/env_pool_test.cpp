#include "runner/env_pool.h"

#include <gtest/gtest.h>

#include "runner/settings.h"

namespace batchrun {
namespace {

std::vector<std::string> secrets(const ProviderConfig& provider) {
  std::vector<std::string> out;
  for (const KeyConfig& key : provider.keys) key.secret.append_to(out.emplace_back());
  return out;
}

std::optional<double> limit(const KeyConfig& key, Dimension dimension) {
  return key.limits.per_window[static_cast<std::size_t>(dimension)];
}

TEST(EnvPool, MergesAllFormsAndDropsDoubles) {
  const PoolConfig pool = pool_from_environment({{"OPENAI_API_KEYS", "\" k1 , 'k2',, k3 ,k1\""},
                                                 {"OPENAI_API_KEY_10", "k10"},
                                                 {"OPENAI_API_KEY_2", "k2"},
                                                 {"OPENAI_API_KEY_3", "k5"},
                                                 {"OPENAI_API_KEY", "k6"},
                                                 {"OPENAI_API_KEY_X", "not a key of ours"},
                                                 {"GROQ_API_KEY", "g1"},
                                                 {"OTHER_API_KEY", "o1"}});
  ASSERT_EQ(pool.providers.size(), 2u);
  EXPECT_EQ(pool.providers[0].name, "openai");
  EXPECT_EQ(secrets(pool.providers[0]), (std::vector<std::string>{"k1", "k2", "k3", "k5", "k10", "k6"}));
  EXPECT_EQ(secrets(pool.providers[1]), std::vector<std::string>{"g1"});
}

TEST(EnvPool, GivesLimitsAndModelsByIndexFromZero) {
  const PoolConfig pool = pool_from_environment({{"GROQ_API_KEYS", "a,b"},
                                                 {"GROQ_MODEL_1", "llama-3.1-8b-instant"},
                                                 {"GROQ_MAX_TOKENS_PER_MINUTE_0", "6000"},
                                                 {"GROQ_MAX_TOKENS_PER_DAY_1", "500000"},
                                                 {"GROQ_MAX_REQUESTS_PER_MINUTE_1", "30"},
                                                 {"GROQ_MAX_REQUESTS_PER_MINUTE_0", "0"},
                                                 {"GROQ_MAX_REQUESTS_PER_MINUTE_7", "1"}});
  const std::vector<KeyConfig>& keys = pool.providers.at(0).keys;
  EXPECT_EQ(limit(keys[0], Dimension::tokens_per_minute), 6000);
  EXPECT_EQ(limit(keys[0], Dimension::requests_per_minute), std::nullopt) << "0 is not limited";
  EXPECT_EQ(limit(keys[1], Dimension::tokens_per_day), 500000);
  EXPECT_EQ(limit(keys[1], Dimension::requests_per_minute), 30);
  EXPECT_EQ(keys[1].models, std::vector<std::string>{"llama-3.1-8b-instant"});
  ASSERT_EQ(pool.notices.size(), 1u) << "an index without a key is not passed over in silence";
  EXPECT_NE(pool.notices[0].find("GROQ_MAX_REQUESTS_PER_MINUTE_7"), std::string::npos);
}

TEST(EnvPool, ReadsAddressAccountAndStrategy) {
  const PoolConfig pool = pool_from_environment({{"OPENAI_API_KEY", "k"},
                                                 {"OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"},
                                                 {"OPENAI_ORG_ID", "org-1"},
                                                 {"OPENAI_PROJECT_ID", "proj-1"},
                                                 {"OPENAI_KEY_ROTATION_STRATEGY", "round_robin"}});
  EXPECT_EQ(pool.providers.at(0).base_url.text, "http://127.0.0.1:8080/v1");
  EXPECT_EQ(pool.providers.at(0).organization.text, "org-1");
  EXPECT_EQ(pool.providers.at(0).project.text, "proj-1");
  EXPECT_EQ(pool.strategy.text, "round_robin");
  EXPECT_EQ(pool.strategy.place, "OPENAI_KEY_ROTATION_STRATEGY");
}

TEST(EnvPool, ReadsEachFormOfEachProvider) {
  const struct {
    std::string prefix, name;
    bool searches;
  } providers[] = {{"OPENAI", "openai", false},     {"ANTHROPIC", "anthropic", false},
                   {"GEMINI", "gemini", false},     {"GROQ", "groq", false},
                   {"CEREBRAS", "cerebras", false}, {"OLLAMA", "ollama", false},
                   {"SERP", "serpapi", true},       {"SERPER", "serper", true}};
  for (const auto& p : providers) {
    const std::string P = p.prefix + "_";
    const PoolConfig pool = pool_from_environment({{P + "API_KEYS", "'k1', \"k2\" ,k1"},
                                                   {P + "API_KEY_1", "k3"},
                                                   {P + "API_KEY", "k4"},
                                                   {P + "MODEL_0", "m0, m1"},
                                                   {P + "MAX_TOKENS_PER_MINUTE_1", "10"},
                                                   {P + "MAX_TOKENS_PER_DAY_2", "20"},
                                                   {P + "MAX_REQUESTS_PER_MINUTE_3", "30"},
                                                   {P + "BASE_URL", "http://127.0.0.1:1"},
                                                   {P + "KEY_ROTATION_STRATEGY", "round_robin"}});
    ASSERT_EQ(pool.providers.size(), 1u) << P;
    const ProviderConfig& provider = pool.providers[0];
    EXPECT_EQ(provider.name, p.name);
    EXPECT_EQ(provider.base_url.place, P + "BASE_URL");
    EXPECT_EQ(secrets(provider), (std::vector<std::string>{"k1", "k2", "k3", "k4"}));
    EXPECT_EQ(provider.keys[0].reference, "") << "a list cannot be referred to";
    EXPECT_EQ(provider.keys[2].reference, "env:" + P + "API_KEY_1");
    EXPECT_EQ(provider.keys[0].models, (std::vector<std::string>{"m0", "m1"}));
    EXPECT_EQ(provider.keys[0].places.at("models"), P + "MODEL_0");
    EXPECT_EQ(limit(provider.keys[1], Dimension::tokens_per_minute), 10);
    EXPECT_EQ(limit(provider.keys[2], Dimension::tokens_per_day), 20);
    EXPECT_EQ(limit(provider.keys[3], Dimension::requests_per_minute), 30);
    EXPECT_EQ(provider.keys[3].places.at("requestsPerMinute"), P + "MAX_REQUESTS_PER_MINUTE_3");
    EXPECT_EQ(pool.strategy.place, P + "KEY_ROTATION_STRATEGY");
    EXPECT_TRUE(pool.notices.empty()) << pool.notices[0];
  }
}

TEST(EnvPool, TakesOllamaWithoutAKey) {
  const PoolConfig by_host =
      pool_from_environment({{"OLLAMA_HOST", "gpu-box"}, {"OLLAMA_MODEL_0", "llama3.2"}});
  const ProviderConfig& ollama = by_host.providers.at(0);
  EXPECT_EQ(ollama.base_url.text, "http://gpu-box:11434");
  EXPECT_EQ(ollama.base_url.place, "OLLAMA_HOST");
  EXPECT_EQ(secrets(ollama), std::vector<std::string>{""});
  EXPECT_EQ(ollama.keys[0].models, std::vector<std::string>{"llama3.2"});
  EXPECT_EQ(pool_from_environment({{"OLLAMA_MODEL_0", "m"}}).providers.at(0).keys.at(0).place,
            "OLLAMA_MODEL_0");
  const PoolConfig both =
      pool_from_environment({{"OLLAMA_HOST", "a"}, {"OLLAMA_BASE_URL", "http://b"}, {"OLLAMA_API_KEY", "k"}});
  EXPECT_EQ(both.providers.at(0).base_url.text, "http://b");
  EXPECT_EQ(secrets(both.providers.at(0)), std::vector<std::string>{"k"});
  EXPECT_TRUE(pool_from_environment({}).providers.empty());
}

TEST(EnvPool, SaysWhatHasNoEffect) {
  const PoolConfig pool = pool_from_environment({{"API_KEY_HEALTH_CHECK_INTERVAL", "60000"},
                                                 {"RATE_LIMIT_ALERT_THRESHOLD", "80"},
                                                 {"OPENAI_API_KEY", "k"},
                                                 {"OPENAI_MAX_TOKENS_PER_MINUTE", "90000"},
                                                 {"OPENAI_MODEL_1", "gpt-4o"}});
  EXPECT_EQ(pool.notices.size(), 3u);
  EXPECT_EQ(pool.health_check_interval.text, "60000");
  EXPECT_EQ(pool.alert_threshold.place, "RATE_LIMIT_ALERT_THRESHOLD");
  EXPECT_NE(pool.notices[2].find("OPENAI_MAX_TOKENS_PER_MINUTE_0"), std::string::npos) << pool.notices[2];
}

TEST(EnvPool, HoldsBothSpellingsOfAStrategyForOne) {
  EXPECT_NO_THROW(pool_from_environment(
      {{"OPENAI_KEY_ROTATION_STRATEGY", "round-robin"}, {"GROQ_KEY_ROTATION_STRATEGY", "round_robin"}}));
}

TEST(EnvPool, RefusesWhatCannotBeMeantWithoutShowingIt) {
  const Environment bad[] = {
      {{"OPENAI_API_KEY", "canary with blank"}},
      {{"OPENAI_API_KEYS", "ok,canary\x01"}},
      {{"OPENAI_API_KEY", "k"}, {"OPENAI_MAX_TOKENS_PER_MINUTE_0", "-5"}},
      {{"OPENAI_API_KEY", "k"}, {"OPENAI_MAX_TOKENS_PER_MINUTE_0", "lots"}},
      {{"OPENAI_API_KEY", "k"}, {"OPENAI_MAX_TOKENS_PER_MINUTE_0", "18446744073709551615"}},
      {{"OPENAI_API_KEY", "k"}, {"OPENAI_ORG_ID", "a\r\nX: y"}},
      {{"SERPER_API_KEY", "canary\r\nX-Evil: 1"}},
      {{"API_KEY_HEALTH_CHECK_INTERVAL", "often"}},
      {{"RATE_LIMIT_ALERT_THRESHOLD", "120"}},
      {{"OPENAI_KEY_ROTATION_STRATEGY", "lru"}, {"GROQ_KEY_ROTATION_STRATEGY", "random"}},
  };
  for (const Environment& environment : bad) {
    try {
      pool_from_environment(environment);
      FAIL() << environment.begin()->first;
    } catch (const UsageError& error) {
      EXPECT_EQ(std::string(error.what()).find("canary"), std::string::npos) << error.what();
    }
  }
  EXPECT_TRUE(
      pool_from_environment({{"OPENAI_API_KEY", "  "}, {"OPENAI_API_KEYS", " , "}}).providers.empty());
}

}  // namespace
}  // namespace batchrun
