#include "bench/mockprovider/mock_provider.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "tests/mockprovider/client.h"

namespace batchrun::mock {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

std::string fault(const std::string& name, const std::string& more = "") {
  return R"({"answer": {"tokens": 10}, "faults": [{"fault": ")" + name + "\"" + more + "}]}";
}

// A started provider.
struct Running : MockProvider {
  explicit Running(const std::string& scenario = "{}") : MockProvider(parse_scenario(scenario)) { start(); }
};

// Waits, at most 5 s, until the counters say so: the provider learns of an end after the client.
template <class Says>
Counters counters_when(const MockProvider& provider, Says says) {
  for (int i = 0; i < 500; ++i) {
    const Counters c = provider.counters();
    if (says(c)) return c;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "the counters never said so";
  return provider.counters();
}

TEST(MockProvider, AnswersOnOneConnectionAgainAndAgain) {
  Running provider;
  Client client(provider.port());
  for (int i = 0; i < 20; ++i) {
    client.ask("[[row-" + std::to_string(i) + "]] please", i % 2 == 1);
    const std::string reply = client.read_reply();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
    EXPECT_TRUE(has(body_of(reply), "row-" + std::to_string(i)));
  }
  const Counters c = provider.counters();
  EXPECT_EQ(c.connections, 1u);
  EXPECT_EQ(c.total.completed, 20u);
  EXPECT_EQ(c.streamed, 10u);
  EXPECT_EQ(provider.execution("row-3").completed, 1u);
}

TEST(MockProvider, ServesManyClientsAtOnce) {
  Running provider(R"({"latency": {"first_chunk_ms": 200}})");
  std::vector<std::unique_ptr<Client>> clients;
  const auto start = Clock::now();
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<Client>(provider.port()));
    clients.back()->ask("[[c" + std::to_string(i) + "]]");
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(
        has(clients[static_cast<std::size_t>(i)]->read_reply(), "\"content\":\"c" + std::to_string(i)));
  }
  EXPECT_GE(ms_since(start), 200);
  EXPECT_LT(ms_since(start), 10'000) << "answers are given at once, not one after the other";
  EXPECT_EQ(provider.counters().most_open_connections, 100u);
}

TEST(MockProvider, RequestsAreAnsweredWhenTheyHaveArrived) {
  Running provider(R"({"latency": {"arrival_ms": 40}})");
  Client client(provider.port());
  const auto start = Clock::now();
  client.ask("[[one]]");
  client.ask("[[two]]");
  EXPECT_TRUE(has(body_of(client.read_reply()), "\"content\":\"one"));
  EXPECT_GE(ms_since(start), 40);
  EXPECT_TRUE(has(body_of(client.read_reply()), "\"content\":\"two")) << "what came meanwhile is not lost";
  EXPECT_GE(ms_since(start), 80);
}

TEST(MockProvider, ARequestWhoseClientLeavesOnTheWayNeverArrives) {
  Running provider(R"({"latency": {"arrival_ms": 60000}})");
  { Client(provider.port()).ask("[[one]]"); }
  const Counters c = counters_when(
      provider, [](const Counters& now) { return now.connections == 1 && now.open_connections == 0; });
  EXPECT_EQ(c.total.requests, 0u);
  EXPECT_EQ(c.aborted, 0u);
}

TEST(MockProvider, RequestsMayComeInAnyPieces) {
  Running provider;
  Client client(provider.port());
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":"[[slow]]"}]})";
  const std::string text =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  for (char c : text) client.send({&c, 1});
  EXPECT_TRUE(has(client.read_reply(), "slow"));
  std::string last = text;
  last.replace(last.find("slow"), 4, "last");
  client.send(text + last);
  const std::string both = client.read_past("\"last", 0);
  EXPECT_NE(both.find("HTTP/1.1 200 OK"), both.rfind("HTTP/1.1 200 OK"))
      << "two requests in one packet, two answers";
}

TEST(MockProvider, LargeRequestsAreReadToTheirEnd) {
  for (const char* scenario : {"{}", R"({"tls": {"enabled": true}})"}) {
    Running provider(scenario);
    Client client(provider.port(), provider.certificate_pem());
    client.ask("[[large]]" + std::string(5 << 20, 'x'));
    EXPECT_TRUE(has(client.read_reply(), "\"content\":\"large"));
    client.ask("[[next]]");
    EXPECT_TRUE(has(client.read_reply(), "\"content\":\"next"));
  }
}

