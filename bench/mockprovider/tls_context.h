// A server's TLS context with a self-signed certificate made in memory. Thread: make and use on one.
#pragma once

#include <memory>
#include <string>

#include "bench/mockprovider/scenario.h"

struct ssl_ctx_st;
struct ssl_st;

namespace batchrun::mock {

struct TlsContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
struct TlsSessionDeleter {
  void operator()(ssl_st* session) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextDeleter>;
using TlsSession = std::unique_ptr<ssl_st, TlsSessionDeleter>;

// The certificate is good for 127.0.0.1, ::1 and localhost (unless the scenario says otherwise) and its own
// issuer, so its PEM serves as the file of trusted certificates. Throws std::runtime_error when OpenSSL
// refuses.
TlsContext make_tls_context(const TlsScenario& scenario, std::string& certificate_pem);

}  // namespace batchrun::mock
