// OLLAMA_HOST, the variable Ollama's own programs read, as a base URL. Pure.
#pragma once

#include <string>
#include <string_view>

namespace batchrun {

// "", "gpu-box", "gpu-box:8080", ":8080", "[::1]:8080", "https://gpu-box/ollama" -> the server's URL:
// "http://gpu-box:11434". What is absent is http, 127.0.0.1 and 11434 (80 and 443
// when a scheme is given). The addresses a server listens on everywhere with, 0.0.0.0 and [::], are this
// machine. Nothing is checked: parse_base_url() judges the result. Source: Ollama's envconfig.
std::string ollama_base_url(std::string_view host);

}  // namespace batchrun
