// Why a reply of Ollama's failed, as one Fault. Pure. Source: Ollama's server (routes, scheduler).
//
// Errors are {"error": "text"}. 404 with a text about a model: it is not pulled -> model_unavailable; else
// what the status says (reply_fault.h): 503 "server busy" -> overloaded, 400 -> bad_request. An error in a
// stream has no status: a text that says a model is missing or the server busy counts as such, else
// server_error.
#pragma once

#include <string_view>

#include "io/dialect.h"

namespace batchrun {

// Of a reply that is not 2xx, or a 2xx reply whose body is an error.
Fault ollama_fault(const ResponseHead& head, std::string_view body);

// Of an error line in a stream. The fault's status is 0.
Fault ollama_line_fault(std::string_view line);

}  // namespace batchrun
