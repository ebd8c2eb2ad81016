// An error as a provider words it, and its body in the three flavours. Wording after providers' published
// examples.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bench/mockprovider/quota.h"
#include "bench/mockprovider/scenario.h"

namespace batchrun::mock {

struct ApiError {
  int status = 400;
  std::string message{};
  std::string type = "invalid_request_error";
  std::string param{}, code{};  // "" = null
};

// {"error":{...}}; cerebras: flat.
std::string error_body(const ApiError& error, Flavour flavour);
// The same as an event of a stream: cerebras wraps it there and adds status_code.
std::string error_event(const ApiError& error, Flavour flavour);

ApiError incorrect_key(std::string_view key,
                       bool whole);  // `whole`: repeats all of the key, as no good server does
ApiError no_key();
ApiError unknown_model(std::string_view model);
ApiError server_error();
ApiError overloaded();
ApiError insufficient_quota();
ApiError context_too_long(std::uint64_t tokens);
ApiError content_filtered();

// "Rate limit reached for ..." or its look-alike "Request too large for ...", which no wait can help.
ApiError rate_limited(const Refusal& refusal, std::string_view model, std::string_view organisation,
                      Flavour flavour);

}  // namespace batchrun::mock
