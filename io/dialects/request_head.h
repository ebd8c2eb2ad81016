// Request line and header fields, as every dialect writes them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "io/dialect.h"

namespace batchrun {

void append_field(std::string& head, std::string_view name, std::string_view value);

// Request line and the fields every request begins with. `target`: path and query below the endpoint's
// base_path; it fits a request line.
std::string start_head(std::string_view method, std::string_view target, std::string_view accept,
                       const Endpoint& endpoint);

// `resource` below `prefix` ("/v1"), unless the endpoint's base_path ends in that already.
std::string below(std::string_view prefix, std::string_view resource, const Endpoint& endpoint);

// Content-Type and Content-Length of a body of JSON.
void append_json_fields(std::string& head, std::size_t body_size);

// "name: " + `prefix` + the secret; nothing without a secret.
void append_credential(std::string& head, std::string_view name, std::string_view prefix,
                       const Credential& credential);

// What Accept says of a request: a stream may come as JSON all the same, an error does.
inline constexpr std::string_view accept_json = "application/json";
inline constexpr std::string_view accept_events = "text/event-stream, application/json";
inline constexpr std::string_view accept_lines = "application/x-ndjson, application/json";

}  // namespace batchrun
