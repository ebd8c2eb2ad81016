// Which provider and endpoint a request means, by its method and path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/flavour.h"
#include "bench/mockprovider/http_request.h"

namespace batchrun::mock {

struct Route {
  enum class Kind : std::uint8_t {
    call,          // `endpoint` answers
    models,        // the list, or `model` alone
    account,       // SerpApi's account
    wrong_method,  // there is such a path, for `allowed`
    unknown
  };
  Kind kind = Kind::unknown;
  const Endpoint* endpoint = nullptr;
  const Dialect* dialect = nullptr;  // null: that of the flavour
  std::optional<Flavour> flavour{};  // absent: the path does not tell
  std::string model{};               // as the path names it
  std::string_view allowed = "POST";
};

Route route_of(const HttpRequest& request);

// The key that a request carries where its provider looks for it; "" = none. Where Anthropic gets two,
// x-api-key counts.
std::string credential_of(const HttpRequest& request, std::optional<Flavour> flavour);

}  // namespace batchrun::mock
