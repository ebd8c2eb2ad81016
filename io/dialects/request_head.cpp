#include "io/dialects/request_head.h"

#include "io/json_text.h"

namespace batchrun {

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string start_head(std::string_view method, std::string_view target, std::string_view accept,
                       const Endpoint& endpoint) {
  std::string head;
  head.reserve(512);
  head.append(method).append(" ").append(endpoint.base_path).append(target).append(" HTTP/1.1\r\nHost: ");
  endpoint.origin.append_authority(head);
  head.append("\r\nUser-Agent: batchrun/0.1\r\nAccept: ").append(accept);
  head += "\r\nAccept-Encoding: identity\r\n";
  return head;
}

std::string below(std::string_view prefix, std::string_view resource, const Endpoint& endpoint) {
  const bool there = std::string_view(endpoint.base_path).ends_with(prefix);
  return std::string(there ? std::string_view() : prefix).append(resource);
}

void append_json_fields(std::string& head, std::size_t body_size) {
  head += "Content-Type: application/json\r\nContent-Length: ";
  append_json_number(head, body_size);
  head += "\r\n";
}

void append_credential(std::string& head, std::string_view name, std::string_view prefix,
                       const Credential& credential) {
  if (credential.empty()) return;
  head.append(name).append(": ").append(prefix);
  credential.append_to(head);
  head += "\r\n";
}

}  // namespace batchrun
