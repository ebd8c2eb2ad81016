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
            fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    HttpRequest request;
    EXPECT_EQ(parse_http_request(text_, request).state, HttpParse::State::complete);
    ticket = {};
    provider.answer(request, {at, 1'795'000'000}, reply, ticket);
    return reply;
  }
  int chat(const std::string& key_used, const std::string& prompt = "hi", int max_tokens = 10, Moment at = 0s,
           bool finish = true) {
    key = key_used;
    ask("POST /v1/chat/completions", chat_body("m", prompt, max_tokens), at);
    return done(finish, at);
  }
  // The same question in each dialect that has chats.
  int message(const std::string& prompt, int max_tokens = 10, Moment at = 0s, bool finish = true) {
    fields = "anthropic-version: 2023-06-01\r\n";
    ask("POST /v1/messages", chat_body("claude", prompt, max_tokens), at);
    return done(finish, at);
  }
  int generate(const std::string& prompt, Moment at = 0s) {
    fields = "x-goog-api-key: " + key + "\r\n";
    ask("POST /v1beta/models/gemini:generateContent",
        R"({"contents":[{"parts":[{"text":")" + prompt + "\"}]}]}", at);
    return done(true, at);
  }
  int search(const std::string& query, Moment at = 0s) {
    fields = "x-api-key: " + key + "\r\n";
    ask("POST /search", R"({"q":")" + query + "\"}", at);
    return done(true, at);
  }
  static std::string chat_body(const std::string& model, const std::string& prompt, int max_tokens) {
    return R"({"model":")" + model + R"(","messages":[{"role":"user","content":")" + prompt +
           "\"}],\"max_tokens\":" + std::to_string(max_tokens) + "}";
  }
  int done(bool finish, Moment at) {
    if (finish && ticket.open) provider.finished(ticket, true, {at, 0});
    return status();
  }
  int status() const { return std::stoi(reply.bytes.substr(9, 3)); }
  json::value body() const { return json::parse(reply.bytes.substr(reply.bytes.find("\r\n\r\n") + 4)); }
  bool has(std::string_view text) const { return reply.bytes.find(text) != reply.bytes.npos; }

  Provider provider;
  std::string key = "k1";
  std::string fields;  // further header lines
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
  EXPECT_EQ(c.total.faults.at("rate_limit_429"), 1u);
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

const std::string mixed_pool = R"({
    "keys": [{"key": "o", "organisation": "org-o"}, {"key": "c", "organisation": "org-c"}, {"key": "a", "organisation": "org-a"},
             {"key": "g", "organisation": "org-g"}, {"key": "s", "organisation": "org-s"}],
    "organisations": {"org-o": {"flavour": "openai", "tpm": 1000},
                      "org-c": {"flavour": "cerebras", "rph": 2},
                      "org-a": {"flavour": "anthropic", "itpm": 100, "otpm": 50},
                      "org-g": {"flavour": "gemini", "tpm": 20, "rpd": 9},
                      "org-s": {"flavour": "serper", "searches": 2}},
    "limiter": {"kind": "token_bucket"}, "answer": {"tokens": 10}, "failed_calls_count": false)";

TEST(Provider, AMixedPoolSpeaksAsPathAndOrganisationSay) {
  Asker a(mixed_pool + "}");
  EXPECT_EQ(a.chat("o"), 200);
  EXPECT_TRUE(a.has("\"service_tier\""));
  EXPECT_EQ(a.chat("c"), 200);
  EXPECT_TRUE(a.has("\"time_info\""));
  EXPECT_EQ(a.chat("a"), 200) << "a flavour without this path leaves it to the scenario's";
  EXPECT_TRUE(a.has("\"service_tier\""));
  a.key = "a";
  EXPECT_EQ(a.message("x"), 200);
  EXPECT_TRUE(a.has("anthropic-organization-id: org-a\r\n"));
  EXPECT_FALSE(a.has("x-request-id"));
  a.key = "g";
  EXPECT_EQ(a.generate("x"), 200);
  EXPECT_TRUE(a.has("\"modelVersion\":\"gemini\""));
  a.key = "s";
  EXPECT_EQ(a.search("x"), 200);
  EXPECT_TRUE(a.has("\"organic\""));
  EXPECT_EQ(a.provider.counters({}).total.completed, 6u);
}

