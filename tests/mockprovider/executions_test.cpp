#include "bench/mockprovider/executions.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace batchrun::mock {
namespace {

TEST(Executions, TellWhatRanMoreThanOnce) {
  Executions e;
  for (std::uint64_t id = 0; id < 3000; ++id) {
    e.admitted(id);
    e.completed(id);
  }
  e.admitted(7);
  e.completed(7);
  e.admitted(9);
  const auto twice = boost::json::parse(e.to_json(2, false));
  EXPECT_EQ(twice.at("prompts").as_int64(), 3000);
  EXPECT_EQ(twice.at("admitted").as_int64(), 3002);
  EXPECT_EQ(twice.at("completed").as_int64(), 3001);
  EXPECT_EQ(twice.at("matching").as_int64(), 1);
  EXPECT_EQ(twice.at("ids").at(0).at("id").as_string(), "0000000000000007");
  EXPECT_EQ(boost::json::parse(e.to_json(2, true)).at("matching").as_int64(), 2);
  const auto all = boost::json::parse(e.to_json(1, false));
  EXPECT_EQ(all.at("matching").as_int64(), 3000);
  EXPECT_EQ(all.at("ids").as_array().size(), 1000u);
  EXPECT_EQ(e.of(12345).completed, 0u);
}

}  // namespace
}  // namespace batchrun::mock
