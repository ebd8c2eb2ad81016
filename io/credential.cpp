#include "io/credential.h"

#include <string.h>

#include <algorithm>
#include <vector>

namespace batchrun {

namespace {

constexpr std::size_t shortest_piece = 8;
constexpr std::string_view mask = "[key]";

// For every byte of `text`: is it part of an occurrence of the secret or of a long enough piece of it?
std::vector<bool> secret_bytes(std::string_view text, std::string_view secret) {
  const std::size_t piece = std::min(secret.size(), shortest_piece);
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i + piece <= secret.size(); ++i) pieces.push_back(secret.substr(i, piece));
  std::sort(pieces.begin(), pieces.end());
  std::vector<bool> covered(text.size());
  for (std::size_t i = 0; i + piece <= text.size(); ++i) {
    if (!std::binary_search(pieces.begin(), pieces.end(), text.substr(i, piece))) continue;
    for (std::size_t j = i; j < i + piece; ++j) covered[j] = true;
  }
  return covered;
}

}  // namespace

Credential::~Credential() {
  // A moved-from short string keeps its bytes past its end, so the whole capacity is wiped, not only the
  // size.
  secret_.resize(secret_.capacity());
  explicit_bzero(secret_.data(), secret_.size());
}

bool Credential::fits_header() const {
  return std::all_of(secret_.begin(), secret_.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

std::string Credential::redact(std::string_view text) const {
  if (secret_.empty() || text.size() < std::min(secret_.size(), shortest_piece)) return std::string(text);
  const std::vector<bool> covered = secret_bytes(text, secret_);
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!covered[i]) {
      result += text[i];
    } else if (i == 0 || !covered[i - 1]) {
      result += mask;
    }
  }
  return result;
}

}  // namespace batchrun
