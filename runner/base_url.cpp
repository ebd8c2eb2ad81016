#include "runner/base_url.h"

#include <charconv>
#include <optional>

namespace batchrun {
namespace {

bool all_of(std::string_view text, std::string_view more) {
  for (const char c : text) {
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alphanumeric && more.find(c) == std::string_view::npos) return false;
  }
  return true;
}

bool take(std::string_view& text, std::string_view start) {
  if (text.substr(0, start.size()) != start) return false;
  text.remove_prefix(start.size());
  return true;
}

// Takes the host off the front of "host:port" or "[address]:port".
std::optional<std::string> take_host(std::string_view& authority) {
  if (take(authority, "[")) {
    const std::size_t end = authority.find(']');
    const std::string_view address = authority.substr(0, end);
    if (end == std::string_view::npos || address.empty() || !all_of(address, ":.")) return std::nullopt;
    authority.remove_prefix(end + 1);
    return std::string(address);
  }
  const std::string_view host = authority.substr(0, authority.find(':'));
  if (host.empty() || host.size() > 253 || !all_of(host, ".-_")) return std::nullopt;
  authority.remove_prefix(host.size());
  return std::string(host);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || stop != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool good_path(std::string_view path) {
  if (!all_of(path, "/-._~")) return false;
  while (take(path, "/")) {
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty() || segment == "." || segment == "..") return false;
    path.remove_prefix(segment.size());
  }
  return path.empty();
}

}  // namespace

std::variant<Endpoint, std::string> parse_base_url(std::string_view url) {
  Endpoint endpoint;
  if (take(url, "http://")) {
    endpoint.origin.tls = false;
    endpoint.origin.port = 80;
  } else if (!take(url, "https://")) {
    return "must begin with https:// or http://";
  }
  if (url.find('@') != std::string_view::npos) return "must not hold a user or password";
  if (url.find_first_of("?#") != std::string_view::npos) return "must not hold a query or fragment";
  std::string_view authority = url.substr(0, url.find('/'));
  std::string_view path = url.substr(authority.size());
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  const std::optional<std::string> host = take_host(authority);
  if (!host) return "has no usable host name";
  endpoint.origin.host = *host;
  if (take(authority, ":")) {
    const std::optional<std::uint16_t> port = parse_port(authority);
    if (!port) return "has no usable port";
    endpoint.origin.port = *port;
  } else if (!authority.empty()) {
    return "has no usable host name";
  }
  if (!good_path(path)) return "has a path with characters or segments that are not allowed";
  endpoint.base_path = std::string(path);
  return endpoint;
}

bool sends_in_clear(const Origin& origin) {
  const bool loopback_v4 =
      origin.host.rfind("127.", 0) == 0 && origin.host.find_first_not_of("0123456789.") == std::string::npos;
  return !origin.tls && origin.host != "localhost" && origin.host != "::1" && !loopback_v4;
}

}  // namespace batchrun
