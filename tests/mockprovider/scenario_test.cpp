#include "bench/mockprovider/scenario.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;

TEST(Scenario, EmptyMeansEverythingIsAllowed) {
  const Scenario s = parse_scenario("{}");
  EXPECT_TRUE(s.keys.empty());
  EXPECT_TRUE(s.first_chunk.is_zero());
  EXPECT_FALSE(s.charging) << "each provider's own";
}

TEST(Scenario, EveryMemberIsRead) {
  const Scenario s = parse_scenario(R"({
    // comments and trailing commas are allowed
    "comment": "c", "seed": 42, "flavour": "cerebras", "models": ["m"], "anonymous": true,
    "keys": [{"key": "k1", "organisation": "a"}, {"key": "k2"}],
    "organisations": {"a": {"rpm": 60, "tpm": 1e4, "rpd": 5, "tpd": 6, "concurrency": 7},
                      "b": {"limiter": {"kind": "sliding_counter", "day": "pacific"}, "flavour": "anthropic", "itpm": 8,
                            "otpm": 9, "rph": 10, "charging": "input_only", "cached_reads_free": false, "searches": 11}},
    "limits": {"rpm": 1}, "limits_per_model": true,
    "limiter": {"kind": "token_bucket", "bucket_s": 1.5, "slice_s": 1, "largest_tokens": 8},
    "charging": "actual", "failed_calls_count": false, "default_max_tokens": 9, "rate_limit_headers": false,
    "count_executions": false,
    "latency": {"arrival_ms": 12, "first_chunk_ms": {"kind": "lognormal", "median_ms": 400, "sigma": 0.3, "max_ms": 900},
                "between_chunks_ms": {"kind": "uniform", "min_ms": 1, "max_ms": 2}},
    "answer": {"tokens": 3, "longest": 4, "chunks": 5, "cached_share": 0.5},
    "faults": [{"fault": "rate_limit_429", "every": 3, "requests": [1, 2], "times": 4, "from_s": 1, "until_s": 2,
                "key": "k", "organisation": "o", "model": "m", "contains": "x", "stream": true, "after_chunks": 6,
                "bytes": -3, "seconds": 2.5, "interval_ms": 8, "count": 9, "variant": "v", "from_body": true, "status": 503, "location": "l",
                "should_retry": false, "echo_key": true, "retry_after": "date", "probability": 0.5}],
    "tls": {"enabled": true, "certificate": "wrong_host", "only_old_versions": true, "close_notify": false},
  })");
  EXPECT_EQ(s.seed, 42u);
  EXPECT_EQ(s.flavour, Flavour::cerebras);
  EXPECT_EQ(s.models, std::vector<std::string>{"m"});
  EXPECT_EQ(s.keys.at("k1"), "a");
  EXPECT_EQ(s.keys.at("k2"), "org-k2");
  EXPECT_EQ(s.organisations.at("a").limits.tpm, 1e4);
  EXPECT_EQ(s.organisations.at("a").limits.concurrency, 7u);
  EXPECT_EQ(s.others.limits.rpm, 1);
  EXPECT_FALSE(s.others.limits.tpm);
  for (const LimiterSettings& limiter : {s.others.limiter, s.organisations.at("a").limiter}) {
    EXPECT_EQ(limiter.kind, LimiterKind::token_bucket);
    EXPECT_EQ(limiter.bucket, Moment(1500ms));
    EXPECT_EQ(limiter.slice, Moment(1s));
    EXPECT_EQ(limiter.largest_tokens, 8);
  }
  EXPECT_EQ(s.organisations.at("b").limiter.kind, LimiterKind::sliding_counter);
  EXPECT_EQ(s.organisations.at("b").limiter.slice, Moment::zero()) << "its own limiter, and all of it";
  EXPECT_EQ(s.charging, Charging::actual);
  const OrganisationScenario& b = s.organisations.at("b");
  EXPECT_EQ(b.flavour, Flavour::anthropic);
  EXPECT_EQ(b.limits.itpm, 8);
  EXPECT_EQ(b.limits.otpm, 9);
  EXPECT_EQ(b.limits.rph, 10);
  EXPECT_EQ(b.limiter.day, DayStart::pacific);
  EXPECT_EQ(b.charging, Charging::input_only);
  EXPECT_EQ(b.cached_reads_free, false);
  EXPECT_EQ(b.searches, 11u);
  EXPECT_FALSE(s.organisations.at("a").flavour);
  EXPECT_EQ(s.cached_share, 0.5);
  EXPECT_FALSE(s.failed_calls_count);
  EXPECT_EQ(s.arrival.a_ms, 12);
  EXPECT_EQ(s.first_chunk.a_ms, 400);
  EXPECT_EQ(s.between_chunks.b, 2);
  EXPECT_EQ(s.chunks, 5u);
  ASSERT_EQ(s.faults.size(), 1u);
  const FaultRule& f = s.faults[0];
  EXPECT_EQ(f.kind, FaultKind::rate_limit_429);
  EXPECT_EQ(f.requests, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(f.stream, true);
  EXPECT_EQ(f.bytes, -3);
  EXPECT_EQ(f.retry_after, RetryAfter::date);
  EXPECT_EQ(f.should_retry, false);
  EXPECT_EQ(f.count, 9u);
  EXPECT_EQ(f.variant, "v");
  EXPECT_EQ(s.tls.certificate, CertificateKind::wrong_host);
  EXPECT_FALSE(s.tls.close_notify);
}

TEST(Scenario, MistakesNameTheirPlace) {
  const struct {
    const char* text;
    const char* part;
  } cases[] = {
      {"{", "not JSON"},
      {"[]", "scenario must be an object"},
      {R"({"sed": 1})", "scenario.sed is not known"},
      {R"({"seed": "x"})", "scenario.seed must be a number"},
      {R"({"seed": 1.5})", "scenario.seed must be a whole number"},
      {R"({"default_max_tokens": -1})", "scenario.default_max_tokens"},
      {R"({"flavour": "closedai"})", "must be one of: openai, groq, cerebras"},
      {R"({"keys": [{"organisation": "a"}]})", "scenario.keys[0].key must be given"},
      {R"({"limits": {"rpm": 0}})", "above 0"},
      {R"({"limits": {"otpm": 0}})", "above 0"},
      {R"({"answer": {"cached_share": 1.5}})", "scenario.answer.cached_share must be from 0 to 1"},
      {R"({"organisations": {"a": {"flavour": "x"}}})", "scenario.organisations.a.flavour is"},
      {R"({"organisations": {"a": {"rpn": 1}}})", "scenario.organisations.a.rpn is not known"},
      {R"({"limiter": {"kind": "leaky"}})", "must be one of: fixed_window, from_first, sliding_log"},
      {R"({"faults": [{"fault": "nonsense"}]})", "no fault's name"},
      {R"({"faults": [{"fault": "slice", "evry": 2}]})", "scenario.faults[0].evry is not known"},
      {R"({"faults": [{"fault": "slice", "requests": [0]}]})", "numbers from 1"},
      {R"({"faults": [{"fault": "rate_limit_429", "retry_after": "soonish"}]})", "no form"},
      {R"({"latency": {"arrival_ms": 12, "first_chunk_ms": {"kind": "normal"}}})", "must be one of"}};
  for (const auto& c : cases) {
    try {
      parse_scenario(c.text);
      ADD_FAILURE() << "accepted " << c.text;
    } catch (const ScenarioError& error) {
      EXPECT_NE(std::string(error.what()).find(c.part), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace batchrun::mock