TEST(Provider, EveryProviderRefusesAStrangerItsWay) {
  Asker a(mixed_pool + "}");
  a.key = "stranger";
  EXPECT_EQ(a.message("x"), 401);
  EXPECT_TRUE(a.has("authentication_error"));
  EXPECT_EQ(a.generate("x"), 400);
  EXPECT_TRUE(a.has("API_KEY_INVALID"));
  EXPECT_EQ(a.search("x"), 403);
  a.ask("GET /search.json?q=x&api_key=stranger");
  EXPECT_EQ(a.status(), 401);
  a.key = "";
  a.fields = "";
  a.ask("POST /v1beta/models/gemini:generateContent?key=stranger", "{}");
  EXPECT_EQ(a.status(), 400);
  EXPECT_EQ(a.provider.counters({}).unauthorized, 5u);
}

TEST(Provider, OllamaAsksNobodyForAKey) {
  Asker a(mixed_pool + "}");
  a.key = "";
  a.ask("POST /api/chat", R"({"model":"m","stream":false,"messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(a.status(), 200);
  a.ask("GET /api/tags");
  EXPECT_EQ(a.status(), 200);
  a.ask("POST /v1/chat/completions", Asker::chat_body("m", "x", 5));
  EXPECT_EQ(a.status(), 401) << "but others do";
}

// The prompt costs 3 + 2 tokens, the answer 10.
TEST(Provider, EachProviderChargesItsOwnWay) {
  Asker a(mixed_pool + "}");
  EXPECT_EQ(a.chat("o", "12345678", 500), 200);
  EXPECT_EQ(a.provider.counters({}).by_key.at("o").tokens_charged, 505u) << "max_tokens is reserved";
  a.key = "a";
  EXPECT_EQ(a.message("12345678", 500), 200);
  EXPECT_EQ(a.provider.counters({}).by_key.at("a").tokens_charged, 15u) << "what was used";
  a.key = "g";
  EXPECT_EQ(a.generate("12345678"), 200);
  EXPECT_EQ(a.provider.counters({}).by_key.at("g").tokens_charged, 5u) << "input only";
  a.key = "s";
  EXPECT_EQ(a.search("12345678"), 200);
  EXPECT_EQ(a.provider.counters({}).by_key.at("s").tokens_charged, 1u) << "a search";
}

TEST(Provider, ChargingMayBeSaidOfAnOrganisation) {
  Asker a(two_keys + R"(, "answer": {"tokens": 10},
      "organisations": {"a": {"charging": "input_only"}, "b": {}}, "charging": "actual"})");
  a.chat("k1", "12345678", 500);
  a.chat("k3", "12345678", 500);
  EXPECT_EQ(a.provider.counters({}).by_key.at("k1").tokens_charged, 5u);
  EXPECT_EQ(a.provider.counters({}).by_key.at("k3").tokens_charged, 15u);
}

