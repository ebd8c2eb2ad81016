// The real checker on a written-down network; the network itself is tried in tests/e2e/keys_test.py.
#include "runner/key_check.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/sim_transport.h"

namespace batchrun {
namespace {

std::string secret(std::size_t number) {
  return "secret-of-key-" + std::to_string(number);
}

Settings settings_with_keys(std::size_t keys) {
  Settings settings;
  Provider provider;
  provider.name = "sim";
  provider.dialect = make_dialect(DialectKind::openai);
  provider.endpoint.origin.host = "sim.invalid";
  provider.endpoint.base_path = "/v1";
  settings.providers.push_back(std::move(provider));
  for (std::size_t i = 0; i < keys; ++i) {
    settings.keys.push_back({0, "sim-" + std::to_string(i), Credential(secret(i)), {}, {}});
  }
  return settings;
}

// One server's replies, by the number of the key that asked.
class Network {
 public:
  explicit Network(std::map<std::size_t, SimReply> replies) : replies_(std::move(replies)) {}

  std::vector<KeyCheck> check(std::size_t keys) {
    const Settings settings = settings_with_keys(keys);
    net::io_context context;
    ManualClock clock;
    std::size_t open = 0;
    SimTransport transport(clock, context, [&](const Request& request, TimePoint) {
      heads.push_back(request.head);
      const std::size_t at = request.head.find("secret-of-key-");
      const auto number = static_cast<std::size_t>(std::atoi(request.head.c_str() + at + 14));
      ++open;
      most_open = std::max(most_open, open);
      asked.push_back(number);
      return replies_.count(number) != 0 ? replies_.at(number) : good();
    });
    KeyChecker checker(settings, context, clock, transport);
    checker.start();
    do {  // everything that is open ends before the clock moves on
      while (context.poll() > 0) {
      }
      open = 0;
    } while (!context.stopped() && clock.advance_to_next());
    return checker.results();
  }

  static SimReply good() {
    SimReply reply;
    reply.delay = std::chrono::milliseconds(20);
    reply.chunks = {R"({"object":"list","data":[]})"};
    return reply;
  }
  static SimReply refusal(int status, std::string body) {
    SimReply reply = good();
    reply.status = status;
    reply.chunks = {std::move(body)};
    return reply;
  }

  std::vector<std::string> heads;
  std::vector<std::size_t> asked;
  std::size_t most_open = 0;

 private:
  std::map<std::size_t, SimReply> replies_;
};

TEST(KeyCheck, SaysWhatTheProviderAnswered) {
  SimReply html = Network::good();
  html.fields = {{"content-type", "text/html"}};
  SimReply down;
  down.status = 0;
  down.fault = Fault{FaultKind::connect, 0, "connection refused", {}, {}};
  SimReply rich = Network::good();
  rich.fields.push_back({"x-ratelimit-limit-requests", "500"});
  rich.fields.push_back({"openai-organization", "org-a"});
  Network network(
      {{0, rich},
       {1, Network::refusal(401, R"({"error":{"message":"Incorrect API key provided: secret-of-key-1.",
                                             "code":"invalid_api_key"}})")},
       {2, Network::refusal(403, R"({"error":{"message":"Country not supported"}})")},
       {3, Network::refusal(429, R"({"error":{"message":"Rate limit reached"}})")},
       {4, Network::refusal(429, R"({"error":{"message":"no money","code":"insufficient_quota"}})")},
       {5, down},
       {6, Network::refusal(404, "not here")},
       {7, Network::refusal(503, "")},
       {8, html}});
  const std::vector<KeyCheck> checks = network.check(9);
  const Verdict expected[] = {Verdict::ok,           Verdict::unauthorized, Verdict::forbidden,
                              Verdict::rate_limited, Verdict::no_quota,     Verdict::unreachable,
                              Verdict::unclear,      Verdict::unclear,      Verdict::unclear};
  const int statuses[] = {200, 401, 403, 429, 429, 0, 404, 503, 200};
  ASSERT_EQ(checks.size(), 9u);
  for (std::size_t i = 0; i < checks.size(); ++i) {
    EXPECT_EQ(checks[i].verdict, expected[i]) << i << ": " << name(checks[i].verdict);
    EXPECT_EQ(checks[i].status, statuses[i]) << i;
    EXPECT_EQ(checks[i].message.empty(), i == 0) << i;
    EXPECT_EQ(checks[i].message.find("secret"), std::string::npos) << checks[i].message;
  }
  EXPECT_EQ(checks[0].limits[Dimension::requests_per_minute].limit, 500);
  EXPECT_EQ(checks[0].organization, "org-a");
  EXPECT_EQ(checks[0].latency, std::chrono::milliseconds(20));
  EXPECT_TRUE(usable(checks[3].verdict) && usable(checks[6].verdict));
  EXPECT_FALSE(usable(checks[1].verdict) || usable(checks[4].verdict) || usable(checks[5].verdict));
}

TEST(KeyCheck, AsksOnceWithEachKeyAndNotAllAtOnce) {
  Network network({});
  const std::vector<KeyCheck> checks = network.check(100);
  for (const KeyCheck& check : checks) EXPECT_EQ(check.verdict, Verdict::ok);
  std::sort(network.asked.begin(), network.asked.end());
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(network.asked.at(i), i);
  EXPECT_EQ(network.asked.size(), 100u);
  EXPECT_EQ(network.most_open, KeyChecker::at_once);
  for (const std::string& head : network.heads) EXPECT_EQ(head.rfind("GET /v1/models HTTP/1.1\r\n", 0), 0u);
}

}  // namespace
}  // namespace batchrun
