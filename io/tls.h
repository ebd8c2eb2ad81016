// TLS on a socket's file descriptor: certificate, host name and SNI always checked, nothing below TLS 1.2.
// Driven by readiness, so that it needs no buffers of its own while a connection waits. One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace batchrun {

// Whom to trust, shared by the connections of one origin; keeps the last session so that the next handshake
// is short.
class TlsContext {
 public:
  // Trusts `ca_file` (PEM), or the system's certificates when it is empty.
  // Throws std::runtime_error when the file cannot be used.
  explicit TlsContext(const std::string& ca_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  struct State;
  std::unique_ptr<State> state_;
};

class TlsSession {
 public:
  enum class Step { done, want_read, want_write, closed, failed };

  // `host` is checked against the certificate and sent as SNI unless it is an address.
  // REQUIRES: `fd` is connected and non-blocking; `context` outlives this.
  TlsSession(TlsContext& context, int fd, const std::string& host);
  ~TlsSession();
  TlsSession(TlsSession&& other) noexcept;
  TlsSession& operator=(TlsSession&& other) noexcept;

  Step handshake();
  Step write(std::string_view octets, std::size_t& written);
  // closed: the peer ended the stream, with or without close_notify; the message's own framing tells whether
  // it was whole.
  Step read(std::span<char> into, std::size_t& got);

  // Why the last step failed, for people: "certificate has expired", "host name does not match", ...
  std::string failure() const;

 private:
  Step judge(int returned);
  ssl_st* ssl_ = nullptr;
};

}  // namespace batchrun
