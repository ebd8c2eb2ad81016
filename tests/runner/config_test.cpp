#include "runner/config.h"

#include <gtest/gtest.h>

#include "runner/settings.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

std::string secret_of(const KeyConfig& key) {
  std::string out;
  key.secret.append_to(out);
  return out;
}

constexpr std::string_view whole = R"({
  // comments and trailing commas are fine
  "strategy": "round-robin",
  "circuitBreaker": {"failureThreshold": 5, "openSeconds": {"first": 2, "max": 300}},
  "rateLimitBackoffSeconds": 60,
  "providers": {
    "openai": {
      "base_url": "https://api.openai.com/v1", "default_model": "gpt-4o-mini", "tier": 3,
      "keys": [
        { "key": "env:KEY_1", "name": "prod-1", "group": "org-a",
          "rateLimit": { "requestsPerMinute": 500, "tokensPerMinute": 90000, "sliceSeconds": 10, "requestsPerDay": 10000,
                         "tokensPerDay": 2000000, "inputTokensPerMinute": 0, "outputTokensPerMinute": 7, "maxConcurrent": 64 },
          "models": ["gpt-4o-mini", "gpt-4o"], "priority": 10, "enabled": true, "tags": ["production"] },
        "env:KEY_2",
        { "key": "env:NOT_THERE", "enabled": false },
      ] } },
  "routes": { "small": ["groq/llama", "openai/gpt-4o-mini"] },
})";

const Environment keys{{"KEY_1", "sk-one"}, {"KEY_2", " sk-two\n"}};

void expect_whole(const PoolConfig& config) {
  EXPECT_EQ(config.strategy.text, "round-robin");
  EXPECT_EQ(config.failure_threshold, 5u);
  EXPECT_EQ(config.open_first, std::chrono::seconds(2));
  EXPECT_EQ(config.open_max, std::chrono::seconds(300));
  EXPECT_EQ(config.rate_limit_backoff, std::chrono::seconds(60));
  ASSERT_EQ(config.providers.size(), 1u);
  const ProviderConfig& openai = config.providers[0];
  EXPECT_EQ(openai.name, "openai");
  EXPECT_EQ(openai.base_url.text, "https://api.openai.com/v1");
  EXPECT_EQ(openai.default_model.text, "gpt-4o-mini");
  EXPECT_EQ(openai.tier, 3);
  ASSERT_EQ(openai.keys.size(), 3u);
  const KeyConfig& first = openai.keys[0];
  EXPECT_EQ(secret_of(first), "sk-one");
  EXPECT_EQ(first.name, "prod-1");
  EXPECT_EQ(first.group, "org-a");
  const std::array<std::optional<double>, dimensions> limits{500, 90000, std::nullopt, 7, 10000, 2000000};
  EXPECT_EQ(first.limits.per_window, limits);
  EXPECT_EQ(first.limits.max_concurrent, 64u);
  EXPECT_EQ(first.limits.slice, std::chrono::seconds(10));
  EXPECT_EQ(openai.keys[1].limits.slice, std::nullopt);
  EXPECT_EQ(first.models, (std::vector<std::string>{"gpt-4o-mini", "gpt-4o"}));
  EXPECT_EQ(first.tags, std::vector<std::string>{"production"});
  EXPECT_EQ(first.priority, 10);
  EXPECT_EQ(secret_of(openai.keys[1]), "sk-two");
  EXPECT_FALSE(openai.keys[2].enabled);
  EXPECT_EQ(first.reference, "env:KEY_1");
  ASSERT_EQ(config.routes.size(), 1u);
  EXPECT_EQ(config.routes[0].candidates[1].text, "openai/gpt-4o-mini");
  EXPECT_FALSE(config.literal_keys);
}

TEST(Config, ReadsEveryField) {
  expect_whole(parse_config(whole, "batchrun.json", keys));
}

TEST(Config, ReadsTheSameUnderTheWrapperOfALargerFile) {
  expect_whole(parse_config("{\"server\": {\"port\": 1}, \"ApiKeyPool\": " + std::string(whole) + "}",
                            "app.json", keys));
}

struct Mistake {
  std::string_view text, place, message, hint;
};

