#include "runner/make_settings.h"

#include <gtest/gtest.h>

#include <map>

#include "runner/options.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

class MakeSettings : public ::testing::Test {
 protected:
  MakeSettings() {
    dir_.write("in.jsonl", "{}\n");
    options_.input = "in.jsonl";
    options_.argv = {"batchrun", "in.jsonl"};
  }

  Settings make(const Environment& environment = {}) {
    return make_settings(options_, environment, Machine{1024});
  }
  Settings make_from(const std::string& config, const Environment& environment = {}) {
    dir_.write("batchrun.json", config);
    return make(environment);
  }
  UsageError refusal(const std::string& config, const Environment& environment = {}) {
    try {
      make_from(config, environment);
    } catch (const UsageError& error) {
      return error;
    }
    ADD_FAILURE() << "accepted: " << config;
    return UsageError("");
  }

  const ScratchDir dir_;
  Options options_;
};

std::vector<std::string> aliases(const Settings& settings) {
  std::vector<std::string> out;
  for (const Key& key : settings.keys) out.push_back(key.alias);
  return out;
}

TEST_F(MakeSettings, NeedsNothingButAKeyInTheEnvironment) {
  const Settings s =
      make({{"OPENAI_API_KEYS", "sk-1,sk-2"}, {"GROQ_API_KEY", "gsk-1"}, {"OPENAI_ORG_ID", "org-9"}});
  ASSERT_EQ(s.providers.size(), 2u);
  EXPECT_EQ(s.providers[0].endpoint.origin.host, "api.openai.com");
  EXPECT_EQ(s.providers[0].endpoint.base_path, "/v1");
  EXPECT_EQ(s.providers[0].endpoint.organization, "org-9");
  EXPECT_EQ(s.providers[1].endpoint.origin.host, "api.groq.com");
  EXPECT_EQ(s.providers[1].endpoint.base_path, "/openai/v1");
  EXPECT_EQ(aliases(s), (std::vector<std::string>{"openai-1", "openai-2", "groq-1"}));
  ASSERT_EQ(s.pool.keys.size(), 3u);
  EXPECT_EQ(s.pool.groups.size(), 3u) << "a key without a group is its own";
  EXPECT_EQ(s.pool.keys[2].alias, "groq-1");
  EXPECT_EQ(s.pool.keys[0].provider, s.pool.keys[1].provider);
  EXPECT_NE(s.pool.keys[0].provider, s.pool.keys[2].provider);
  EXPECT_EQ(s.output, "in.results.jsonl");
  EXPECT_EQ(s.resume_command, "batchrun in.jsonl");
  EXPECT_EQ(s.pool.settings.max_in_flight, 512u);
}

TEST_F(MakeSettings, SaysBothWaysToGiveAKeyWhenThereIsNone) {
  try {
    make();
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(error.hint.find("OPENAI_API_KEY="), std::string::npos);
    EXPECT_NE(error.hint.find("batchrun.json"), std::string::npos);
  }
  options_.verb = Verb::plan;
  EXPECT_TRUE(make().keys.empty()) << "plan sends nothing, so it needs no key";
}

