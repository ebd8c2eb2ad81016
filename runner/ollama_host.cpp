#include "runner/ollama_host.h"

#include <fmt/format.h>

#include <algorithm>

namespace batchrun {
namespace {

constexpr std::string_view compatible = "/v1";  // not what OLLAMA_HOST means, even where it says so

}  // namespace

std::string ollama_base_url(std::string_view host) {
  std::string_view scheme = "http", default_port = "11434";
  if (const std::size_t end = host.find("://"); end != std::string_view::npos) {
    scheme = host.substr(0, end);
    default_port = scheme == "https" ? "443" : "80";
    host.remove_prefix(end + 3);
  }
  std::string_view path = host.substr(std::min(host.find('/'), host.size()));
  host.remove_suffix(path.size());
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (path.ends_with(compatible)) path.remove_suffix(compatible.size());

  std::string_view port = default_port;
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  const bool bare_v6 = bracket == std::string_view::npos && host.find(':') != colon;
  if (colon != std::string_view::npos && !bare_v6 && (bracket == std::string_view::npos || colon > bracket)) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.empty() || host == "0.0.0.0") host = "127.0.0.1";
  if (host == "[::]" || host == "::") host = "[::1]";
  const std::string name = bare_v6 && host.front() != '[' ? fmt::format("[{}]", host) : std::string(host);
  return fmt::format("{}://{}:{}{}", scheme, name, port, path);
}

}  // namespace batchrun
