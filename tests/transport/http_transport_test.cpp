// The real transport against a server that obeys a script: what comes whole, what breaks, and where.
#include "io/http_transport.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/scripted_server.h"
#include "tests/transport/scripted_system.h"

namespace batchrun {
namespace {

using std::chrono::milliseconds;

// Keeps what comes; finished from `finished_at` on and done at `done_at`, if they are set.
class Keeper final : public ResponseSink {
 public:
  Flow on_head(ResponseHead head) override {
    status = head.status;
    location = head.field("location");
    return Flow::awaiting;
  }
  Flow on_body(std::string_view octets) override {
    body += octets;
    if (!done_at.empty() && body.find(done_at) != std::string::npos) return Flow::done;
    const bool finished = !finished_at.empty() && body.find(finished_at) != std::string::npos;
    return finished ? Flow::finished : Flow::committed;
  }
  int status = 0;
  std::string location, body, finished_at, done_at;
};

const std::string ok_reply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

struct Client {
  explicit Client(const ScriptedServer& server, std::string host = "127.0.0.1") {
    origin.tls = !server.ca_file().empty();
    origin.host = std::move(host);
    origin.port = server.port();
    origin.ca_file = server.ca_file();
    // Long enough for any machine: what a test is not about must not end it.
    deadlines.connect = deadlines.tls = deadlines.total = milliseconds(60'000);
    deadlines.first_chunk = deadlines.idle = milliseconds(60'000);
  }

  // One exchange, to its end.
  Ending ask(Keeper& keeper, const std::string& body = "{}") {
    Request request;
    request.origin = &origin;
    request.head =
        "POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    request.body = body;
    Ending ending;
    bool over = false;
    net::co_spawn(context, transport->perform(request, keeper, deadlines),
                  [&](const std::exception_ptr& broken, Ending e) {
                    EXPECT_EQ(broken, nullptr);
                    ending = std::move(e);
                    over = true;
                  });
    context.restart();
    while (!over && context.run_one() > 0) {
    }
    EXPECT_TRUE(over);
    return ending;
  }

  net::io_context context;
  std::unique_ptr<Transport> transport = make_http_transport(context);
  Origin origin;
  Deadlines deadlines;
};

// The fault of one exchange with a server that answers the first request so and then returns.
std::optional<Fault> fault_after(const std::string& reply, bool reset = false) {
  ScriptedServer server([&](Peer& peer) {
    if (peer.read_request().empty()) return;
    peer.send(reply);
    if (reset) peer.reset();
  });
  Client client(server);
  Keeper keeper;
  return client.ask(keeper).fault;
}

TEST(HttpTransport, UsesAConnectionAgain) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.read_request().empty()) peer.send(ok_reply);
  });
  Client client(server);
  for (int i = 0; i < 3; ++i) {
    Keeper keeper;
    const Ending ending = client.ask(keeper);
    EXPECT_FALSE(ending.fault);
    EXPECT_TRUE(ending.request_sent);
    EXPECT_GT(ending.first_chunk, Duration::zero());
    EXPECT_EQ(keeper.body, "hello");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTransport, ReadsAReplyThatComesByteByByte) {
  const std::string reply =
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
  ScriptedServer server([&](Peer& peer) {
    while (!peer.read_request().empty()) {
      for (const char octet : reply) peer.send({&octet, 1});
    }
  });
  Client client(server);
  for (int i = 0; i < 2; ++i) {
    Keeper keeper;
    EXPECT_FALSE(client.ask(keeper).fault);
    EXPECT_EQ(keeper.status, 200);
    EXPECT_EQ(keeper.body, "hello");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTransport, SendsALargeBodyWhole) {
  std::string seen;
  ScriptedServer server([&](Peer& peer) {
    seen = peer.read_request();
    peer.send(ok_reply);
  });
  Client client(server);
  Keeper keeper;
  const std::string body(8u << 20, 'b');
  EXPECT_FALSE(client.ask(keeper, body).fault);
  EXPECT_EQ(seen.substr(seen.find("\r\n\r\n") + 4), body);
}

TEST(HttpTransport, TriesAgainForFreeWhenAKeptConnectionWasClosed) {
  ScriptedServer server([](Peer& peer) {
    if (peer.read_request().empty()) return;
    peer.send(ok_reply);
    if (peer.number == 0) return;  // hangs up without saying so
    while (!peer.read_request().empty()) peer.send(ok_reply);
  });
  Client client(server);
  for (int i = 0; i < 3; ++i) {
    Keeper keeper;
    EXPECT_FALSE(client.ask(keeper).fault) << i;
    EXPECT_EQ(keeper.body, "hello");
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpTransport, KeepsAConnectionWhoseChunkedEndComesLate) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.read_request().empty()) {
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n[DONE]\r\n");
      std::this_thread::sleep_for(milliseconds(20));
      peer.send("0\r\n\r\n");
    }
  });
  Client client(server);
  for (int i = 0; i < 3; ++i) {
    Keeper keeper;
    keeper.done_at = "[DONE]";
    EXPECT_FALSE(client.ask(keeper).fault);
    std::this_thread::sleep_for(milliseconds(60));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTransport, DropsAConnectionThatSendsMoreThanItsReply) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.read_request().empty()) {
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n[DONE]\r\n");
      std::this_thread::sleep_for(milliseconds(20));
      peer.send("4\r\nmore\r\n0\r\n\r\n");
    }
  });
  Client client(server);
  for (int i = 0; i < 2; ++i) {
    Keeper keeper;
    keeper.done_at = "[DONE]";
    EXPECT_FALSE(client.ask(keeper).fault);
    EXPECT_EQ(keeper.body, "[DONE]");
    std::this_thread::sleep_for(milliseconds(60));
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpTransport, HandsARedirectOnAndFollowsNothing) {
  ScriptedServer elsewhere([](Peer& peer) { peer.read_request(); });
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:" +
              std::to_string(elsewhere.port()) + "/x\r\nContent-Length: 0\r\n\r\n");
  });
  Client client(server);
  Keeper keeper;
  EXPECT_FALSE(client.ask(keeper).fault);
  EXPECT_EQ(keeper.status, 307);
  EXPECT_NE(keeper.location, "");
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST(HttpTransport, ReadsABodyThatEndsWithTheConnection) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.0 200 OK\r\n\r\nhello");
  });
  Client client(server);
  Keeper keeper;
  EXPECT_FALSE(client.ask(keeper).fault);
  EXPECT_EQ(keeper.body, "hello");
}

