#include "io/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace batchrun {
namespace {

std::string last_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  if (code == 0) return "unknown TLS error";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : text.data();
}

bool is_address(const std::string& host) {
  const auto close = [](ASN1_OCTET_STRING* s) { ASN1_OCTET_STRING_free(s); };
  const std::unique_ptr<ASN1_OCTET_STRING, decltype(close)> parsed(a2i_IPADDRESS(host.c_str()), close);
  return parsed != nullptr;
}

}  // namespace

struct TlsContext::State {
  SSL_CTX* ctx = nullptr;
  SSL_SESSION* session = nullptr;  // the newest one the server gave, for resumption

  ~State() {
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
  }

  static int keep_session(SSL* ssl, SSL_SESSION* fresh) {
    auto* state = static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    SSL_SESSION_free(state->session);
    state->session = fresh;
    return 1;  // we own it now
  }
};

TlsContext::TlsContext(const std::string& ca_file) : state_(std::make_unique<State>()) {
  state_->ctx = SSL_CTX_new(TLS_client_method());
  if (state_->ctx == nullptr) throw std::runtime_error(last_openssl_error());
  SSL_CTX* ctx = state_->ctx;
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  // Released buffers are worth 10 kB for each connection that waits for a slow answer.
  SSL_CTX_set_mode(
      ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_app_data(ctx, state_.get());
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, &State::keep_session);
  static constexpr unsigned char http_1_1[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(ctx, http_1_1, sizeof http_1_1 - 1);
  const int trusted = ca_file.empty() ? SSL_CTX_set_default_verify_paths(ctx)
                                      : SSL_CTX_load_verify_locations(ctx, ca_file.c_str(), nullptr);
  if (trusted != 1)
    throw std::runtime_error("cannot read certificates from " + ca_file + ": " + last_openssl_error());
}

TlsContext::~TlsContext() = default;

TlsSession::TlsSession(TlsContext& context, int fd, const std::string& host)
    : ssl_(SSL_new(context.state_->ctx)) {
  if (ssl_ == nullptr) throw std::bad_alloc();
  SSL_set_fd(ssl_, fd);
  SSL_set_connect_state(ssl_);
  if (is_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str());
  } else {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl_, host.c_str());
    SSL_set_tlsext_host_name(ssl_, host.c_str());
  }
  if (context.state_->session != nullptr) SSL_set_session(ssl_, context.state_->session);
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
}

TlsSession::TlsSession(TlsSession&& other) noexcept : ssl_(std::exchange(other.ssl_, nullptr)) {}

TlsSession& TlsSession::operator=(TlsSession&& other) noexcept {
  std::swap(ssl_, other.ssl_);
  return *this;
}

TlsSession::Step TlsSession::judge(int returned) {
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return Step::closed;
    default:
      return Step::failed;
  }
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_);
  return returned == 1 ? Step::done : judge(returned);
}

TlsSession::Step TlsSession::write(std::string_view octets, std::size_t& written) {
  ERR_clear_error();
  const int returned = SSL_write_ex(ssl_, octets.data(), octets.size(), &written);
  return returned == 1 ? Step::done : judge(returned);
}

TlsSession::Step TlsSession::read(std::span<char> into, std::size_t& got) {
  ERR_clear_error();
  const int returned = SSL_read_ex(ssl_, into.data(), into.size(), &got);
  return returned == 1 ? Step::done : judge(returned);
}

std::string TlsSession::failure() const {
  const long verdict = SSL_get_verify_result(ssl_);
  if (verdict != X509_V_OK) return X509_verify_cert_error_string(verdict);
  return last_openssl_error();
}

}  // namespace batchrun
