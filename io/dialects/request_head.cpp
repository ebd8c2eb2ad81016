#include "io/dialects/request_head.h"

namespace batchrun {

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string start_head(std::string_view method, std::string_view target, std::string_view accept,
                       const Endpoint& endpoint) {
  std::string head;
  head.reserve(512);
  head.append(method).append(" ").append(endpoint.base_path).append(target).append(" HTTP/1.1\r\n");
  append_field(head, "Host", endpoint.origin.authority());
  append_field(head, "User-Agent", "batchrun/0.1");
  append_field(head, "Accept", accept);
  append_field(head, "Accept-Encoding", "identity");
  return head;
}

std::string below(std::string_view prefix, std::string_view resource, const Endpoint& endpoint) {
  const bool there = std::string_view(endpoint.base_path).ends_with(prefix);
  return std::string(there ? std::string_view() : prefix).append(resource);
}

void append_json_fields(std::string& head, std::size_t body_size) {
  append_field(head, "Content-Type", "application/json");
  append_field(head, "Content-Length", std::to_string(body_size));
}

void append_credential(std::string& head, std::string_view name, std::string_view prefix,
                       const Credential& credential) {
  if (credential.empty()) return;
  head.append(name).append(": ").append(prefix);
  credential.append_to(head);
  head += "\r\n";
}

}  // namespace batchrun