TEST(Config, SaysWhatIsWrongWhereAndWhatWasMeant) {
  const Mistake mistakes[] = {
      {"{\n  \"provider\": {}\n}", "c.json:2:3", "unknown field \"provider\"", "\"providers\""},
      {"{\"providers\": {\"x\": {\"baseurl\": \"\"}}}", "c.json:1:22", "unknown field", "\"base_url\""},
      {"{\"providers\": {\"x\": {\"keys\": [{\"key\": \"env:KEY_1\", \"modles\": []}]}}}", "c.json:1:52",
       "unknown field \"modles\"", "\"models\""},
      {"{\"providers\": {\"x\": {\"keys\": [{\"key\": \"env:KEY_1\",\n\"rateLimit\": {\"tokenPerMinute\": "
       "1}}]}}}",
       "c.json:2:15", "tokenPerMinute", "\"tokensPerMinute\""},
      {"{\"providers\": []}", "c.json:1:15", "expected an object, found an array", ""},
      {"{\"strategy\": 1}", "c.json:1:14", "expected a string, found a number", ""},
      {"{\"providers\": {\"x\": {\"keys\": \"env:KEY_1\"}}}", "c.json:1:30", "expected an array", ""},
      {"{\"providers\": {\"x\": {\"keys\": [7]}}}", "c.json:1:31", "expected a key", ""},
      {"{\"providers\": {\"x\": {\"keys\": [{}]}}}", "c.json:1:31", "has no \"key\"", "env:NAME"},
      {"{\"providers\": {\"x\": {\"keys\": [\"env:NOPE\"]}}}", "c.json:1:31", "no \"NOPE\"", "export"},
      {"{\"providers\": {\"x\": {\"keys\": [\"\"]}}}", "c.json:1:31", "empty", ""},
      {"{\"providers\": {\"x\": {\"keys\": [\"canary key\"]}}}", "c.json:1:31", "blanks", ""},
      {"{\"providers\": {\"x\": {\"keys\": [\"file:/not/there\"]}}}", "c.json:1:31", "/not/there", ""},
      {"{\"providers\": {\"x\": {\"keys\": [{\"key\": \"env:KEY_1\", \"rateLimit\": {\"tokensPerMinute\": "
       "-1}}]}}}",
       "c.json:1:85", "a limit is a number from 0", "not limited"},
      {"{\"providers\": {\"x\": {\"keys\": [{\"key\": \"env:KEY_1\", \"rateLimit\": {\"maxConcurrent\": "
       "1.5}}]}}}",
       "c.json:1:83", "whole number", ""},
      {"{\"providers\": {\"x\": {\"keys\": [{\"key\": \"env:KEY_1\", \"rateLimit\": {\"sliceSeconds\": "
       "0}}]}}}",
       "c.json:1:82", "from 1 to less than 60 seconds", "leave it out"},
      {"{\"providers\": {\"x\": {\"keys\": [{\"key\": \"env:KEY_1\", \"rateLimit\": {\"sliceSeconds\": "
       "60}}]}}}",
       "c.json:1:82", "from 1 to less than 60 seconds", ""},
      {"{\"providers\": {\"x\": {\"keys\": [{\"key\": \"env:KEY_1\", \"enabled\": \"no\"}]}}}", "c.json:1:63",
       "expected true or false", ""},
      {"{\"routes\": {\"r\": []}}", "c.json:1:18", "at least one", ""},
      {"{\"circuitBreaker\": {\"failureThreshold\": 0}}", "c.json:1:41", "whole number from 1", ""},
      {"{\"circuitBreaker\": {\"openSeconds\": {\"first\": 9, \"max\": 3}}}", "c.json:1:46",
       "longer than max", ""},
      {"{\"rateLimitBackoffSeconds\": 0}", "c.json:1:29", "more than 0", ""},
      {"{\"providers\": {\"x\": {\"keys\": [\"(set)\"]}}}", "c.json:1:31", "instead of a key", "env:NAME"},
      {"{\"healthCheckInterval\": -1}", "c.json:1:25", "whole number", ""},
      {"{\"users\": {\"*\": {\"max_cost_per_day\": -1}}}", "c.json:1:38", "a cap is a number of USD", ""},
      {"{\"users\": {\"ann\": {\"max_cost\": 1}}}", "c.json:1:20", "unknown field \"max_cost\"",
       "did you mean"},
      {"{\"ApiKeyPool\": {},\n \"strategy\": \"lru\"}", "c.json:2:2", "beside ApiKeyPool", "move it"},
      {"{\"strategy\": \"a\",\n  \"strategy\": \"b\"}", "c.json:2:3", "\"strategy\" is there twice", ""},
      {"{\n  \"strategy\" \"a\"\n}", "c.json:2:14", "not valid JSON", ""},
      {"{\"strategy\": \"a\"} x", "c.json:1:19", "follows the end", ""},
      {"{\"strategy\": \"a\"\n", "c.json:2:1", "ends in the middle", ""},
      {"", "c.json:1:1", "ends in the middle", ""},
      {"[]", "c.json:1:1", "expected an object", ""},
      {"{\"prov\x1b[31m\": 1}", "c.json:1:7", "not valid JSON", ""},
  };
  for (const Mistake& mistake : mistakes) {
    try {
      parse_config(mistake.text, "c.json", keys);
      ADD_FAILURE() << "accepted: " << mistake.text;
    } catch (const UsageError& error) {
      EXPECT_EQ(error.place, mistake.place) << mistake.text << "\n" << error.what();
      EXPECT_NE(std::string(error.what()).find(mistake.message), std::string::npos) << mistake.text << "\n"
                                                                                    << error.what();
      EXPECT_NE(error.hint.find(mistake.hint), std::string::npos) << mistake.text << "\n" << error.hint;
      EXPECT_EQ((error.what() + error.hint).find("canary"), std::string::npos);
    }
  }
}

