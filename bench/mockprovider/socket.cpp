#include "bench/mockprovider/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace batchrun::mock {

namespace {

// One per thread is enough: what is read is appended to the connection's own buffer at once.
std::array<char, Socket::most_read>& read_buffer() {
  thread_local std::array<char, Socket::most_read> buffer;
  return buffer;
}

Socket::Result system_result() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Socket::Result::would_block;
  return Socket::Result::failed;
}

}  // namespace

Socket::Socket(int fd, ssl_ctx_st* context) : fd_(fd) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!context) return;
  session_.reset(SSL_new(context));
  SSL_set_fd(session_.get(), fd_);
  SSL_set_accept_state(session_.get());
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), session_(std::move(other.session_)) {}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket::Result Socket::tls_result(int code) const {
  switch (SSL_get_error(session_.get(), code)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Result::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return Result::closed;
    default:
      return Result::failed;
  }
}

Socket::Result Socket::handshake() {
  if (!session_) return Result::done;
  ERR_clear_error();
  const int code = SSL_do_handshake(session_.get());
  return code == 1 ? Result::done : tls_result(code);
}

Socket::Result Socket::read(std::string& in) {
  auto& buffer = read_buffer();
  if (session_) {
    ERR_clear_error();
    const int count = SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (count <= 0) return tls_result(count);
    in.append(buffer.data(), static_cast<std::size_t>(count));
    return Result::done;
  }
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
  if (count == 0) return Result::closed;
  if (count < 0) return system_result();
  in.append(buffer.data(), static_cast<std::size_t>(count));
  return Result::done;
}

Socket::Result Socket::write(std::string_view out, std::size_t& written) {
  written = 0;
  if (session_) {
    ERR_clear_error();
    const int code = SSL_write_ex(session_.get(), out.data(), out.size(), &written);
    return code == 1 ? Result::done : tls_result(code);
  }
  const ssize_t count = send(fd_, out.data(), out.size(), MSG_NOSIGNAL);
  if (count < 0) return system_result();
  written = static_cast<std::size_t>(count);
  return Result::done;
}

void Socket::send_close_notify() {
  if (!session_ || !SSL_is_init_finished(session_.get())) return;
  ERR_clear_error();
  SSL_shutdown(session_.get());
}

void Socket::close(bool close_notify) {
  if (fd_ < 0) return;
  if (close_notify) send_close_notify();
  ::close(std::exchange(fd_, -1));
}

void Socket::end_writing(bool close_notify) {
  if (close_notify) send_close_notify();
  shutdown(fd_, SHUT_WR);
}

void Socket::reset() {
  if (fd_ < 0) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(fd_, -1));
}

}  // namespace batchrun::mock
