#include "bench/mockprovider/tls_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace batchrun::mock {

namespace {

struct Deleter {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("TLS: ") + what);
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  check(extension && X509_add_ext(certificate, extension.get(), -1) == 1,
        "cannot add a certificate extension");
}

void set_validity(X509* certificate, CertificateKind kind) {
  constexpr long day = 24 * 60 * 60;
  long from = -day, until = 30 * day;
  if (kind == CertificateKind::expired) from = -30 * day, until = -day;
  if (kind == CertificateKind::not_yet_valid) from = day;
  X509_gmtime_adj(X509_getm_notBefore(certificate), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), until);
}

Owned<X509> make_certificate(EVP_PKEY* key, CertificateKind kind) {
  Owned<X509> certificate(X509_new());
  check(certificate != nullptr, "cannot make a certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  set_validity(certificate.get(), kind);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("mockprovider"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  X509_set_pubkey(certificate.get(), key);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_key_identifier, "hash");
  add_extension(
      certificate.get(), NID_subject_alt_name,
      kind == CertificateKind::wrong_host ? "DNS:wrong.example" : "DNS:localhost,IP:127.0.0.1,IP:::1");
  check(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "cannot sign the certificate");
  return certificate;
}

std::string pem_of(X509* certificate) {
  const Owned<BIO> memory(BIO_new(BIO_s_mem()));
  check(memory && PEM_write_bio_X509(memory.get(), certificate) == 1, "cannot write the certificate");
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

void TlsContextDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void TlsSessionDeleter::operator()(ssl_st* session) const {
  SSL_free(session);
}

TlsContext make_tls_context(const TlsScenario& scenario, std::string& certificate_pem) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  check(key != nullptr, "cannot make a key");
  const Owned<X509> certificate = make_certificate(key.get(), scenario.certificate);
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  check(context != nullptr, "cannot make a context");
  check(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1, "cannot use the certificate");
  check(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1, "cannot use the key");
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  if (scenario.only_old_versions) {
    // Debian's default security level would refuse TLS 1.1 before the client could.
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
  }
  certificate_pem = pem_of(certificate.get());
  return context;
}

}  // namespace batchrun::mock
