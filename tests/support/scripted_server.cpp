#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace batchrun {
namespace {

void make_certificate(SSL_CTX* ctx, const TestCertificate& wanted, const std::string& pem_path) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.valid_from_days * 86'400L);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.valid_to_days * 86'400L);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1,
                             0);
  X509_set_issuer_name(certificate, name);
  const bool address = wanted.host.find_first_not_of("0123456789.") == std::string::npos;
  const std::string san = (address ? "IP:" : "DNS:") + wanted.host;
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, san.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX_use_certificate(ctx, certificate);
  SSL_CTX_use_PrivateKey(ctx, key);
  FILE* file = std::fopen(pem_path.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

}  // namespace

std::size_t Peer::receive(char* into, std::size_t size) {
  const int got = ssl_ != nullptr ? SSL_read(ssl_, into, static_cast<int>(size))
                                  : static_cast<int>(::recv(fd_, into, size, 0));
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::string Peer::read_request() {
  std::string request;
  std::size_t wanted = std::string::npos;
  std::vector<char> buffer(65'536);
  while (request.size() < wanted) {
    const std::size_t got = receive(buffer.data(), buffer.size());
    if (got == 0) return "";
    request.append(buffer.data(), got);
    const std::size_t head_end = request.find("\r\n\r\n");
    if (wanted != std::string::npos || head_end == std::string::npos) continue;
    const std::size_t length = request.find("Content-Length: ");
    wanted =
        head_end + 4 + (length < head_end ? std::strtoul(request.c_str() + length + 16, nullptr, 10) : 0);
  }
  return request;
}

void Peer::send(std::string_view octets) {
  while (!octets.empty()) {
    const long sent = ssl_ != nullptr ? SSL_write(ssl_, octets.data(), static_cast<int>(octets.size()))
                                      : ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Peer::reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void Peer::wait_for_hangup() {
  char octet;
  while (receive(&octet, 1) > 0) {
  }
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listen();
}

ScriptedServer::ScriptedServer(Script script, const TestCertificate& certificate)
    : script_(std::move(script)) {
  char path[] = "/tmp/batchrun-test-ca-XXXXXX";
  close(mkstemp(path));
  ca_file_ = path;
  tls_ = SSL_CTX_new(TLS_server_method());
  if (certificate.max_tls_version != 0) {
    SSL_CTX_set_security_level(tls_, 0);  // Debian's default level knows nothing below 1.2
    SSL_CTX_set_min_proto_version(tls_, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls_, certificate.max_tls_version);
  }
  make_certificate(tls_, certificate, ca_file_);
  listen();
}

void ScriptedServer::listen() {
  signal(SIGPIPE, SIG_IGN);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0) {
    throw std::runtime_error("cannot listen");
  }
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { serve(); });
}

void ScriptedServer::serve() {
  while (!stopping_) {
    pollfd ready{listener_, POLLIN, 0};
    if (poll(&ready, 1, 20) <= 0) continue;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    handlers_.emplace_back([this, fd, number = connections_++] {
      Peer peer;
      peer.fd_ = fd;
      peer.number = number;
      bool usable = true;
      if (tls_ != nullptr) {
        peer.ssl_ = SSL_new(tls_);
        SSL_set_fd(peer.ssl_, fd);
        usable = SSL_accept(peer.ssl_) == 1;
      }
      if (usable) script_(peer);
      SSL_free(peer.ssl_);
      const std::lock_guard done(mutex_);
      std::erase(open_, fd);
      close(fd);
    });
  }
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& handler : handlers_) handler.join();
  close(listener_);
  SSL_CTX_free(tls_);
  if (!ca_file_.empty()) unlink(ca_file_.c_str());
}

}  // namespace batchrun
