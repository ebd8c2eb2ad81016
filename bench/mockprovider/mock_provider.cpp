#include "bench/mockprovider/mock_provider.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include "bench/mockprovider/connection.h"
#include "bench/mockprovider/event_loop.h"
#include "bench/mockprovider/provider.h"
#include "bench/mockprovider/tls_context.h"

namespace batchrun::mock {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listen_on(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd, 4096) != 0) {
    const int error = errno;
    close(fd);
    errno = error;
    fail(fmt::format("cannot listen on 127.0.0.1:{}", port));
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  return ntohs(address.sin_port);
}

}  // namespace

struct MockProvider::Server final : Watcher {
  Server(const Scenario& scenario, std::uint16_t wanted_port)
      : provider(scenario), close_notify(scenario.tls.close_notify) {
    if (scenario.tls.enabled) context = make_tls_context(scenario.tls, certificate);
    listener = listen_on(wanted_port);
    port = port_of(listener);
  }
  ~Server() override {
    if (listener >= 0) close(listener);
  }

  void on_ready(bool) override { accept_all(); }
  void on_timer() override { accept_all(); }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        connections.push_back(
            std::make_unique<Connection>(Socket(fd, context.get()), loop, provider, close_notify));
      } else if (errno == EMFILE || errno == ENFILE) {
        // No edge will tell when a descriptor is free again.
        return loop.set_timer(listener_id, loop.now().since_start + std::chrono::milliseconds(20));
      } else if (errno != EINTR && errno != ECONNABORTED) {
        return;
      }
    }
  }

  // Deletes what has ended, when it has become a good part of all: the cost stays constant per connection.
  void bury() {
    const std::size_t ended = connections.size() - provider.open_connections();
    if (ended < 16 + connections.size() / 8) return;
    std::erase_if(connections, [](const auto& c) { return c->over(); });
  }

  void run() {
    // OpenSSL writes without MSG_NOSIGNAL; a client that is gone must not end the process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    listener_id = loop.add(listener, *this);
    loop.run([this] { bury(); });
    loop.remove(listener_id);
    connections.clear();
    close(listener);
    listener = -1;
  }

  // Runs `question` where the provider may be read.
  template <class F>
  auto ask(F question) -> decltype(question()) {
    if (!thread.joinable()) return question();
    std::promise<decltype(question())> answer;
    loop.post([&] { answer.set_value(question()); });
    return answer.get_future().get();
  }

  EventLoop loop;
  Provider provider;
  TlsContext context;
  std::string certificate;
  bool close_notify;
  int listener = -1;
  std::uint16_t port = 0;
  EventLoop::Id listener_id = 0;
  std::vector<std::unique_ptr<Connection>> connections;
  std::thread thread;
};

MockProvider::MockProvider(const Scenario& scenario, std::uint16_t port)
    : server_(std::make_unique<Server>(scenario, port)) {}

MockProvider::~MockProvider() {
  stop();
}

void MockProvider::start() {
  if (server_->thread.joinable()) return;
  if (server_->listener < 0) server_->listener = listen_on(server_->port);
  server_->thread = std::thread([s = server_.get()] { s->run(); });
}

void MockProvider::stop() {
  if (!server_->thread.joinable()) return;
  server_->loop.quit();
  server_->thread.join();
}

std::uint16_t MockProvider::port() const {
  return server_->port;
}

std::string MockProvider::url() const {
  return fmt::format("{}://127.0.0.1:{}", server_->context ? "https" : "http", server_->port);
}

const std::string& MockProvider::certificate_pem() const {
  return server_->certificate;
}

Counters MockProvider::counters() const {
  return server_->ask([s = server_.get()] { return s->provider.counters(s->loop.now()); });
}

Execution MockProvider::execution(std::string_view marker) const {
  return server_->ask(
      [&, s = server_.get()] { return s->provider.executions().of(execution_id_of_marker(marker)); });
}

std::string MockProvider::executions_json(std::uint32_t least) const {
  return server_->ask([&, s = server_.get()] { return s->provider.executions().to_json(least, false); });
}

}  // namespace batchrun::mock
