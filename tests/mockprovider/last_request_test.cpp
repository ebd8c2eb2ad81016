#include "bench/mockprovider/last_request.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace batchrun::mock {
namespace {

TEST(LastRequest, TellsAllButTheSecrets) {
  LastRequest last;
  EXPECT_EQ(last.to_json(), "null");
  {
    const std::string target = "/search?q=a&api_key=secret&key=secret", body = "{\"a\":1}";
    HttpRequest request;
    request.method = "POST";
    request.target = target;
    request.body = body;
    request.fields = {{"Authorization", "Bearer secret"},
                      {"X-Api-Key", "secret"},
                      {"api-key", "secret"},
                      {"x-goog-api-key", "secret"},
                      {"X-Other", "shown"}};
    last.keep(request);
  }
  const std::string text = last.to_json();
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  const auto json = boost::json::parse(text);
  EXPECT_EQ(json.at("method").as_string(), "POST");
  EXPECT_EQ(json.at("target").as_string(), "/search?q=a&api_key=***&key=***");
  EXPECT_EQ(json.at("fields").at(0).at(0).as_string(), "authorization");
  EXPECT_EQ(json.at("fields").at(0).at(1).as_string(), "Bearer ***");
  EXPECT_EQ(json.at("fields").at(4).at(1).as_string(), "shown");
  EXPECT_EQ(json.at("body").as_string(), "{\"a\":1}");
}

}  // namespace
}  // namespace batchrun::mock