TEST(Provider, InputAndOutputHaveTheirOwnLimits) {
  Asker a(mixed_pool + "}");
  a.key = "a";
  const std::string long_prompt(200, 'x');  // 53 tokens
  EXPECT_EQ(a.message(long_prompt), 200);
  EXPECT_EQ(a.message(long_prompt), 429);
  EXPECT_TRUE(a.has("of 100 input tokens per minute (org: org-a, model: claude)"));
  EXPECT_TRUE(a.has("anthropic-ratelimit-output-tokens-limit: 50\r\n"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(a.message("x"), 200);
  EXPECT_EQ(a.message("x"), 200) << "output past the limit is charged all the same";
  EXPECT_EQ(a.message("x"), 429);
  EXPECT_TRUE(a.has("50 output tokens per minute"));
}

TEST(Provider, OutputIsChargedAsItGoesOut) {
  Asker a(mixed_pool + "}");
  const auto charged = [&] { return a.provider.counters({}).by_key.at("a").tokens_charged; };
  a.key = "a";
  a.fields = "anthropic-version: 2023-06-01\r\n";
  std::string body = Asker::chat_body("claude", "12345678", 50);
  body.insert(1, "\"stream\":true,");
  a.ask("POST /v1/messages", body);
  EXPECT_EQ(charged(), 5u);
  a.provider.progressed(a.ticket, 50, 100, {});
  EXPECT_EQ(charged(), 10u);
  a.provider.progressed(a.ticket, 40, 100, {});
  EXPECT_EQ(charged(), 10u);
  a.provider.finished(a.ticket, false, {});
  EXPECT_EQ(charged(), 10u) << "a client that left stops its stream";
}

TEST(Provider, CachedReadsAreFreeWhereTheyAre) {
  for (const auto& [flavour, charged] : {std::pair{"anthropic", 15u}, {"groq", 15u}, {"openai", 20u}}) {
    Asker a(two_keys + R"(, "charging": "actual", "answer": {"tokens": 10, "cached_share": 0.5},
        "organisations": {"a": {"flavour": ")" +
            flavour + "\"}}}");
    a.key = "k1";
    const std::string prompt(28, 'x');  // 10 tokens, 5 of them from the cache
    std::string_view(flavour) == "anthropic" ? a.message(prompt) : a.chat("k1", prompt);
    EXPECT_EQ(a.provider.counters({}).by_key.at("k1").tokens_charged, charged) << flavour;
  }
}

TEST(Provider, NothingIsCachedWhereNobodyIsTold) {
  for (const auto& [flavour, cached] : {std::pair{"openai", 5u}, {"vllm", 0u}, {"ollama", 0u}}) {
    Asker a(two_keys + R"(, "answer": {"cached_share": 0.5}, "flavour": ")" + flavour + "\"}");
    EXPECT_EQ(a.chat("k1", std::string(28, 'x')), 200);
    EXPECT_EQ(a.provider.counters({}).by_key.at("k1").bills.at("m").cached_tokens, cached) << flavour;
  }
}

TEST(Provider, BillsAreByKeyAndModel) {
  Asker a(mixed_pool + R"(, "faults": [{"fault": "status_500", "contains": "crash"}]})");
  EXPECT_EQ(a.chat("o", "12345678", 50), 200);
  EXPECT_EQ(a.chat("o", "12345678", 50), 200);
  EXPECT_EQ(a.chat("o", "crash", 50), 500);
  a.key = "s";
  EXPECT_EQ(a.search("x"), 200);
  const Counters c = a.provider.counters({});
  const Bill& o = c.by_key.at("o").bills.at("m");
  EXPECT_EQ(o.answers, 2u) << "not the crash";
  EXPECT_EQ(o.input_tokens, 10u);
  EXPECT_EQ(o.output_tokens, 20u);
  EXPECT_EQ(o.searches, 0u);
  EXPECT_EQ(c.by_key.at("s").bills.at("google").searches, 1u);
  EXPECT_EQ(c.by_key.at("s").bills.at("google").input_tokens, 0u);
  EXPECT_EQ(c.by_organisation.at("org-o").bills.at("m").answers, 2u);
  EXPECT_EQ(c.total.bills.size(), 2u);
  a.ask("POST /mock/reset");
  EXPECT_TRUE(a.provider.counters({}).total.bills.empty());
}

TEST(Provider, SearchesRunOutAndTheAccountSaysSo) {
  Asker a(mixed_pool + R"(, "faults": [{"fault": "status_500", "contains": "crash"}]})");
  a.key = "s";
  EXPECT_EQ(a.search("one"), 200);
  EXPECT_EQ(a.search("crash"), 500);
  const auto left = [&] {
    a.ask("GET /account.json?api_key=s");
    return a.body().at("total_searches_left").as_int64();
  };
  EXPECT_EQ(left(), 1) << "a failed search costs nothing";
  EXPECT_EQ(a.search("two"), 200);
  EXPECT_EQ(a.search("three"), 400);
  EXPECT_TRUE(a.has("Not enough credits"));
  a.ask("GET /search.json?q=x&api_key=s");
  EXPECT_EQ(a.status(), 429);
  EXPECT_TRUE(a.has("run out of searches"));
  EXPECT_EQ(left(), 0);
}

TEST(Provider, HoursAreLimitedToo) {
  Asker a(mixed_pool + "}");
  EXPECT_EQ(a.chat("c"), 200);
  EXPECT_EQ(a.chat("c"), 200);
  EXPECT_EQ(a.chat("c", "hi", 10, 10min), 429);
  EXPECT_EQ(a.chat("c", "hi", 10, 31min), 200);
}

TEST(Provider, GeminisRefusalsTellTheDelayInTheBody) {
  Asker a(mixed_pool + "}");
  a.key = "g";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(a.generate("x"), 200);  // 4 of 20 tokens each
  EXPECT_EQ(a.generate("x"), 429);
  EXPECT_FALSE(a.has("retry-after"));
  EXPECT_FALSE(a.has("x-ratelimit"));
  EXPECT_TRUE(a.has("GenerateContentInputTokensPerMinutePerProjectPerModel-FreeTier"));
  const json::value refused = a.body();
  const std::string delay(refused.at("error").at("details").as_array().back().at("retryDelay").as_string());
  const Moment wait = from_seconds(std::stod(delay));
  EXPECT_EQ(a.generate("x", wait / 2), 429);
  EXPECT_EQ(a.generate("x", wait), 200);
}

TEST(Provider, TheLastRequestCanBeSeen) {
  Asker a("{}");
  a.ask("GET /mock/last_request");
  EXPECT_TRUE(a.body().is_null());
  a.chat("secret-key", "hello");
  a.ask("GET /mock/last_request");
  EXPECT_EQ(a.body().at("target").as_string(), "/v1/chat/completions");
  EXPECT_TRUE(a.has("hello"));
  EXPECT_FALSE(a.has("secret-key"));
}

TEST(Provider, FaultsOfAnswersInOtherDialects) {
  Asker a(
      mixed_pool +
      R"(, "faults": [{"fault": "blocked_prompt", "contains": "blocked"}, {"fault": "no_results", "contains": "nothing"},
                                       {"fault": "empty_choices", "contains": "empty"}, {"fault": "absurd_limits"}]})");
  a.key = "g";
  EXPECT_EQ(a.generate("blocked"), 200);
  EXPECT_TRUE(a.body().as_object().contains("promptFeedback"));
  a.key = "a";
  EXPECT_EQ(a.message("blocked"), 200);
  EXPECT_EQ(a.body().at("stop_reason").as_string(), "refusal");
  EXPECT_EQ(a.message("empty"), 200);
  EXPECT_TRUE(a.body().at("content").as_array().empty());
  EXPECT_EQ(a.message("x"), 200);
  EXPECT_TRUE(a.has("anthropic-ratelimit-input-tokens-remaining: -1\r\n"));
  a.key = "s";
  EXPECT_EQ(a.search("nothing"), 200);
  EXPECT_TRUE(a.body().at("organic").as_array().empty());
  EXPECT_EQ(a.provider.counters({}).total.completed, 4u) << "empty is no whole answer";
}

TEST(Provider, KeepAlivesAreTheDialects) {
  const struct {
    const char *head, *body, *keep_alive;
  } cases[] = {
      {"POST /v1/messages",
       R"({"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]})",
       "event: ping\ndata: {\"type\": \"ping\"}\n\n"},
      {"POST /api/v1/chat/completions",
       R"({"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]})",
       ": OPENROUTER PROCESSING\n\n"},
      {"POST /v1beta/models/g:streamGenerateContent?alt=sse", R"({"contents":[{"parts":[{"text":"x"}]}]})",
       ": keep-alive\r\n\r\n"},
      {"POST /v1beta/models/g:streamGenerateContent", R"({"contents":[{"parts":[{"text":"x"}]}]})", "\n"},
      {"POST /api/chat", R"({"model":"m","messages":[{"role":"user","content":"x"}]})", "\n"},
  };
  for (const auto& c : cases) {
    Asker a(R"({"faults": [{"fault": "keep_alives", "count": 2}]})");
    a.fields = "anthropic-version: 2023-06-01\r\nx-goog-api-key: k1\r\n";
    a.ask(c.head, c.body);
    EXPECT_TRUE(a.reply.bytes.ends_with(std::string(c.keep_alive) + "\r\n")) << c.head;
    EXPECT_EQ(a.reply.after, WireReply::After::hold);
    EXPECT_FALSE(a.ticket.whole);
  }
}

}  // namespace
}  // namespace batchrun::mock