TEST(HttpTransport, NamesWhatBroke) {
  struct Case {
    const char* what;
    std::string reply;
    FaultKind kind;
  };
  const std::string head = "HTTP/1.1 200 OK\r\n";
  std::string many_fields = head;
  for (int i = 0; i < 150; ++i) many_fields += "f" + std::to_string(i) + ": v\r\n";
  std::string interim;
  for (int i = 0; i < 8; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  const Case cases[] = {
      {"nothing", "", FaultKind::truncated_reply},
      {"half a head", "HTTP/1.1 200 OK\r\nContent-", FaultKind::truncated_reply},
      {"a body cut short", head + "Content-Length: 50\r\n\r\nhel", FaultKind::truncated_reply},
      {"chunks cut short", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
       FaultKind::truncated_reply},
      {"a bad chunk size", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
       FaultKind::malformed_reply},
      {"a huge chunk size", head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nx",
       FaultKind::malformed_reply},
      {"two lengths", head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
       FaultKind::malformed_reply},
      {"both framings", head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
       FaultKind::malformed_reply},
      {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", FaultKind::malformed_reply},
      {"too many fields", many_fields + "\r\n", FaultKind::malformed_reply},
      {"a header over the limit", head + "x: " + std::string(40'000, 'x') + "\r\n\r\n",
       FaultKind::malformed_reply},
      {"a chunk line without end", head + "Transfer-Encoding: chunked\r\n\r\n5;" + std::string(200'000, 'x'),
       FaultKind::malformed_reply},
      {"interim replies without end", interim, FaultKind::malformed_reply},
  };
  for (const Case& c : cases) {
    const auto fault = fault_after(c.reply);
    ASSERT_TRUE(fault) << c.what;
    EXPECT_EQ(name(fault->kind), name(c.kind)) << c.what << ": " << fault->message;
    EXPECT_NE(fault->message, "") << c.what;
  }
  const auto reset_at_once = fault_after("", true);  // it was sent: the provider may have counted it
  ASSERT_TRUE(reset_at_once);
  EXPECT_EQ(name(reset_at_once->kind), name(FaultKind::truncated_reply));
  const auto reset = fault_after(head + "Content-Length: 50\r\n\r\nhel", true);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->kind, FaultKind::truncated_reply);
}

TEST(HttpTransport, SaysThatNothingWasSentWhenItCannotConnect) {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone([](Peer&) {});
    port = gone.port();
  }
  const ScriptedServer other([](Peer&) {});
  Client client(other);
  client.origin.port = port;
  Keeper keeper;
  const Ending ending = client.ask(keeper);
  ASSERT_TRUE(ending.fault);
  EXPECT_EQ(ending.fault->kind, FaultKind::connect);
  EXPECT_FALSE(ending.request_sent);
}

// Takes connections into a queue that is full: who connects hears nothing.
class SilentPort {
 public:
  SilentPort(const char* address, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, address, &to.sin_addr);
    for (int& socket : sockets_) socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const auto* const where = reinterpret_cast<const sockaddr*>(&to);
    EXPECT_EQ(bind(sockets_[0], where, sizeof to), 0);
    EXPECT_EQ(listen(sockets_[0], 0), 0);
    for (std::size_t i = 1; i < sockets_.size(); ++i) connect(sockets_[i], where, sizeof to);
  }
  ~SilentPort() {
    for (const int socket : sockets_) close(socket);
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

 private:
  std::array<int, 4> sockets_{};
};

const std::string last_reply =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

TEST(HttpTransport, TriesTheAddressesOfANameInTurnAndRemembersTheOneThatAnswered) {
  ScriptedServer server([](Peer& peer) {
    if (!peer.read_request().empty()) peer.send(last_reply);
  });
  ScriptedSystem system;
  const SilentPort silent("127.0.0.2", server.port());
  using Addresses = std::vector<std::string>;
  const std::pair<const char*, Addresses> names[] = {{"refused.test", {"::1", "127.0.0.1"}},
                                                     {"silent.test", {"127.0.0.2", "127.0.0.1"}}};
  for (const auto& [name, addresses] : names) {
    system.name(name, addresses);
    Client client(server, name);
    client.deadlines.connect = milliseconds(2000);
    for (const Addresses& tried : {addresses, Addresses{"127.0.0.1"}}) {
      system.take_tried();
      Keeper keeper;
      const Ending ending = client.ask(keeper);
      EXPECT_FALSE(ending.fault) << name << ": " << ending.fault->message;
      EXPECT_EQ(keeper.body, "hello");
      EXPECT_EQ(system.take_tried(), tried) << name;
    }
  }
}

TEST(HttpTransport, WaitsForASlowNameServerNoLongerThanForAConnectionAndAsksItOnce) {
  ScriptedServer server([](Peer& peer) {
    if (!peer.read_request().empty()) peer.send(last_reply);
  });
  ScriptedSystem system;
  system.name("slow.test", {"127.0.0.1"});
  system.hold_answers(true);
  Client client(server, "slow.test");
  client.deadlines.connect = milliseconds(100);
  for (int i = 0; i < 3; ++i) {
    Keeper keeper;
    const Ending ending = client.ask(keeper);
    ASSERT_TRUE(ending.fault);
    EXPECT_EQ(ending.fault->kind, FaultKind::connect);
    EXPECT_EQ(ending.fault->message, "cannot resolve slow.test");
    EXPECT_FALSE(ending.request_sent);
    EXPECT_EQ(system.times_asked(), 1);
  }
  client.origin.host = "127.0.0.1";
  Keeper beside;
  EXPECT_FALSE(client.ask(beside).fault) << "nobody else waits for it";
  client.origin.host = "slow.test";
  client.deadlines.connect = milliseconds(60'000);
  system.hold_answers(false);
  for (int i = 0; i < 3; ++i) {
    Keeper keeper;
    EXPECT_FALSE(client.ask(keeper).fault);
  }
  EXPECT_EQ(system.times_asked(), 1) << "the answer came late, and is kept";
}

TEST(HttpTransport, ANameServerThatFailsForNowIsAskedAgain) {
  ScriptedServer server([](Peer& peer) {
    if (!peer.read_request().empty()) peer.send(last_reply);
  });
  ScriptedSystem system;
  system.name("later.test", {});
  Client client(server, "later.test");
  Keeper keeper;
  const Ending ending = client.ask(keeper);
  ASSERT_TRUE(ending.fault);
  EXPECT_EQ(ending.fault->kind, FaultKind::connect);
  EXPECT_FALSE(ending.request_sent);
  system.name("later.test", {"127.0.0.1"});
  EXPECT_FALSE(client.ask(keeper).fault);
}

TEST(HttpTransport, SendsNothingWhileNoPortIsLeft) {
  ScriptedServer server([](Peer& peer) {
    if (!peer.read_request().empty()) peer.send(ok_reply);
  });
  ScriptedSystem system;
  Client client(server);
  system.use_up_ports(1);
  Keeper keeper;
  const Ending ending = client.ask(keeper);
  ASSERT_TRUE(ending.fault);
  EXPECT_EQ(ending.fault->kind, FaultKind::connect);
  EXPECT_NE(ending.fault->message.find("Cannot assign requested address"), std::string::npos);
  EXPECT_FALSE(ending.request_sent);
  EXPECT_FALSE(client.ask(keeper).fault) << "a port is free again";
}

TEST(HttpTransport, GivesUpOnSilenceInEachPhase) {
  {
    ScriptedServer server([](Peer& peer) { peer.wait_for_hangup(); });
    Client client(server);
    client.deadlines.first_chunk = milliseconds(200);
    Keeper keeper;
    const Ending ending = client.ask(keeper);
    ASSERT_TRUE(ending.fault);
    EXPECT_EQ(ending.fault->kind, FaultKind::timeout_first_chunk);
  }
  {
    ScriptedServer server([](Peer& peer) {
      peer.read_request();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel");
      peer.wait_for_hangup();
    });
    Client client(server);
    client.deadlines.idle = milliseconds(200);
    Keeper keeper;
    const Ending ending = client.ask(keeper);
    ASSERT_TRUE(ending.fault);
    EXPECT_EQ(ending.fault->kind, FaultKind::timeout_idle);
  }
  {
    ScriptedServer server([](Peer& peer) {  // a byte now and then would go on for ever
      peer.read_request();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
      for (int i = 0; i < 60; ++i) {
        peer.send("x");
        std::this_thread::sleep_for(milliseconds(30));
      }
    });
    Client client(server);
    client.deadlines.total = milliseconds(500);
    Keeper keeper;
    const Ending ending = client.ask(keeper);
    ASSERT_TRUE(ending.fault);
    EXPECT_EQ(ending.fault->kind, FaultKind::timeout_idle);
    EXPECT_LT(keeper.body.size(), 60u);
  }
}

TEST(HttpTransport, SpeaksTlsAndKeepsTheConnection) {
  ScriptedServer server(
      [](Peer& peer) {
        while (!peer.read_request().empty()) peer.send(ok_reply);
      },
      TestCertificate{});
  Client client(server);
  for (const std::size_t size : {2u, 300'000u, 2u}) {
    Keeper keeper;
    const Ending ending = client.ask(keeper, std::string(size, 'b'));
    EXPECT_FALSE(ending.fault) << ending.fault->message;
    EXPECT_EQ(keeper.body, "hello");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTransport, ManyConnectionsShakeHandsInTurn) {
  ScriptedServer server(
      [](Peer& peer) {
        while (!peer.read_request().empty()) peer.send(ok_reply);
      },
      TestCertificate{});
  Client client(server);
  Request request;
  request.origin = &client.origin;
  request.head = "POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n";
  constexpr std::size_t many = 60;
  std::vector<Keeper> keepers(many);
  std::size_t good = 0, over = 0;
  for (Keeper& keeper : keepers) {
    net::co_spawn(client.context, client.transport->perform(request, keeper, client.deadlines),
                  [&](const std::exception_ptr&, const Ending& ending) {
                    good += !ending.fault;
                    ++over;
                  });
  }
  while (over < many && client.context.run_one() > 0) {
  }
  EXPECT_EQ(good, many);
}

TEST(HttpTransport, RefusesACertificateItCannotTrust) {
  struct Case {
    const char* what;
    TestCertificate certificate;
    bool trusted;
    const char* says;
  };
  const Case cases[] = {
      {"expired", {"127.0.0.1", -3, -2, 0}, true, "expired"},
      {"not yet valid", {"127.0.0.1", 2, 3, 0}, true, "not yet valid"},
      {"another host", {"other.test", -1, 1, 0}, true, "mismatch"},
      {"unknown signer", {}, false, "certificate"},
      {"old TLS", {"127.0.0.1", -1, 1, TLS1_1_VERSION}, true, ""},
  };
  for (const Case& c : cases) {
    std::string seen;
    ScriptedServer server([&](Peer& peer) { seen = peer.read_request(); }, c.certificate);
    Client client(server);
    if (!c.trusted) client.origin.ca_file = "";
    Keeper keeper;
    const Ending ending = client.ask(keeper);
    ASSERT_TRUE(ending.fault) << c.what;
    EXPECT_EQ(ending.fault->kind, FaultKind::tls) << c.what;
    EXPECT_NE(ending.fault->message.find(c.says), std::string::npos)
        << c.what << ": " << ending.fault->message;
    EXPECT_FALSE(ending.request_sent);
    EXPECT_EQ(seen, "") << c.what;
  }
}

TEST(HttpTransport, AbortEndsWhatIsInProgress) {
  ScriptedServer server([](Peer& peer) { peer.wait_for_hangup(); });
  Client client(server);
  Transport& transport = *client.transport;
  net::post(client.context, [&] {
    net::post(client.context, [&] { net::post(client.context, [&] { transport.abort(); }); });
  });
  Keeper keeper;
  const Ending ending = client.ask(keeper);
  ASSERT_TRUE(ending.fault);
  EXPECT_EQ(ending.fault->kind, FaultKind::cancelled);
}

TEST(HttpTransport, WaitsShortlyForWhatMayFollowAFinishedAnswer) {
  ScriptedServer server([](Peer& peer) {
    for (std::string sent = peer.read_request(); !sent.empty(); sent = peer.read_request()) {
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nstop\r\n");
      if (peer.number == 0) {  // signs of life, and never an end
        for (int i = 0; i < 20; ++i) {
          std::this_thread::sleep_for(milliseconds(100));
          peer.send("1\r\n:\r\n");
        }
        peer.wait_for_hangup();
        return;
      }
      peer.send("5\r\nusage\r\n0\r\n\r\n");
    }
  });
  Client client(server);
  client.deadlines.trailing = milliseconds(300);
  for (int i = 0; i < 3; ++i) {
    Keeper keeper;
    keeper.finished_at = "stop";
    const Ending ending = client.ask(keeper);
    EXPECT_FALSE(ending.fault) << ending.fault->message;
    EXPECT_GT(ending.first_chunk, Duration::zero());
    if (i == 0) {
      EXPECT_LT(keeper.body.size(), 20u) << "what is held open is left";
    } else {
      EXPECT_EQ(keeper.body, "stopusage");
    }
  }
  EXPECT_EQ(server.connections(), 2) << "one to leave, one that is kept";
}

TEST(HttpTransport, AFinishedAnswerThatGoesOnIsWaitedForAsBefore) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstop");
    peer.send("+");
    std::this_thread::sleep_for(milliseconds(600));
    peer.send("later");
  });
  Client client(server);
  client.deadlines.trailing = milliseconds(100);
  // Finished, and then another choice begins.
  class Changing final : public ResponseSink {
   public:
    Flow on_head(ResponseHead) override { return Flow::awaiting; }
    Flow on_body(std::string_view octets) override {
      body += octets;
      return body == "stop" ? Flow::finished : Flow::committed;
    }
    std::string body;
  } sink;
  Request request;
  request.origin = &client.origin;
  request.head = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
  bool over = false;
  Ending ending;
  net::co_spawn(client.context, client.transport->perform(request, sink, client.deadlines),
                [&](const std::exception_ptr&, Ending e) {
                  ending = std::move(e);
                  over = true;
                });
  while (!over && client.context.run_one() > 0) {
  }
  EXPECT_FALSE(ending.fault);
  EXPECT_EQ(sink.body, "stop+later");
}

}  // namespace
}  // namespace batchrun
