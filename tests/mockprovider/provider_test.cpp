#include "bench/mockprovider/provider.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <utility>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

const std::string two_keys =
    R"({"keys": [{"key": "k1", "organisation": "a"}, {"key": "k2", "organisation": "a"},
                                          {"key": "k3", "organisation": "b"}])";

// Asks a provider without a network.
class Asker {
 public:
  explicit Asker(const std::string& scenario) : provider(parse_scenario(scenario)) {}

  const WireReply& ask(const std::string& head, const std::string& body = "", Moment at = 0s) {
    text_ = head + " HTTP/1.1\r\nHost: x\r\n" + (key.empty() ? "" : "Authorization: Bearer " + key + "\r\n") +
            "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    HttpRequest request;
    EXPECT_EQ(parse_http_request(text_, request).state, HttpParse::State::complete);
    ticket = {};
    provider.answer(request, {at, 1'795'000'000}, reply, ticket);
    return reply;
  }
  int chat(const std::string& key_used, const std::string& prompt = "hi", int max_tokens = 10, Moment at = 0s,
           bool finish = true) {
    key = key_used;
    ask("POST /v1/chat/completions",
        R"({"model":"m","messages":[{"role":"user","content":")" + prompt +
            "\"}],\"max_tokens\":" + std::to_string(max_tokens) + "}",
        at);
    if (finish && ticket.open) provider.finished(ticket, true, {at, 0});
    return status();
  }
  int status() const { return std::stoi(reply.bytes.substr(9, 3)); }
  json::value body() const { return json::parse(reply.bytes.substr(reply.bytes.find("\r\n\r\n") + 4)); }
  bool has(std::string_view text) const { return reply.bytes.find(text) != reply.bytes.npos; }

  Provider provider;
  std::string key = "k1";
  WireReply reply;
  Ticket ticket;

 private:
  std::string text_;
};

TEST(Provider, KeysDecideWhoMayAsk) {
  Asker a(two_keys + "}");
  EXPECT_EQ(a.chat("k1"), 200);
  EXPECT_TRUE(a.has("openai-organization: a\r\n"));
  EXPECT_EQ(a.chat("stranger-with-a-key"), 401);
  EXPECT_EQ(a.body().at("error").at("code").as_string(), "invalid_api_key");
  EXPECT_EQ(a.chat(""), 401);
  EXPECT_EQ(a.provider.counters({}).unauthorized, 2u);
  EXPECT_EQ(a.provider.counters({}).total.requests, 1u);
}

TEST(Provider, WithoutKeysEveryKeyIsItsOwnOrganisation) {
  Asker a(R"({"limits": {"rpm": 1}})");
  EXPECT_EQ(a.chat("x"), 200);
  EXPECT_EQ(a.chat("x"), 429);
  EXPECT_EQ(a.chat("y"), 200);
  EXPECT_EQ(a.provider.counters({}).by_organisation.at("org-y").admitted, 1u);
}

TEST(Provider, KeysOfOneOrganisationShareItsBudget) {
  Asker a(two_keys + R"(, "organisations": {"a": {"rpm": 2}, "b": {"rpm": 2}}})");
  EXPECT_EQ(a.chat("k1"), 200);
  EXPECT_EQ(a.chat("k2"), 200);
  EXPECT_EQ(a.chat("k1", "hi", 10, 58s), 429);
  EXPECT_TRUE(a.has("retry-after: 2\r\n"));
  EXPECT_TRUE(a.has("retry-after-ms: 2000\r\n"));
  EXPECT_TRUE(a.has("x-ratelimit-remaining-requests: 0\r\n"));
  EXPECT_EQ(a.chat("k3"), 200);
  EXPECT_EQ(a.chat("k1", "hi", 10, 60s), 200);
  const Counters c = a.provider.counters({});
  EXPECT_EQ(c.by_organisation.at("a").refused, 1u);
  EXPECT_EQ(c.by_key.at("k1").admitted, 2u);
}

TEST(Provider, ReservesMaxTokensAndGivesNothingBack) {
  Asker a(two_keys + R"(, "organisations": {"a": {"tpm": 1000}}})");
  EXPECT_EQ(a.chat("k1", "12345678", 900), 200);  // 2 + 3 + 900
  EXPECT_TRUE(a.has("x-ratelimit-remaining-tokens: 95\r\n"));
  EXPECT_EQ(a.chat("k1", "12345678", 100), 429);
  EXPECT_EQ(a.body().at("error").at("type").as_string(), "tokens");
  EXPECT_EQ(a.chat("k1", "12345678", 90), 200);
  EXPECT_EQ(a.provider.counters({}).total.tokens_charged, 1000u);
}

TEST(Provider, ChargesActualsWhenToldSo) {
  Asker a(two_keys +
          R"(, "charging": "actual", "answer": {"tokens": 7}, "organisations": {"a": {"tpm": 100}}})");
  EXPECT_EQ(a.chat("k1", "12345678", 5000), 200);
  EXPECT_EQ(a.provider.counters({}).total.tokens_charged, 5u + 7u);
  EXPECT_EQ(a.chat("k1", "12345678", 5000), 200);
  EXPECT_TRUE(a.has("x-ratelimit-remaining-tokens: 83\r\n"));
}

TEST(Provider, TooLargeIsTheLookAlike) {
  Asker a(two_keys + R"(, "organisations": {"a": {"tpm": 100}}})");
  EXPECT_EQ(a.chat("k1", "hi", 500), 429);
  EXPECT_TRUE(a.has("Request too large for m in organization a"));
  EXPECT_TRUE(a.has("x-ratelimit-remaining-tokens: 100\r\nx-ratelimit-reset-tokens: 0s\r\n"));
  EXPECT_FALSE(a.has("retry-after"));
}

TEST(Provider, FailedCallsCountWhenTheyShould) {
  for (const bool count : {true, false}) {
    Asker a(two_keys + R"(, "organisations": {"a": {"rpm": 3}}, "models": ["m"], "failed_calls_count": )" +
            (count ? "true" : "false") + "}");
    a.key = "k1";
    a.ask("POST /v1/chat/completions", "not json");
    EXPECT_EQ(a.status(), 400);
    a.ask("POST /v1/chat/completions", R"({"model":"other","messages":[{"role":"user","content":"x"}]})");
    EXPECT_EQ(a.status(), 404);
    EXPECT_EQ(a.chat("k1"), 200);
    EXPECT_EQ(a.chat("k1"), count ? 429 : 200);
    EXPECT_EQ(a.provider.counters({}).bad_requests, 2u);
  }
}

TEST(Provider, LimitsCanBePerModel) {
  Asker a(two_keys + R"(, "organisations": {"a": {"rpm": 1}}, "limits_per_model": true})");
  EXPECT_EQ(a.chat("k1"), 200);
  EXPECT_EQ(a.chat("k1"), 429);
  a.ask("POST /v1/chat/completions", R"({"model":"other","messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(a.status(), 200);
}

TEST(Provider, ConcurrencyIsHeldUntilTheEnd) {
  Asker a(two_keys + R"(, "organisations": {"a": {"concurrency": 1}}})");
  EXPECT_EQ(a.chat("k1", "hi", 10, 0s, false), 200);
  Ticket first = std::exchange(a.ticket, {});
  EXPECT_EQ(a.chat("k2"), 429);
  a.provider.finished(first, true, {});
  EXPECT_EQ(a.chat("k2"), 200);
  EXPECT_EQ(a.provider.counters({}).total.most_open, 1u);
}

TEST(Provider, ExecutionsAreCountedByMarker) {
  Asker a("{}");
  a.chat("k", "do [[r1]]");
  a.chat("k", "do [[r1]] again");
  a.chat("k", "do [[r2]]", 10, 0s, false);
  a.provider.finished(a.ticket, false, {});
  a.ask("GET /mock/executions?min=2");
  EXPECT_EQ(a.body().at("matching").as_int64(), 1);
  EXPECT_EQ(a.body().at("prompts").as_int64(), 2);
  a.ask("GET /mock/executions?marker=r%32");
  EXPECT_EQ(a.body().at("admitted").as_int64(), 1);
  EXPECT_EQ(a.body().at("completed").as_int64(), 0);
  EXPECT_EQ(a.provider.counters({}).aborted, 1u);
}

TEST(Provider, FaultsBeforeAdmissionChargeNothing) {
  Asker a(two_keys +
          R"(, "organisations": {"a": {"tpm": 1000}}, "faults": [{"fault": "rate_limit_429", "every": 2}]})");
  EXPECT_EQ(a.chat("k1"), 200);
  EXPECT_EQ(a.chat("k1"), 429);
  const Counters c = a.provider.counters({});
  EXPECT_EQ(c.total.admitted, 1u);
  EXPECT_EQ(c.total.refused, 0u);
  EXPECT_EQ(c.faults.at("rate_limit_429"), 1u);
}

TEST(Provider, FaultsAfterAdmissionAreNoExecutions) {
  Asker a(two_keys + R"(, "faults": [{"fault": "status_500", "requests": [1]}, {"fault": "slice"}]})");
  EXPECT_EQ(a.chat("k1"), 500);
  EXPECT_EQ(a.chat("k1"), 200);
  const Counters c = a.provider.counters({});
  EXPECT_EQ(c.total.admitted, 2u);
  EXPECT_EQ(c.total.completed, 1u);
}

TEST(Provider, PathsChooseTheFlavour) {
  Asker a(R"({"limits": {"rpm": 1}})");
  const std::string body = R"({"model":"llama","messages":[{"role":"user","content":"x"}]})";
  a.ask("POST /openai/v1/chat/completions", body);
  EXPECT_TRUE(a.has("x_groq"));
  a.ask("POST /openai/v1/chat/completions", body);
  EXPECT_EQ(a.status(), 429);
  EXPECT_TRUE(a.has("service tier `on_demand`"));
  EXPECT_FALSE(a.has("retry-after-ms"));
  EXPECT_FALSE(a.body().at("error").as_object().contains("param"));
}

TEST(Provider, ModelsAreListed) {
  Asker a(R"({"models": ["m1", "org/m2"]})");
  a.ask("GET /v1/models");
  EXPECT_EQ(a.body().at("data").as_array().size(), 2u);
  EXPECT_TRUE(a.has("openai-organization: org-k1\r\n"));
  a.ask("GET /openai/v1/models/org/m2");
  EXPECT_EQ(a.body().at("id").as_string(), "org/m2");
  a.ask("GET /v1/models/m3");
  EXPECT_EQ(a.status(), 404);
  a.key = "";
  a.ask("GET /v1/models");
  EXPECT_EQ(a.status(), 401);
}

TEST(Provider, OtherPathsAreUnknown) {
  Asker a("{}");
  a.ask("POST /v1/nothing");
  EXPECT_EQ(a.status(), 404);
  a.ask("GET /v1/chat/completions");
  EXPECT_EQ(a.status(), 405);
}

TEST(Provider, ResetForgetsCountsAndKeepsLimits) {
  Asker a(two_keys + R"(, "organisations": {"a": {"rpm": 1}}})");
  a.chat("k1", "[[r]]");
  a.ask("POST /mock/reset");
  a.ask("GET /mock/counters");
  EXPECT_EQ(a.body().at("admitted").as_int64(), 0);
  EXPECT_EQ(a.body().at("by_key").at("k1").at("admitted").as_int64(), 0);
  EXPECT_EQ(a.provider.executions().of(execution_id_of_marker("r")).completed, 0u);
  EXPECT_EQ(a.chat("k1"), 429);
}

TEST(Provider, TheClockMayBeWrong) {
  Asker a(R"({"clock_skew_s": -1795000000, "faults": [{"fault": "rate_limit_429", "retry_after": "date"}]})");
  a.chat("k");
  EXPECT_TRUE(a.has("date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
  EXPECT_TRUE(a.has("retry-after: Thu, 01 Jan 1970 00:00:01 GMT\r\n"));
}

TEST(Provider, LimitFieldsMayBeAbsurd) {
  Asker a(R"({"limits": {"rpm": 10}, "faults": [{"fault": "absurd_limits"}]})");
  EXPECT_EQ(a.chat("k"), 200);
  EXPECT_TRUE(a.has("x-ratelimit-remaining-tokens: -1\r\n"));
  EXPECT_FALSE(a.has("x-ratelimit-remaining-requests: 9\r\n"));
}

// Every way of enforcing a limit, as a scenario's "limiter".
constexpr const char* every_limiter[] = {R"({"kind": "fixed_window"})",
                                         R"({"kind": "from_first"})",
                                         R"({"kind": "sliding_log"})",
                                         R"({"kind": "sliding_counter"})",
                                         R"({"kind": "token_bucket"})",
                                         R"({"kind": "token_bucket", "bucket_s": 1, "largest_tokens": 250})",
                                         R"({"kind": "sliding_log", "slice_s": 10, "largest_tokens": 250})",
                                         R"({"kind": "fixed_window", "slice_s": 1, "largest_tokens": 250})"};

TEST(Provider, EveryRefusalOfALimitIsHonestAboutTheWait) {
  for (const char* limiter : every_limiter) {
    Asker a(two_keys + R"(, "limiter": )" + limiter +
            R"(, "failed_calls_count": false, "organisations": {"a": {"rpm": 30, "tpm": 3000}}})");
    Random random(3);
    Moment now{};
    int admitted = 0, refused = 0;
    while (now < 5min) {
      const int size = static_cast<int>(20 + random.next() % 200);
      if (a.chat("k1", "some words", size, now) == 200) {
        ++admitted;
        now += 100ms;
        continue;
      }
      ++refused;
      const std::size_t at = a.reply.bytes.find("retry-after-ms: ");
      const std::chrono::milliseconds wait(std::stol(a.reply.bytes.substr(at + 16)));
      EXPECT_EQ(a.chat("k1", "some words", size, now + wait / 2), 429) << limiter;
      now += wait;
      EXPECT_EQ(a.chat("k1", "some words", size, now), 200) << limiter;
      ++admitted;
    }
    EXPECT_GE(refused, 4) << limiter;
    EXPECT_LE(admitted, 30 * 6 + 1) << limiter;
  }
}

TEST(Provider, OrganisationsMayEnforceTheirLimitsDifferently) {
  Asker a(two_keys + R"(, "limits": {"rpm": 60}, "limiter": {"slice_s": 1},
                         "organisations": {"a": {"rpm": 60, "limiter": {"kind": "sliding_log"}}}})");
  for (int i = 0; i < 60; ++i) EXPECT_EQ(a.chat("k1"), 200);
  EXPECT_EQ(a.chat("k1", "hi", 10, 59s), 429);
  EXPECT_EQ(a.chat("k3"), 200);
  EXPECT_EQ(a.chat("k3"), 429);
  EXPECT_EQ(a.chat("k3", "hi", 10, 1s), 200);
}

}  // namespace
}  // namespace batchrun::mock
