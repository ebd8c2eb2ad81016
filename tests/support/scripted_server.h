// A server that does what a script says, byte for byte, well or badly. Plain sockets, one thread for each
// connection; none of the code it is there to test.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace batchrun {

// One accepted connection, in the hands of the script.
class Peer {
 public:
  // Head and body of the next request; "" when the client has hung up.
  std::string read_request();
  void send(std::string_view octets);
  void reset();  // RST instead of FIN when the script returns
  // Waits until the client hangs up or the server stops.
  void wait_for_hangup();
  int number = 0;  // of the connection, from 0

 private:
  friend class ScriptedServer;
  std::size_t receive(char* into, std::size_t size);
  int fd_ = -1;
  ssl_st* ssl_ = nullptr;
};

// A certificate and its key, made on the spot, signed by itself.
struct TestCertificate {
  std::string host = "127.0.0.1";
  int valid_from_days = -1, valid_to_days = 1;
  int max_tls_version = 0;  // OpenSSL's number; 0 = the newest
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;
  explicit ScriptedServer(Script script);
  // With TLS; the certificate is written to ca_file().
  ScriptedServer(Script script, const TestCertificate& certificate);
  ~ScriptedServer();

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  const std::string& ca_file() const { return ca_file_; }

 private:
  void listen();
  void serve();

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  ssl_ctx_st* tls_ = nullptr;
  std::string ca_file_;
  std::mutex mutex_;
  std::vector<int> open_;              // protected by mutex_
  std::vector<std::thread> handlers_;  // touched by the accepting thread, joined at the end
  std::thread acceptor_;
};

}  // namespace batchrun