TEST_F(MakeSettings, SharesOneGroupAmongKeysThatNameIt) {
  const Settings s = make_from(R"({"providers": {"openai": {"tier": 1, "keys": [
      {"key": "sk-a", "group": "org", "rateLimit": {"requestsPerMinute": 600, "maxConcurrent": 9}},
      {"key": "sk-b", "group": "org", "rateLimit": {"tokensPerMinute": 60000, "sliceSeconds": 10}},
      {"key": "sk-c"}]},
    "vllm": {"base_url": "http://localhost:8000/v1", "keys": [{"key": "none", "group": "org"}]}}})");
  ASSERT_EQ(s.pool.groups.size(), 3u);
  EXPECT_EQ(s.pool.keys[0].group, s.pool.keys[1].group);
  EXPECT_NE(s.pool.keys[0].group, s.pool.keys[2].group);
  EXPECT_NE(s.pool.keys[0].group, s.pool.keys[3].group) << "a group is of one provider";
  EXPECT_EQ(s.keys[0].group, "org");
  EXPECT_EQ(s.keys[2].group, "");
  const GroupSpec& org = s.pool.groups[s.pool.keys[0].group.value];
  EXPECT_EQ(org.name, "openai/org");
  EXPECT_EQ(org.limits[static_cast<std::size_t>(Dimension::requests_per_minute)], 600);
  EXPECT_EQ(org.limits[static_cast<std::size_t>(Dimension::tokens_per_minute)], 60000);
  EXPECT_EQ(org.max_concurrent, 9u);
  EXPECT_EQ(org.slice, std::chrono::seconds(10));
  EXPECT_EQ(s.pool.groups[s.pool.keys[2].group.value].slice, std::nullopt);
  EXPECT_EQ(s.pool.keys[0].tier, 1);
  EXPECT_EQ(s.pool.keys[3].tier, 2);
}

TEST_F(MakeSettings, RefusesContradictionsWithPlaceAndNames) {
  const struct {
    std::string config, message, place;
  } cases[] = {
      {R"({"providers": {"openai": {"keys": [
{"key": "sk-a", "group": "org", "name": "one", "rateLimit": {"tokensPerMinute": 5}},
{"key": "sk-b", "group": "org", "name": "two", "rateLimit": {"tokensPerMinute": 6}}]}}})",
       "keys two and one are of the group \"org\" but differ in tokens per minute: 6 and 5",
       "batchrun.json:3:1"},
      {R"({"providers": {"openai": {"keys": [
{"key": "sk-a", "group": "org", "name": "one", "rateLimit": {"sliceSeconds": 10}},
{"key": "sk-b", "group": "org", "name": "two", "rateLimit": {"sliceSeconds": 1.5}}]}}})",
       "keys two and one are of the group \"org\" but differ in sliceSeconds: 1.5 and 10",
       "batchrun.json:3:1"},
      {R"({"providers": {"openai": {"keys": [
{"key": "sk-canary-1", "group": "org"},
{"key": "sk-canary-1", "group": "other"}]}}})",
       "same secret as the one at batchrun.json:2:1", "batchrun.json:3:1"},
      {R"({"providers": {"openai": {"keys": [
{"key": "sk-a", "name": "x"},
{"key": "sk-b", "name": "x"}]}}})",
       "two keys have the name \"x\"", "batchrun.json:3:1"},
      {R"({"providers": {"openai": {"keys": [{"key": "sk-secret-canary", "name": "secret-canary"}]}}})",
       "holds a part of the key", "batchrun.json:1:36"},
      {R"({"providers": {"opnai": {"keys": ["sk-a"]}}})", "provider \"opnai\" has no base_url",
       "batchrun.json:1:16"},
      {R"({"providers": {"a/b": {"base_url": "http://h", "keys": ["sk-a"]}}})", "cannot be a provider's name",
       "batchrun.json:1:16"},
      {R"({"providers": {"openai": {"base_url": "https://u:p@h/", "keys": ["sk-a"]}}})",
       "must not hold a user", "batchrun.json:1:39"},
      {R"({"providers": {"openai": {"ca_file": "no.pem", "keys": ["sk-a"]}}})", "cannot read \"no.pem\"",
       "batchrun.json:1:38"},
      {R"({"strategy": "least-laoded", "providers": {"openai": {"keys": ["sk-a"]}}})", "unknown strategy",
       "batchrun.json:1:14"},
      {R"({"providers": {"openai": {"keys": ["sk-a"]}}, "routes": {"r": ["gorq/x"]}})",
       "unknown provider \"gorq\"", "batchrun.json:1:64"},
      {R"({"providers": {"openai": {"keys": ["sk-canary-1"]},
"prod": {"base_url": "https://api.openai.com/v1/", "keys": ["sk-canary-1"]}}})",
       "same secret as the one of openai at batchrun.json:1:36", "batchrun.json:2:61"},
      {R"({"providers": {"ollama": {"keys": [{"name": "a"},
{"name": "b"}]}}})",
       "two entries without a key; the other one is at batchrun.json:1:36", "batchrun.json:2:1"},
      {R"({"providers": {"gemini": {"base_url": "ftp://h", "keys": ["sk-a"]}}})", "must begin with https",
       "batchrun.json:1:39"},
      {R"({"providers": {"openai": {"keys": ["sk-a"]}}, "routes": {"r": ["gpt"]}})",
       "is not \"provider/model\"", "batchrun.json:1:64"},
  };
  for (const auto& c : cases) {
    const UsageError error = refusal(c.config);
    EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos) << error.what();
    EXPECT_EQ(error.place, c.place) << error.what();
    EXPECT_EQ((error.what() + error.hint).find("sk-"), std::string::npos);
  }
}

