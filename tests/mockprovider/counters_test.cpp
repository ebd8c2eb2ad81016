#include "bench/mockprovider/counters.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace batchrun::mock {
namespace {

TEST(Counters, AreWrittenAsJson) {
  Counters c;
  c.total.admitted = 3;
  c.total.faults["slice"] = 2;
  c.by_key["k\"1"].faults["crlf"] = 3;
  c.by_key["k\"1"].refused = 4;
  c.by_organisation["o"].last_admitted_s = 1.5;
  const auto json = boost::json::parse(to_json(c));
  EXPECT_EQ(json.at("admitted").as_int64(), 3);
  EXPECT_EQ(json.at("faults").at("slice").as_int64(), 2);
  EXPECT_EQ(json.at("by_key").at("k\"1").at("faults").at("crlf").as_int64(), 3);
  EXPECT_EQ(json.at("by_key").at("k\"1").at("refused").as_int64(), 4);
  EXPECT_EQ(json.at("by_organisation").at("o").at("last_admitted_s").as_double(), 1.5);
}

TEST(Counters, BillsAreByModel) {
  Counters c;
  c.by_key["k"].bills["m"] = {
      .answers = 1, .input_tokens = 2, .cached_tokens = 3, .output_tokens = 4, .searches = 5};
  const auto bill = boost::json::parse(to_json(c)).at("by_key").at("k").at("models").at("m");
  EXPECT_EQ(boost::json::serialize(bill),
            R"({"answers":1,"input_tokens":2,"cached_tokens":3,"output_tokens":4,"searches":5})");
}

}  // namespace
}  // namespace batchrun::mock
