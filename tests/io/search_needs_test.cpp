// Rows in, features out: by way of the parser, as they come in a run.
#include "io/search_needs.h"

#include <gtest/gtest.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

FeatureSet needs_of(const std::string& members) {
  auto row = parse_row(R"({"query":"coffee")" + members + "}", 1);
  EXPECT_TRUE(std::holds_alternative<RowPtr>(row)) << members;
  return std::get<RowPtr>(row)->needs;
}

TEST(SearchNeeds, AreReadFromTheMembers) {
  const FeatureSet none;
  const FeatureSet serpapi(Feature::serpapi_parameter), serper(Feature::serper_parameter),
      other(Feature::other);
  const std::pair<const char*, FeatureSet> table[] = {
      {"", none},
      {R"(,"id":"q1","provider":"serper","model":"m","tags":["a"],"metadata":{"user_id":"u"},"priority":3)",
       none},
      {R"(,"num":10,"location":"Austin, Texas","gl":"us","hl":"en","tbs":"qdr:d","page":2)", none},
      {R"(,"start":20)", serpapi},
      {R"(,"engine":"google_light")", serpapi},
      {R"(,"\u0073tart":20)", serpapi},
      {R"(,"device":null,"autocorrect":null,"whatever":null)", none},
      {R"(,"autocorrect":false)", serper},
      {R"(,"autocorrect":true,"safe":"active")",
       FeatureSet(Feature::serpapi_parameter, Feature::serper_parameter)},
      {R"(,"async":true)", other},
      {R"(,"output":"html")", other},
      {R"(,"temperature":1)", other},
      {R"(,"num":[10])", other},
      {R"(,"location":{})", other},
      {R"(,"device":["desktop"])", FeatureSet(Feature::serpapi_parameter, Feature::other)},
  };
  for (const auto& [members, needs] : table) EXPECT_EQ(needs_of(members), needs) << members;
}

TEST(SearchNeeds, AKeyIsNoParameter) {
  EXPECT_TRUE(std::holds_alternative<RowError>(parse_row(R"({"query":"x","api_key":"y"})", 1)));
}

TEST(SearchNeeds, NamesTheMemberThatNobodyKnows) {
  EXPECT_EQ(unknown_search_member(R"({"query":"x","num":3,"nun":10})"), "nun");
  EXPECT_EQ(unknown_search_member(R"({"query":"x","num":3,"autocorrect":true})"), "");
}

}  // namespace
}  // namespace batchrun
