// A blocking HTTP client for tests, plain or TLS: shows the bytes that came and how the connection ended.
// Every wait ends after 5 s.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace batchrun::mock {

// How waiting for bytes ended.
enum class Ended { no, closed, reset, timeout };

class Client {
 public:
  // `trusted_pem` not empty: TLS, with certificate and name ("127.0.0.1" unless told) checked.
  explicit Client(std::uint16_t port, const std::string& trusted_pem = "",
                  const std::string& host = "127.0.0.1");
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }  // with TLS: the handshake went well
  const std::string& tls_problem() const { return tls_problem_; }
  void send(std::string_view bytes);
  // Sends a chat request for `prompt`.
  void ask(std::string_view prompt, bool stream = false, std::string_view key = "k1");
  // Reads until one whole reply is there, or the connection ends. Length and chunks are understood.
  std::string read_reply();
  // Reads until the connection ends.
  std::string read_all();
  // Reads until `awaited` has come, then on until nothing has come for `silence_ms`; 0: no longer.
  std::string read_past(std::string_view awaited, int silence_ms);
  Ended ended() const { return ended_; }

 private:
  bool read_some();
  bool reply_is_whole() const;
  int fd_ = -1;
  bool connected_ = false;
  Ended ended_ = Ended::no;
  bool reset_ = false;  // seen while sending
  std::string tls_problem_, in_;
  std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> session_;
};

// The chunks of a chunked reply's body put together; other bodies as they are.
std::string body_of(const std::string& reply);

}  // namespace batchrun::mock