TEST_F(MakeSettings, MergesKeysOfConfigAndEnvironment) {
  const Settings s =
      make_from(R"({"providers": {"openai": {"default_model": "gpt-4o", "keys": [
      {"key": "env:OPENAI_API_KEY", "name": "main", "rateLimit": {"requestsPerMinute": 7}}]}}})",
                {{"OPENAI_API_KEY", "sk-1"}, {"OPENAI_API_KEY_1", "sk-2"}, {"CEREBRAS_API_KEY", "csk"}});
  EXPECT_EQ(aliases(s), (std::vector<std::string>{"main", "openai-2", "cerebras-1"}));
  EXPECT_EQ(s.pool.groups[0].limits[0], 7);
  EXPECT_EQ(s.providers[0].default_model, "gpt-4o");
}

TEST_F(MakeSettings, HoldsAVariableTheFileUsesUnderAnotherNameForOneKey) {
  const std::string config = R"({"providers": {"prod": {"base_url": "https://api.openai.com/v1",
      "keys": ["env:OPENAI_API_KEY"]}, "local": {"base_url": "http://localhost:1/v1", "keys": ["none"]},
      "other": {"base_url": "http://localhost:2/v1", "keys": ["none"]}}})";
  const Settings s = make_from(config, {{"OPENAI_API_KEY", "sk-1"}});
  EXPECT_EQ(aliases(s), (std::vector<std::string>{"prod-1", "local-1", "other-1"}));
  EXPECT_EQ(s.configured.providers.size(), 3u);
  ASSERT_EQ(s.notices.size(), 1u);
  EXPECT_NE(s.notices[0].find("OPENAI_API_KEY is the key of prod at batchrun.json:2:16"), std::string::npos)
      << s.notices[0];
  EXPECT_EQ(aliases(make_from(config, {{"OPENAI_API_KEY", "sk-1"}, {"OPENAI_API_KEY_1", "sk-2"}})).back(),
            "openai-1");
}

TEST_F(MakeSettings, GivesEveryKeyItsOwnAliasEvenBesideAConfiguredOne) {
  const Settings s = make_from(
      R"({"providers": {"openai": {"keys": ["sk-1", {"key": "sk-2", "name": "openai-1"}, "sk-3"]}}})");
  EXPECT_EQ(aliases(s), (std::vector<std::string>{"openai-2", "openai-1", "openai-3"}));
}

TEST_F(MakeSettings, PutsFlagOverEnvironmentOverFile) {
  const std::string config =
      R"({"strategy": "least-loaded", "providers": {"openai": {"base_url": "http://localhost:1", "keys": ["sk-1"]}}})";
  EXPECT_EQ(make_from(config).providers[0].endpoint.origin.port, 1);
  const Environment environment{{"OPENAI_BASE_URL", "http://localhost:2"},
                                {"OPENAI_KEY_ROTATION_STRATEGY", "round-robin"}};
  EXPECT_EQ(make_from(config, environment).providers[0].endpoint.origin.port, 2);
  EXPECT_EQ(make_from(config, environment).pool.settings.strategy, Strategy::round_robin);
  options_.strategy = "least_loaded";
  EXPECT_EQ(make_from(config, environment).pool.settings.strategy, Strategy::least_loaded);
}

