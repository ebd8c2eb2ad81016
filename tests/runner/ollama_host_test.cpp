#include "runner/ollama_host.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(OllamaHost, IsReadAsOllamaReadsIt) {
  const struct {
    std::string_view host, url;
  } cases[] = {
      {"", "http://127.0.0.1:11434"},
      {"gpu-box", "http://gpu-box:11434"},
      {"gpu-box:8080", "http://gpu-box:8080"},
      {":8080", "http://127.0.0.1:8080"},
      {"0.0.0.0", "http://127.0.0.1:11434"},
      {"0.0.0.0:1234", "http://127.0.0.1:1234"},
      {"[::]:1234", "http://[::1]:1234"},
      {"::", "http://[::1]:11434"},
      {"::1", "http://[::1]:11434"},
      {"fe80::2", "http://[fe80::2]:11434"},
      {"[fe80::2]", "http://[fe80::2]:11434"},
      {"http://gpu-box", "http://gpu-box:80"},
      {"https://gpu-box", "https://gpu-box:443"},
      {"https://gpu-box:8443/ollama/", "https://gpu-box:8443/ollama"},
      {"http://gpu-box:11434/v1", "http://gpu-box:11434"},
  };
  for (const auto& c : cases) EXPECT_EQ(ollama_base_url(c.host), c.url) << c.host;
}

}  // namespace
}  // namespace batchrun
