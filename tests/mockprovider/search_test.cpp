// SerpApi and Serper.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "bench/mockprovider/dialects/dialects.h"
#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

namespace json = boost::json;

SpeakingOf serpapi(const std::string& query) {
  return {.endpoint = serpapi_search(), .flavour = Flavour::serpapi, .path = "/search.json?" + query};
}

SpeakingOf serper() {
  return {.endpoint = serper_search(), .flavour = Flavour::serper};
}

TEST(SerpApi, ResultsRepeatTheQueryAndNotTheKey) {
  const Spoken spoken = speak(serpapi("q=caf%C3%A9+au+lait&num=3&gl=fr&api_key=secret&output=json"), "");
  const json::value reply = json::parse(spoken.plain);
  EXPECT_EQ(reply.at("search_metadata").at("status").as_string(), "Success");
  EXPECT_EQ(reply.at("search_parameters").at("q").as_string(), "caf\xc3\xa9 au lait");
  EXPECT_EQ(reply.at("search_parameters").at("gl").as_string(), "fr");
  EXPECT_EQ(reply.at("search_parameters").at("engine").as_string(), "google");
  EXPECT_EQ(reply.at("organic_results").as_array().size(), 3u);
  EXPECT_TRUE(reply.at("organic_results").at(0).at("title").as_string().starts_with("caf\xc3\xa9 au lait"));
  EXPECT_EQ(spoken.plain.find("secret"), std::string::npos);
  EXPECT_EQ(spoken.call.prompt_tokens, 0u);
  EXPECT_EQ(spoken.call.model, "google");
}

TEST(SerpApi, NoResultsAreAnAnswerWithAnError) {
  SpeakingOf about = serpapi("q=x");
  about.no_results = true;
  const json::value reply = json::parse(speak(about, "").plain);
  EXPECT_EQ(reply.at("search_metadata").at("status").as_string(), "Success");
  EXPECT_EQ(reply.at("error").as_string(), "Google hasn't returned any results for this query.");
  EXPECT_FALSE(reply.as_object().contains("organic_results"));
  EXPECT_TRUE(speak(serpapi("gl=fr"), "").problem);
}

TEST(SerpApi, TheAccountTellsWhatIsLeft) {
  const json::value account = json::parse(serpapi_account(7, 3, 100));
  EXPECT_EQ(account.at("total_searches_left").as_int64(), 7);
  EXPECT_EQ(account.at("plan_searches_left").as_int64(), 7);
  EXPECT_EQ(account.at("this_hour_searches").as_int64(), 3);
  EXPECT_EQ(account.at("account_rate_limit_per_hour").as_int64(), 100);
}

TEST(Serper, ResultsHaveTheirPlaces) {
  const Spoken spoken = speak(serper(), R"({"q":"coffee","gl":"us","num":3})");
  const json::value reply = json::parse(spoken.plain);
  EXPECT_EQ(reply.at("searchParameters").at("q").as_string(), "coffee");
  EXPECT_EQ(reply.at("searchParameters").at("gl").as_string(), "us");
  ASSERT_EQ(reply.at("organic").as_array().size(), 3u);
  EXPECT_EQ(reply.at("organic").at(2).at("position").as_int64(), 3);
  EXPECT_EQ(reply.at("credits").as_int64(), 1);
}

TEST(Serper, AnArrayIsAnsweredInItsOrder) {
  const Spoken spoken = speak(serper(), R"([{"q":"a"},{"q":"b"}])");
  const json::value reply = json::parse(spoken.plain);
  ASSERT_EQ(reply.as_array().size(), 2u);
  EXPECT_EQ(reply.at(1).at("searchParameters").at("q").as_string(), "b");
  EXPECT_EQ(spoken.call.queries.size(), 2u);
}

TEST(Serper, MistakesAndNoResults) {
  EXPECT_EQ(speak(serper(), "{}").problem->message, "Missing query parameter");
  EXPECT_TRUE(speak(serper(), "[]").problem);
  EXPECT_TRUE(speak(serper(), "q").problem);
  SpeakingOf about = serper();
  about.no_results = true;
  EXPECT_TRUE(json::parse(speak(about, R"({"q":"x"})").plain).at("organic").as_array().empty());
}

}  // namespace
}  // namespace batchrun::mock