TEST_F(MakeSettings, ReadsTheEnvironmentFileUnderTheEnvironment) {
  dir_.write(".env", "OPENAI_API_KEY=sk-file\nGROQ_API_KEY=gsk-file\nXDG_CONFIG_HOME=xdg\n");
  const Settings s = make({{"OPENAI_API_KEY", "sk-env"}});
  EXPECT_EQ(aliases(s), (std::vector<std::string>{"openai-1", "groq-1"}));
  EXPECT_EQ(s.keys[0].credential, Credential("sk-env"));
  options_.env_file = "missing.env";
  EXPECT_THROW(make({{"OPENAI_API_KEY", "k"}}), UsageError);
}

TEST_F(MakeSettings, LooksForTheConfigHereThenAtHome) {
  dir_.write("xdg/batchrun/config.json", R"({"providers": {"groq": {"keys": ["gsk-user"]}}})");
  EXPECT_EQ(make({{"XDG_CONFIG_HOME", "xdg"}}).keys.at(0).alias, "groq-1");
  dir_.write("home/.config/batchrun/config.json", R"({"providers": {"cerebras": {"keys": ["csk"]}}})");
  EXPECT_EQ(make({{"HOME", "home"}}).keys.at(0).alias, "cerebras-1");
  EXPECT_EQ(make_from(R"({"providers": {"openai": {"keys": ["sk"]}}})", {{"HOME", "home"}}).keys.at(0).alias,
            "openai-1");
  options_.config = "other.json";
  EXPECT_THROW(make({{"HOME", "home"}}), UsageError) << "a config that was named must be there";
}

TEST_F(MakeSettings, JudgesDefaultsBeforeTheRun) {
  const std::string config =
      R"({"providers": {"openai": {"keys": [{"key": "sk-1", "models": ["gpt-4o-mini"]}]}}})";
  options_.model = "gpt-4o-mni";
  EXPECT_NE(std::string(refusal(config).what()).find("did you mean \"gpt-4o-mini\""), std::string::npos);
  options_.model = "gpt-4o-mini";
  EXPECT_NO_THROW(make_from(config));
  options_.model.reset();
  options_.provider = "opnai";
  EXPECT_NE(refusal(config).hint.find("\"openai\""), std::string::npos);
}