TEST(MockProvider, ContinuesWhenAsked) {
  Running provider;
  Client client(provider.port());
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":"x"}]})";
  client.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nExpect: 100-continue\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(client.read_past("\r\n\r\n", 50), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(body);
  EXPECT_TRUE(client.read_reply().starts_with("HTTP/1.1 200 OK"));
}

TEST(MockProvider, BadHttpGetsAnAnswerAndTheDoor) {
  Running provider;
  Client client(provider.port());
  client.send("GARBAGE\r\n\r\n");
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(client.ended(), Ended::closed);
  EXPECT_EQ(provider.counters().malformed_http, 1u);
}

TEST(MockProvider, ConnectionsEndAsTheirFaultsSay) {
  const struct {
    const char* name;
    Ended ended;
    bool nothing_came;
  } cases[] = {{"reset_on_accept", Ended::reset, true},     {"close_on_accept", Ended::closed, true},
               {"reset_before_head", Ended::reset, true},   {"close_before_head", Ended::closed, true},
               {"reset_in_head", Ended::reset, false},      {"reset_in_body", Ended::reset, false},
               {"truncated_chunked", Ended::closed, false}, {"bad_chunk_size", Ended::closed, false},
               {"http10_close", Ended::closed, false},      {"keepalive_close", Ended::closed, false}};
  for (const bool stream : {false, true}) {
    for (const auto& c : cases) {
      Running provider(fault(c.name));
      Client client(provider.port());
      client.ask("x", stream);
      const std::string reply = client.read_all();
      // A reset may overtake the bytes before it.
      if (c.ended == Ended::closed || c.nothing_came) {
        EXPECT_EQ(reply.empty(), c.nothing_came) << c.name;
      }
      // What was sent to a socket closed at once is answered with RST.
      const bool either = std::string_view(c.name) == "close_on_accept";
      EXPECT_TRUE(client.ended() == c.ended || (either && client.ended() == Ended::reset)) << c.name;
      EXPECT_EQ(provider.counters().total.faults.at(c.name), 1u);
    }
  }
}

TEST(MockProvider, SilenceLastsUntilTheClientLeaves) {
  const struct {
    const char* name;
    const char* awaited;
  } cases[] = {{"stall_on_accept", ""},
               {"stall_before_head", ""},
               {"stall_before_first_chunk", "HTTP/1.1 200 OK"},
               {"stall_mid_stream", "data: "}};
  for (const auto& c : cases) {
    Running provider(fault(c.name));
    {
      Client client(provider.port());
      client.ask("x", true);
      const std::string came = client.read_past(c.awaited, 100);
      EXPECT_EQ(client.ended(), Ended::timeout) << c.name;
      EXPECT_EQ(came.empty(), std::string_view(c.awaited).empty()) << c.name;
      EXPECT_TRUE(has(came, c.awaited)) << c.name;
      EXPECT_EQ(has(came, "data: "), std::string_view(c.name) == "stall_mid_stream");
      EXPECT_FALSE(has(came, "[DONE]"));
    }
    const Counters after = counters_when(provider, [](const Counters& n) { return n.open_connections == 0; });
    EXPECT_EQ(after.total.open, 0u) << c.name;
    EXPECT_EQ(after.total.completed, 0u) << c.name;
  }
}

TEST(MockProvider, AStallCanEnd) {
  Running provider(fault("stall_before_head", ", \"seconds\": 0.15"));
  Client client(provider.port());
  const auto start = Clock::now();
  client.ask("x");
  EXPECT_TRUE(client.read_reply().starts_with("HTTP/1.1 200 OK"));
  EXPECT_GE(ms_since(start), 149);
  EXPECT_EQ(provider.counters().total.completed, 1u);
}

TEST(MockProvider, DoneMayKeepTheConnectionOpen) {
  Running provider(fault("done_keeps_open"));
  Client client(provider.port());
  client.ask("x", true);
  EXPECT_TRUE(client.read_past("[DONE]", 100).ends_with("data: [DONE]\n\n\r\n"));
  EXPECT_EQ(client.ended(), Ended::timeout);
  EXPECT_EQ(provider.counters().total.completed, 1u);
}

TEST(MockProvider, SlicesAndDripsCarryTheSameBytes) {
  Running whole(R"({"answer": {"tokens": 5}})");
  Client reference(whole.port());
  reference.ask("x");
  const std::size_t size = reference.read_reply().size();
  Running sliced(R"({"answer": {"tokens": 5}, "faults": [{"fault": "slice"}]})");
  Client client(sliced.port());
  client.ask("x");
  EXPECT_EQ(client.read_reply().size(), size);
  client.ask("x", true);
  EXPECT_TRUE(has(client.read_reply(), "[DONE]"));
  Running dripping(fault("drip", ", \"interval_ms\": 20"));
  Client slow(dripping.port());
  const auto start = Clock::now();
  slow.ask("x");
  const std::size_t came = slow.read_past("HTTP", 0).size();
  EXPECT_GE(ms_since(start), 20.0 * static_cast<double>(came - 1)) << "a byte, and 20 ms later the next";
}

TEST(MockProvider, ChunksKeepTheirPace) {
  Running provider(
      R"({"answer": {"tokens": 4}, "latency": {"first_chunk_ms": 40, "between_chunks_ms": 20}})");
  Client client(provider.port());
  auto start = Clock::now();
  client.ask("x", true);
  EXPECT_TRUE(has(client.read_reply(), "[DONE]"));
  EXPECT_GE(ms_since(start), 100) << "40 ms, and 20 ms between each of four";
  start = Clock::now();
  client.ask("x");
  client.read_reply();
  EXPECT_GE(ms_since(start), 100) << "a plain answer takes as long";
}

TEST(MockProvider, AClientThatLeavesIsNoticed) {
  Running provider(R"({"latency": {"first_chunk_ms": 60000}, "limits": {"concurrency": 1}})");
  {
    Client client(provider.port());
    client.ask("[[gone]]");
    counters_when(provider, [](const Counters& c) { return c.total.open == 1; });
  }
  const Counters c = counters_when(provider, [](const Counters& n) { return n.total.open == 0; });
  EXPECT_EQ(c.aborted, 1u);
  EXPECT_EQ(provider.execution("gone").admitted, 1u);
  EXPECT_EQ(provider.execution("gone").completed, 0u);
}

TEST(MockProvider, StopRefusesAndStartServesAgainOnThePort) {
  Running provider(R"({"limits": {"rpm": 2}})");
  const std::uint16_t port = provider.port();
  Client before(port);
  before.ask("x");
  EXPECT_TRUE(before.read_reply().starts_with("HTTP/1.1 200"));
  provider.stop();
  EXPECT_EQ(before.read_all(), "");
  EXPECT_FALSE(Client(port).connected());
  EXPECT_EQ(provider.counters().total.completed, 1u);
  provider.start();
  Client after(port);
  after.ask("x");
  EXPECT_TRUE(after.read_reply().starts_with("HTTP/1.1 200"));
  after.ask("x");
  EXPECT_TRUE(after.read_reply().starts_with("HTTP/1.1 429")) << "limits outlive the stop";
}

TEST(MockProvider, SpeaksTls) {
  for (const char* close_notify : {"true", "false"}) {
    Running provider(std::string(R"({"tls": {"enabled": true, "close_notify": )") + close_notify + "}}");
    EXPECT_TRUE(provider.url().starts_with("https://127.0.0.1:"));
    for (const char* host : {"127.0.0.1", "localhost"}) {
      Client client(provider.port(), provider.certificate_pem(), host);
      ASSERT_TRUE(client.connected()) << client.tls_problem();
      for (int i = 0; i < 3; ++i) {
        client.ask("[[tls]]", i == 2);
        EXPECT_TRUE(has(client.read_reply(), "tls"));
      }
    }
    EXPECT_EQ(provider.execution("tls").completed, 6u);
  }
}

TEST(MockProvider, TlsFaultsAreReal) {
  const struct {
    const char* scenario;
    const char* problem;
  } cases[] = {
      {R"({"tls": {"enabled": true, "certificate": "wrong_host"}})", "IP address mismatch"},
      {R"({"tls": {"enabled": true, "certificate": "expired"}})", "expired"},
      {R"({"tls": {"enabled": true, "certificate": "not_yet_valid"}})", "not yet valid"},
      {R"({"tls": {"enabled": true, "only_old_versions": true}})", "ok"},
      {R"({"tls": {"enabled": true}, "faults": [{"fault": "reset_on_accept"}]})", "ok"},
  };
  for (const auto& c : cases) {
    Running provider(c.scenario);
    Client client(provider.port(), provider.certificate_pem());
    EXPECT_FALSE(client.connected()) << c.scenario;
    EXPECT_TRUE(has(client.tls_problem(), c.problem)) << client.tls_problem();
    EXPECT_EQ(provider.counters().total.requests, 0u);
  }
}

TEST(MockProvider, AHandshakeMayFindOnlySilence) {
  Running provider(R"({"tls": {"enabled": true}, "faults": [{"fault": "stall_on_accept"}]})");
  Client client(provider.port());
  client.send("\x16\x03\x01");
  EXPECT_EQ(client.read_past("", 100), "");
  EXPECT_EQ(client.ended(), Ended::timeout);
}

TEST(MockProvider, TlsRepliesCanBeResetAndSliced) {
  Running provider(R"({"tls": {"enabled": true},
                       "faults": [{"fault": "slice", "requests": [1]}, {"fault": "reset_in_body", "requests": [1]}]})");
  Client client(provider.port(), provider.certificate_pem());
  client.ask("x");
  EXPECT_TRUE(client.read_reply().starts_with("HTTP/1.1 200"));
  client.ask("x");
  client.read_all();
  EXPECT_EQ(client.ended(), Ended::reset);
}

TEST(MockProvider, APortInUseIsAnError) {
  Running provider;
  EXPECT_THROW(MockProvider(Scenario{}, provider.port()), std::system_error);
}

}  // namespace
}  // namespace batchrun::mock