TEST(Config, KeepsThePlaceOfEveryField) {
  const PoolConfig config = parse_config(whole, "c.json", keys);
  EXPECT_EQ(config.places.at("strategy"), "c.json:3:15");
  EXPECT_EQ(config.places.at("failureThreshold"), "c.json:4:42");
  EXPECT_EQ(config.places.at("max"), "c.json:4:80");
  EXPECT_EQ(config.providers[0].places.at("tier"), "c.json:8:88");
  EXPECT_EQ(config.providers[0].keys[0].places.at("tokensPerMinute"), "c.json:11:71");
  EXPECT_EQ(config.providers[0].keys[0].places.at("tags"), "c.json:13:89");
  EXPECT_EQ(config.providers[0].keys[1].places.size(), 0u);
  EXPECT_EQ(config.routes[0].place, "c.json:17:15");
}

TEST(Config, NeedsNoKeyForOllama) {
  const PoolConfig config =
      parse_config(R"({"providers": {"ollama": {"keys": [{"models": ["llama3.2"]}]}}})", "c.json", {});
  EXPECT_TRUE(config.providers.at(0).keys.at(0).secret.empty());
  EXPECT_EQ(config.providers[0].keys[0].models, std::vector<std::string>{"llama3.2"});
}

TEST(Config, RefusesOrReadsEveryCutOfAFileAndNeverCrashes) {
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_THROW(parse_config(whole.substr(0, cut), "c.json", keys), UsageError) << cut;
  }
}

TEST(Config, ReadsKeysFromFilesBesideIt) {
  const ScratchDir dir;
  dir.write("conf/key.txt", "sk-from-file\n");
  dir.write("conf/c.json",
            "{\"providers\": {\"openai\": {\"keys\": [\"file:key.txt\"], \"ca_file\": \"ca.pem\"}}}", 0644);
  const PoolConfig config = read_config("conf/c.json", {});
  EXPECT_EQ(secret_of(config.providers.at(0).keys.at(0)), "sk-from-file");
  EXPECT_EQ(config.providers[0].ca_file.text, "conf/ca.pem");
}

TEST(Config, RefusesLiteralKeysThatOthersCanRead) {
  const ScratchDir dir;
  const std::string text = "{\"providers\": {\"openai\": {\"keys\": [\"sk-literal\"]}}}";
  dir.write("c.json", text, 0600);
  EXPECT_EQ(secret_of(read_config("c.json", {}).providers.at(0).keys.at(0)), "sk-literal");
  for (const mode_t mode : {0644, 0640, 0604, 0620}) {
    dir.write("c.json", text, mode);
    try {
      read_config("c.json", {});
      ADD_FAILURE() << std::oct << mode;
    } catch (const UsageError& error) {
      EXPECT_NE(error.hint.find("chmod 600 c.json"), std::string::npos);
    }
  }
}

TEST(Config, ReadsPricesCapsAndDialects) {
  const PoolConfig config = parse_config(
      "{\"prices\": \"p.json\", \"healthCheckInterval\": 60000, \"users\": {\"*\": {\"max_cost_per_day\": "
      "0.1}, "
      "\"ann\": {}}, \"providers\": {\"my\": {\"dialect\": \"anthropic\", \"api_version\": \"2026-10-21\"}}}",
      "conf/c.json", {});
  EXPECT_TRUE(config.notices.empty());
  EXPECT_EQ(config.health_check_interval.text, "60000");
  EXPECT_EQ(config.prices.text, "conf/p.json") << "beside the config";
  ASSERT_EQ(config.users.size(), 2u);
  EXPECT_EQ(config.users[0].name, "*");
  EXPECT_EQ(config.users[0].max_cost_per_day, 0.1);
  EXPECT_FALSE(config.users[1].max_cost_per_day);
  EXPECT_EQ(config.providers[0].dialect.text, "anthropic");
  EXPECT_EQ(config.providers[0].api_version.text, "2026-10-21");
}

}  // namespace
}  // namespace batchrun