TEST_F(MakeSettings, KeepsOpenRequestsWithinOpenFiles) {
  const Environment key{{"OPENAI_API_KEY", "k"}};
  EXPECT_EQ(make_settings(options_, key, Machine{128}).pool.settings.max_in_flight, 64u);
  EXPECT_EQ(make_settings(options_, key, Machine{10}).pool.settings.max_in_flight, 1u);
  options_.max_in_flight = 5000;
  EXPECT_EQ(make_settings(options_, key, Machine{10'000}).pool.settings.max_in_flight, 5000u);
  EXPECT_THROW(make_settings(options_, key, Machine{1024}), UsageError);
}

TEST_F(MakeSettings, TriesKeysThatAreOutAsOftenAsSaid) {
  const auto interval_ms = [&](const std::string& constants) {
    const Settings s = make_from("{" + constants + R"("providers": {"openai": {"keys": ["k"]}}})");
    return std::chrono::duration_cast<std::chrono::milliseconds>(s.pool.settings.health_check_interval)
        .count();
  };
  EXPECT_EQ(interval_ms(""), 60'000);
  EXPECT_EQ(interval_ms(R"("healthCheckInterval": 5000, )"), 5'000);
  EXPECT_EQ(interval_ms(R"("circuitBreaker": {"openSeconds": {"max": 300}}, )"), 300'000);
  EXPECT_EQ(interval_ms(R"("healthCheckInterval": 0, "circuitBreaker": {"openSeconds": {"max": 7}}, )"),
            7'000);
}

TEST_F(MakeSettings, SaysWhatHasNoEffectOrIsUnsafe) {
  const Settings s = make_from(
      R"({"strategy": "saturate", "providers": {"lan": {"base_url": "http://10.1.2.3/v1", "keys": ["k"]}},
      "routes": {"r": ["groq/x", "lan/y"]}})");
  EXPECT_EQ(s.notices.size(), 2u);
  EXPECT_EQ(s.pool.settings.strategy, Strategy::saturate);
  EXPECT_EQ(s.routes.at(0).candidates.size(), 1u);
}

TEST_F(MakeSettings, LetsTheEnvironmentLimitAKeyOfTheFile) {
  const Settings s = make_from(
      R"({"providers": {"openai": {"keys": [
      {"key": "env:OPENAI_API_KEY", "name": "main", "rateLimit": {"requestsPerMinute": 7, "tokensPerMinute": 9}}]}}})",
      {{"OPENAI_API_KEY", "sk-1"},
       {"OPENAI_MAX_REQUESTS_PER_MINUTE_0", "70"},
       {"OPENAI_MAX_TOKENS_PER_MINUTE_0", "0"}});
  EXPECT_EQ(aliases(s), std::vector<std::string>{"main"});
  EXPECT_EQ(s.pool.groups[0].limits[0], 70);
  EXPECT_EQ(s.pool.groups[0].limits[1], std::nullopt) << "0 takes the file's limit away";
}

TEST_F(MakeSettings, PutsKnownProvidersOnTheirTiers) {
  const Settings s = make({{"OLLAMA_HOST", "gpu-box"}, {"OPENAI_API_KEY", "sk"}, {"GEMINI_API_KEY", "g"}});
  EXPECT_EQ(aliases(s), (std::vector<std::string>{"openai-1", "gemini-1", "ollama-1"}));
  EXPECT_EQ(s.pool.keys[0].tier, 2);
  EXPECT_EQ(s.pool.keys[1].tier, 1);
  EXPECT_EQ(s.pool.keys[2].tier, 0);
  EXPECT_EQ(s.configured.providers.at(1).name, "gemini");
  EXPECT_EQ(s.configured.providers[1].tier, 1);
  EXPECT_EQ(make_from(R"({"providers": {"ollama": {"tier": 5}}})").pool.keys.at(0).tier, 5);
}

TEST_F(MakeSettings, OneOllamaIsOneServer) {
  const Settings s = make_from(R"({"providers": {"ollama": {"keys": [{"name": "gpu"}]}}})",
                               {{"OLLAMA_HOST", "127.0.0.1:9"}, {"OLLAMA_MODEL_0", "m"}});
  EXPECT_EQ(aliases(s), std::vector<std::string>{"gpu"}) << "one server, not two";
  EXPECT_EQ(s.keys[0].models, std::vector<std::string>{"m"});
  EXPECT_TRUE(s.keys[0].credential.empty());
}

TEST_F(MakeSettings, KnowsHowEachProviderSpeaks) {
  const auto serves = [&](const std::string& provider, Api api) {
    const Settings settings = make_from("{\"providers\": {" + provider + "}}");
    return settings.providers.at(0).dialect->serves(api, settings.providers.at(0).endpoint);
  };
  EXPECT_TRUE(serves(R"("anthropic": {"keys": ["k"]})", Api::anthropic_messages));
  EXPECT_TRUE(serves(R"("gemini": {"keys": ["k"]})", Api::gemini_generate));
  EXPECT_TRUE(serves(R"("serper": {"keys": ["k"]})", Api::search));
  EXPECT_FALSE(serves(R"("serper": {"keys": ["k"]})", Api::chat));
  EXPECT_TRUE(serves(R"("ollama": {})", Api::ollama_chat));
  EXPECT_FALSE(serves(R"("ollama": {"base_url": "http://127.0.0.1:11434/v1"})", Api::ollama_chat))
      << "its other side";
  EXPECT_FALSE(
      serves(R"("mine": {"base_url": "http://127.0.0.1:1/v1", "keys": ["k"]})", Api::anthropic_messages));
  EXPECT_TRUE(serves(R"("mine": {"base_url": "http://127.0.0.1:1", "dialect": "anthropic", "keys": ["k"]})",
                     Api::anthropic_messages));
  const UsageError error = refusal(
      R"({"providers": {"mine": {"base_url": "http://127.0.0.1:1", "dialect": "antropic", "keys": ["k"]}}})",
      {});
  EXPECT_NE(error.hint.find("anthropic"), std::string::npos) << error.hint;
}

TEST_F(MakeSettings, KnowsHowEachProviderCounts) {
  const Settings s = make(
      {{"OPENAI_API_KEY", "a"}, {"ANTHROPIC_API_KEY", "b"}, {"GEMINI_API_KEY", "c"}, {"GROQ_API_KEY", "d"}});
  const auto group = [&](const std::string& alias) {
    for (const GroupSpec& one : s.pool.groups) {
      if (one.name == alias) return one;
    }
    return GroupSpec{};
  };
  EXPECT_EQ(group("openai-1").charging.output, Charging::Output::reserved);
  EXPECT_FALSE(group("openai-1").charging.cached_input_free);
  EXPECT_EQ(group("anthropic-1").charging.output, Charging::Output::produced);
  EXPECT_TRUE(group("anthropic-1").charging.cached_input_free);
  EXPECT_GT(group("anthropic-1").ramp, Duration::zero());
  EXPECT_EQ(group("gemini-1").charging.output, Charging::Output::free);
  EXPECT_TRUE(group("groq-1").charging.cached_input_free);
}

TEST_F(MakeSettings, ShowsNoSecrets) {
  const Settings s = make({{"OPENAI_API_KEY", "sk"}, {"SERPER_API_KEYS", "s,t"}});
  for (const ProviderConfig& provider : s.configured.providers) {
    for (const KeyConfig& key : provider.keys) EXPECT_TRUE(key.secret.empty());
  }
}

TEST_F(MakeSettings, ReadsPricesAndCaps) {
  options_.max_cost = 2'500'000'000'000;
  const Settings s = make_from(
      R"({"providers": {"openai": {"keys": ["k"]}}, "users": {"*": {"max_cost_per_day": 0.1}, "boss": {}}})");
  EXPECT_EQ(s.spend.run, 2'500'000'000'000);
  EXPECT_EQ(s.spend.each_user, 100'000'000'000);
  EXPECT_EQ(s.spend.users.at("boss"), std::nullopt);
  ASSERT_TRUE(s.prices);
  EXPECT_TRUE(s.prices->find(s.providers[0].price_name, "gpt-4o-mini"));
}

TEST_F(MakeSettings, SaysBeforeTheRunWhichPricesACapWouldNeed) {
  const std::string config =
      R"({"providers": {"openai": {"default_model": "unheard-of", "keys": [{"key": "k", "models": ["gpt-4o-mini", "mine"]}]},
          "serper": {"keys": ["s"]}, "serpapi": {"keys": ["t"], "price_per_search": 0.01}}})";
  EXPECT_TRUE(make_from(config).notices.empty()) << "without a cap nobody needs them";
  options_.max_cost = 2'500'000'000'000;
  const Settings s = make_from(config);
  ASSERT_EQ(s.notices.size(), 1u);
  EXPECT_EQ(s.notices[0].find("no price is known for openai/mine, openai/unheard-of, searches at serper: "),
            0u)
      << s.notices[0];
}

TEST_F(MakeSettings, CountsSearchesAsRequests) {
  const Settings s = make({{"OPENAI_API_KEY", "sk"},
                           {"SERP_API_KEYS", "a,b"},
                           {"SERP_MAX_TOKENS_PER_MINUTE_0", "20"},
                           {"SERP_MAX_REQUESTS_PER_MINUTE_0", "30"},
                           {"SERP_MAX_TOKENS_PER_DAY_1", "100"}});
  const ProviderConfig& serpapi = s.configured.providers.at(1);
  const auto limit = [&](std::size_t key, Dimension dimension) {
    return serpapi.keys.at(key).limits.per_window[static_cast<std::size_t>(dimension)];
  };
  EXPECT_EQ(limit(0, Dimension::requests_per_minute), 20) << "the smaller of two";
  EXPECT_EQ(limit(0, Dimension::tokens_per_minute), std::nullopt);
  EXPECT_EQ(serpapi.keys[0].places.at("requestsPerMinute"), "SERP_MAX_TOKENS_PER_MINUTE_0");
  EXPECT_EQ(limit(1, Dimension::requests_per_day), 100);
}

// A server somewhere may have no limits at all; a provider's own service has some.
TEST_F(MakeSettings, SearchesForLimitsOnlyWhereThereSurelyAreSome) {
  const Settings s = make_from(R"({"providers": {"openai": {"keys": ["sk-1"]},
    "groq": {"base_url": "http://127.0.0.1:1/v1", "keys": ["gsk"]},
    "lan": {"base_url": "http://127.0.0.1:1/v1", "keys": ["k"]}, "ollama": {"default_model": "m"}}})");
  std::map<std::string, bool> searched;
  for (const GroupSpec& group : s.pool.groups) searched[group.name] = group.search_limits;
  EXPECT_EQ(searched, (std::map<std::string, bool>{
                          {"openai-1", true}, {"groq-1", false}, {"lan-1", false}, {"ollama-1", false}}));
}

TEST_F(MakeSettings, WarnsOfWhatTakesNoRow) {
  const Settings s = make_from(R"({"providers": {"openai": {"keys": ["sk-1",
      {"key": "sk-2", "group": "b", "enabled": false}, {"key": "sk-3", "group": "b", "enabled": false}]},
    "groq": {"keys": []}}})");
  ASSERT_EQ(s.notices.size(), 2u);
  EXPECT_NE(s.notices[0].find("groq has no keys"), std::string::npos) << s.notices[0];
  EXPECT_NE(s.notices[1].find("group openai/b has no key in use"), std::string::npos) << s.notices[1];
  EXPECT_EQ(s.configured.providers[0].keys[1].left_out, "switched off");
  EXPECT_EQ(s.configured.providers[0].keys[1].alias, "openai-2");
}

