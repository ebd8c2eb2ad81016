// A secret that cannot be printed by accident: no stream operator, no formatter, no string conversion.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace batchrun {

class Credential {
 public:
  Credential() = default;
  explicit Credential(std::string secret) : secret_(std::move(secret)) {}
  Credential(const Credential&) = default;
  Credential(Credential&&) noexcept = default;
  Credential& operator=(Credential other) noexcept {  // what was held before goes with `other`, wiped
    secret_.swap(other.secret_);
    return *this;
  }
  ~Credential();  // wipes the bytes

  bool empty() const { return secret_.empty(); }
  // Only bytes 0x21..0x7e, so that it cannot end a header line.
  bool fits_header() const;
  // The one way out: at the end of a request head.
  void append_to(std::string& head) const { head += secret_; }
  // `text` with every occurrence of the secret, and of any piece of it of 8 bytes or more, replaced by
  // "[key]".
  std::string redact(std::string_view text) const;
  bool operator==(const Credential&) const = default;

 private:
  std::string secret_;
};

}  // namespace batchrun
