#include "runner/keys_table.h"

#include <gtest/gtest.h>

#include "runner/assemble_pool.h"
#include "runner/config.h"

namespace batchrun {
namespace {

Settings assembled(std::string_view config) {
  Settings settings;
  assemble_pool(parse_config(config, "c.json", {}), settings);
  return settings;
}

constexpr std::string_view pool = R"({"providers": {
  "openai": {"keys": [
    {"key": "canary-secret-1", "name": "größte", "group": "org", "models": ["a", "b"], "tags": ["prod"],
     "rateLimit": {"requestsPerMinute": 500, "tokensPerMinute": 90000, "maxConcurrent": 64}},
    {"key": "canary-secret-2", "group": "org"},
    {"key": "canary-secret-3", "enabled": false, "rateLimit": {"requestsPerDay": 7}}]},
  "gemini": {"keys": ["canary-secret-4"]},
  "ollama": {}}})";

TEST(KeysTable, ListsEveryKeyWithItsGroupsLimits) {
  EXPECT_EQ(render_keys(assembled(pool)),
            "key       provider  group    tier  state         models  tags  limits\n"
            "größte    openai    org      2     in use        a, b    prod  500 RPM 90.0k TPM 64 open\n"
            "openai-2  openai    org      2     in use        any     -     500 RPM 90.0k TPM 64 open\n"
            "openai-3  openai    its own  2     switched off  any     -     7 RPD\n"
            "gemini-1  gemini    its own  1     in use        any     -     from replies\n"
            "ollama-1  ollama    its own  0     in use        any     -     from replies\n");
}

TEST(KeysTable, ShowsWhatEachProviderAnswered) {
  std::vector<KeyCheck> checks(4);
  checks[0].verdict = Verdict::ok;
  checks[0].status = 200;
  checks[0].latency = std::chrono::milliseconds(85);
  checks[0].organization = "org-9";
  checks[0].limits[Dimension::tokens_per_minute].limit = 200000;
  checks[1].verdict = Verdict::unauthorized;
  checks[1].status = 401;
  checks[1].message = "Incorrect API key";
  checks[2].verdict = Verdict::forbidden;
  checks[2].status = 403;
  checks[3].message = "connection refused";
  EXPECT_EQ(render_key_checks(assembled(pool), checks),
            "key       provider  group    answer                   status  time   organisation  limits of "
            "the reply\n"
            "größte    openai    org      ok                       200     85 ms  org-9         200k TPM\n"
            "openai-2  openai    org      unauthorized             401     0 ms   -             -\n"
            "    Incorrect API key\n"
            "openai-3  openai    its own  not tried: switched off\n"
            "gemini-1  gemini    its own  forbidden                403     0 ms   -             -\n"
            "ollama-1  ollama    its own  unreachable              -       0 ms   -             -\n"
            "    connection refused\n");
}

}  // namespace
}  // namespace batchrun
