// Why a request is not answered as asked, before any dialect has put it into words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bench/mockprovider/quota.h"

namespace batchrun::mock {

enum class Trouble : std::uint8_t {
  invalid,  // the request makes no sense: message, param and code say why
  no_key,
  incorrect_key,
  unknown_model,
  unknown_url,
  wrong_method,
  server_error,
  overloaded,
  quota_gone,  // no money left: no wait helps
  context_too_long,
  prompt_refused,
  rate_limited,
};

struct Problem {
  Trouble trouble = Trouble::invalid;
  std::string message{}, param{}, code{};  // of `invalid`; "" = none
  int status = 0;                          // above 0: this one, whatever the dialect answers else
  std::string variant{};  // which of several forms of a trouble (README.md); "" = the usual one
  std::string_view key{}, organisation{}, model{};
  std::string_view reply_id{};  // 22 characters that make the ids of this reply
  bool with_200 = false;        // it is answered with status 200
  bool whole_key = false;       // the reply repeats all of the key, as no good server does
  std::uint64_t tokens = 0;
  std::optional<Refusal> refusal{};  // of `rate_limited`; absent: it names no limit
  // How long to wait, in seconds as text, for dialects that say so in the body. "" = nothing is said.
  std::string retry_delay{};
};

// Of a request that makes no sense.
inline Problem invalid_request(std::string message) {
  return {.message = std::move(message)};
}

// An error as its dialect writes it.
struct ErrorReply {
  int status = 400;
  std::string body;
};

}  // namespace batchrun::mock
