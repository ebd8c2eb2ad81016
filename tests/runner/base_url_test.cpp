#include "runner/base_url.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(BaseUrl, TakesAddressesApart) {
  const struct {
    std::string_view url;
    bool tls;
    std::string host;
    int port;
    std::string path;
  } cases[] = {
      {"https://api.openai.com/v1", true, "api.openai.com", 443, "/v1"},
      {"https://api.groq.com/openai/v1/", true, "api.groq.com", 443, "/openai/v1"},
      {"http://127.0.0.1:8080", false, "127.0.0.1", 8080, ""},
      {"http://localhost/", false, "localhost", 80, ""},
      {"https://[::1]:8443/v1", true, "::1", 8443, "/v1"},
      {"https://my_host.internal:1/a.b-c_d~e", true, "my_host.internal", 1, "/a.b-c_d~e"},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_base_url(c.url);
    ASSERT_TRUE(std::holds_alternative<Endpoint>(parsed)) << c.url << ": " << std::get<std::string>(parsed);
    const Endpoint& endpoint = std::get<Endpoint>(parsed);
    EXPECT_EQ(endpoint.origin.tls, c.tls);
    EXPECT_EQ(endpoint.origin.host, c.host);
    EXPECT_EQ(endpoint.origin.port, c.port);
    EXPECT_EQ(endpoint.base_path, c.path);
  }
}

TEST(BaseUrl, RefusesWhatCouldSendAKeyAstray) {
  for (const std::string_view url : {"",
                                     "api.openai.com/v1",
                                     "ftp://host/v1",
                                     "https://",
                                     "https:///v1",
                                     "https://user:pass@host/v1",
                                     "https://a@b/v1",
                                     "https://host:0/v1",
                                     "https://host:65536/",
                                     "https://host:/v1",
                                     "https://host:8x/",
                                     "https://host/v1?x=1",
                                     "https://host/v1#f",
                                     "https://host/../v1",
                                     "https://host/./v1",
                                     "https://host//v1",
                                     "https://host/v1%2f",
                                     "https://ho st/v1",
                                     "https://host\r\nX: y/v1",
                                     "https://host/v1\\x",
                                     "https://[::1/v1",
                                     "https://[]/v1",
                                     "https://[::1]x/v1",
                                     "HTTPS://host/v1",
                                     "https://h\xc3\xb6st/v1"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_base_url(url))) << url;
  }
}

TEST(BaseUrl, KnowsWhenAKeyWouldTravelInTheClear) {
  EXPECT_TRUE(sends_in_clear(std::get<Endpoint>(parse_base_url("http://10.0.0.1/v1")).origin));
  EXPECT_FALSE(sends_in_clear(std::get<Endpoint>(parse_base_url("https://10.0.0.1/v1")).origin));
  EXPECT_FALSE(sends_in_clear(std::get<Endpoint>(parse_base_url("http://127.0.0.9:1/v1")).origin));
  EXPECT_FALSE(sends_in_clear(std::get<Endpoint>(parse_base_url("http://[::1]/v1")).origin));
  EXPECT_TRUE(sends_in_clear(std::get<Endpoint>(parse_base_url("http://127.evil.example/v1")).origin));
}

}  // namespace
}  // namespace batchrun
