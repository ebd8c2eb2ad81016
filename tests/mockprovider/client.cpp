#include "tests/mockprovider/client.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace batchrun::mock {

namespace {

void set_timeout(int fd, int ms) {
  const timeval limit{.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

std::size_t body_start(const std::string& reply) {
  const std::size_t blank = reply.find("\r\n\r\n");
  return blank == reply.npos ? reply.npos : blank + 4;
}

}  // namespace

Client::Client(std::uint16_t port, const std::string& trusted_pem, const std::string& host)
    : context_(nullptr, SSL_CTX_free), session_(nullptr, SSL_free) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  set_timeout(fd_, 5000);
  if (!connected_ || trusted_pem.empty()) return;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  BIO* memory = BIO_new_mem_buf(trusted_pem.data(), static_cast<int>(trusted_pem.size()));
  X509* certificate = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), certificate);
  X509_free(certificate);
  BIO_free(memory);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  session_.reset(SSL_new(context_.get()));
  SSL_set_fd(session_.get(), fd_);
  X509_VERIFY_PARAM* checks = SSL_get0_param(session_.get());
  if (host == "127.0.0.1") {
    X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(checks, host.c_str(), 0);
  }
  connected_ = SSL_connect(session_.get()) == 1;
  if (!connected_) tls_problem_ = X509_verify_cert_error_string(SSL_get_verify_result(session_.get()));
}

Client::~Client() {
  session_.reset();
  if (fd_ >= 0) close(fd_);
}

void Client::send(std::string_view bytes) {
  if (session_) {
    SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size()));
    return;
  }
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      reset_ = errno == ECONNRESET;  // the kernel tells it once: recv() would only see an end
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Client::ask(std::string_view prompt, bool stream, std::string_view key) {
  std::string body = R"({"model":"m","max_tokens":20,"messages":[{"role":"user","content":")";
  body.append(prompt).append("\"}]").append(stream ? ",\"stream\":true}" : "}");
  std::string text = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ";
  text.append(key).append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  send(text + body);
}

bool Client::read_some() {
  char buffer[16384];
  ssize_t count = 0;
  errno = 0;
  if (session_) {
    count = SSL_read(session_.get(), buffer, sizeof buffer);
  } else {
    count = recv(fd_, buffer, sizeof buffer, 0);
  }
  if (count > 0) {
    in_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    ended_ = Ended::timeout;
  } else {
    ended_ = reset_ || errno == ECONNRESET ? Ended::reset : Ended::closed;
  }
  return false;
}

bool Client::reply_is_whole() const {
  const std::size_t start = body_start(in_);
  if (start == in_.npos) return false;
  const std::string head = in_.substr(0, start);
  if (head.find("transfer-encoding: chunked") != head.npos) return in_.ends_with("\r\n0\r\n\r\n");
  const std::size_t length = head.find("content-length: ");
  return length != head.npos && in_.size() >= start + std::stoul(head.substr(length + 16));
}

std::string Client::read_reply() {
  while (!reply_is_whole() && read_some()) {
  }
  return std::exchange(in_, {});
}

std::string Client::read_all() {
  while (read_some()) {
  }
  return std::exchange(in_, {});
}

std::string Client::read_past(std::string_view awaited, int silence_ms) {
  while (in_.find(awaited) == in_.npos && read_some()) {
  }
  if (silence_ms > 0 && ended_ == Ended::no) {
    set_timeout(fd_, silence_ms);
    while (read_some()) {
    }
    set_timeout(fd_, 5000);
  }
  return std::exchange(in_, {});
}

std::string body_of(const std::string& reply) {
  const std::size_t start = body_start(reply);
  if (start == reply.npos) return "";
  if (reply.substr(0, start).find("transfer-encoding: chunked") == reply.npos) return reply.substr(start);
  std::string out;
  for (std::size_t at = start; at < reply.size();) {
    const std::size_t size = std::stoul(reply.substr(at), nullptr, 16);
    at = reply.find("\r\n", at) + 2;
    if (size == 0) break;
    out += reply.substr(at, size);
    at += size + 2;
  }
  return out;
}

}  // namespace batchrun::mock