TEST_F(MakeSettings, LeavesOutKeysThatAreSwitchedOff) {
  const Settings s =
      make_from(R"({"providers": {"openai": {"keys": ["sk-1", {"key": "sk-2", "enabled": false}, "sk-3"]}}})",
                {{"OPENAI_API_KEY", "sk-2"}});
  EXPECT_EQ(aliases(s), (std::vector<std::string>{"openai-1", "openai-3"}))
      << "off stays off, numbers stay put";
}

TEST_F(MakeSettings, ASearchHasThePriceTheConfigSays) {
  const Settings s = make_from(R"({"providers": {"serper": {"price_per_search": 0.001, "keys": ["k"]}}})");
  ASSERT_TRUE(s.providers.at(0).search_price.has_value());
  EXPECT_EQ(s.providers[0].search_price->search, 1'000'000'000);
  EXPECT_FALSE(make_from(R"({"providers": {"serper": {"keys": ["k"]}}})").providers.at(0).search_price);
  EXPECT_EQ(refusal(R"({"providers": {"openai": {"price_per_search": 1, "keys": ["k"]}}})").what(),
            std::string("openai does not search, so it has no price_per_search"));
  EXPECT_EQ(refusal(R"({"providers": {"serper": {"price_per_search": -1, "keys": ["k"]}}})").what(),
            std::string("a search costs from 0 to 1000 USD"));
}

}  // namespace
}  // namespace batchrun
