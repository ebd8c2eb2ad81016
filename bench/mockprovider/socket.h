// A connected, non-blocking socket, plain or TLS. Owns the descriptor.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/mockprovider/tls_context.h"

namespace batchrun::mock {

class Socket {
 public:
  enum class Result { done, would_block, closed, failed };

  // `context` null: plain. Sets TCP_NODELAY, so that every write is a packet of its own.
  Socket(int fd, ssl_ctx_st* context);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  int fd() const { return fd_; }
  bool is_tls() const { return session_ != nullptr; }

  // Bytes are only bytes from now on, and no handshake is answered.
  void forget_tls() { session_.reset(); }

  // Goes on with the TLS handshake. done: it is over (at once when plain).
  Result handshake();
  static constexpr std::size_t most_read = 64u << 10;  // bytes that one read appends at most
  // Appends what there is to `in`. done: something came, and there may be more. closed: the peer has ended
  // its side.
  Result read(std::string& in);
  // Writes from the front of `out`; `written` tells how much.
  Result write(std::string_view out, std::size_t& written);

  // Ends the connection: FIN after what was written (TLS: close_notify before it, if asked) or RST at once.
  void close(bool close_notify);
  void reset();
  // FIN, but goes on reading: a close with unread bytes would be an RST that takes the reply with it.
  void end_writing(bool close_notify);

 private:
  void send_close_notify();
  Result tls_result(int code) const;
  int fd_;
  TlsSession session_;
};

}  // namespace batchrun::mock
