#include "runner/print_config.h"

#include <gtest/gtest.h>

#include "runner/assemble_pool.h"
#include "runner/config.h"
#include "runner/env_pool.h"

namespace batchrun {
namespace {

Settings assembled(std::string_view config, const Environment& environment) {
  Settings settings;
  settings.input = "in.jsonl";
  settings.output = "out.jsonl";
  PoolConfig pool =
      merge_pools(parse_config(config, "c.json", environment), pool_from_environment(environment));
  assemble_pool(std::move(pool), settings);
  return settings;
}

std::string without_remarks(const std::string& text) {
  std::string out;
  for (std::size_t at = text.find("\n{\n") + 1; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    out += line.substr(0, line.find("  // ")) + "\n";
    at = end + 1;
  }
  return out;
}

constexpr std::string_view config = R"({
  "circuitBreaker": {"openSeconds": {"max": 300}},
  "providers": {
    "openai": {"default_model": "m", "keys": [
      {"key": "env:KEY_1", "name": "one", "group": "g", "models": ["a", "b"], "tags": ["t"], "priority": -3,
       "rateLimit": {"requestsPerMinute": 7, "requestsPerDay": 0, "maxConcurrent": 2, "sliceSeconds": 1.5}},
      {"key": "env:GONE", "enabled": false}]},
    "ollama": {"base_url": "http://gpu-box:11434"},
    "gemini": {"keys": ["env:KEY_2"]}},
  "routes": {"r": ["openai/m", "ollama/n"]}})";

const Environment environment{{"KEY_1", "canary-1"},           {"KEY_2", "canary-2"},
                              {"OPENAI_API_KEYS", "canary-3"}, {"OPENAI_MODEL_0", "from-env"},
                              {"OPENAI_ORG_ID", "org-9"},      {"OPENAI_MAX_TOKENS_PER_MINUTE_0", "0"}};

void expect_line(const std::string& text, const std::string& line) {
  EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << "\nis not in\n" << text;
}

TEST(PrintConfig, SaysOfEachSettingWhereItCameFrom) {
  Environment process = environment;
  process.erase("OPENAI_API_KEYS");
  Settings settings = assembled(config, environment);
  settings.max_rows = 9;
  settings.configured.strategy.place = "--strategy";
  const std::string text = render_config(settings, {"c.json", "keys.env", process, {"max-rows"}});
  expect_line(text, "//   --max-rows         9                              command line");
  expect_line(text, "//   --output           out.jsonl                      default");
  expect_line(text, "//   --row-deadline     1d                             default");
  expect_line(text, "//   OPENAI_ORG_ID      org-9                          OPENAI_ORG_ID");
  expect_line(text, "  \"strategy\": \"saturate\",  // --strategy");
  expect_line(text, "      \"max\": 300  // c.json:2:45");
  expect_line(text, "    \"failureThreshold\": 3,  // default");
  expect_line(text, "      \"base_url\": \"https://api.openai.com/v1\",  // default");
  expect_line(text, "      \"base_url\": \"http://gpu-box:11434\",  // c.json:8:28");
  expect_line(text, "      \"tier\": 0,  // default");
  expect_line(text, "          \"key\": \"env:KEY_1\",  // c.json:5:7");
  expect_line(text, "          \"name\": \"one\",  // c.json:5:36");
  expect_line(text, "            \"requestsPerDay\": 0,  // c.json:6:64");
  expect_line(text, "            \"sliceSeconds\": 1.5  // c.json:6:103");
  expect_line(text, "          \"key\": \"(set)\",  // OPENAI_API_KEYS in keys.env");
  expect_line(text, "            \"tokensPerMinute\": 0  // OPENAI_MAX_TOKENS_PER_MINUTE_0");
  expect_line(text, "          \"models\": [\"from-env\"],  // OPENAI_MODEL_0");
  expect_line(text, "          \"enabled\": false  // c.json:7:38");
  expect_line(text, "    \"r\": [\"openai/m\", \"ollama/n\"]  // c.json:10:14");
  EXPECT_EQ(text.find("canary"), std::string::npos);
}

TEST(PrintConfig, IsAConfigThatMakesTheSamePool) {
  Environment no_list = environment;
  no_list.erase("OPENAI_API_KEYS");  // a key of a list cannot be referred to
  no_list.erase("OPENAI_MODEL_0");
  no_list["GROQ_API_KEY_1"] = "canary-4";
  const std::string once = render_config(assembled(config, no_list), {"", "", no_list, {}});
  const Settings again = assembled(once, no_list);
  EXPECT_EQ(without_remarks(render_config(again, {"", "", no_list, {}})), without_remarks(once));
  EXPECT_EQ(again.keys.size(), 4u);
  EXPECT_EQ(again.pool.settings.open_max, std::chrono::seconds(300));
  EXPECT_THROW(parse_config(R"x({"providers": {"openai": {"keys": ["(set)"]}}})x", "c.json", {}), UsageError);
}

TEST(PrintConfig, IsValidForAnEmptyPool) {
  const std::string text = render_config(assembled("{}", {}), {});
  EXPECT_NE(text.find("\"providers\": {},\n"), std::string::npos) << text;
  EXPECT_NO_THROW(parse_config(text, "c.json", {}));
}

}  // namespace
}  // namespace batchrun
