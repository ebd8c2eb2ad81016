// A provider's base URL, taken apart and checked: what keys are sent to must hold no surprise.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "io/dialect.h"

namespace batchrun {

// "https://api.openai.com/v1" -> origin and path. Only http and https; no user, query or fragment; a host of
// letters, digits, dots and hyphens, or [IPv6]; a path of unreserved characters without empty, "." or ".."
// segments. A string instead: what is wrong with it, to be said after the URL's name.
std::variant<Endpoint, std::string> parse_base_url(std::string_view url);

// Keys sent there would cross a network in the clear: plain http to a host that is not this machine.
bool sends_in_clear(const Origin& origin);

}  // namespace batchrun
