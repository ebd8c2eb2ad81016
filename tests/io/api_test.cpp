#include "io/api.h"

#include <gtest/gtest.h>

#include <set>

namespace batchrun {
namespace {

TEST(Api, HasANameOfItsOwnEach) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Api::search); ++i) names.insert(name(static_cast<Api>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Api::search) + 1);
  EXPECT_EQ(names.count(""), 0u);
}

}  // namespace
}  // namespace batchrun
