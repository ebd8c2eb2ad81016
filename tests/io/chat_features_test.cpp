#include "io/chat_features.h"

#include <gtest/gtest.h>

#include <set>

namespace batchrun {
namespace {

TEST(ChatFeatures, HaveANameOfTheirOwnEach) {
  std::set<std::string_view> names;
  for (int i = 0; i < features; ++i) names.insert(name(static_cast<Feature>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(features));
  EXPECT_EQ(names.count(""), 0u);
  EXPECT_EQ(static_cast<int>(Feature::other_value) + 1, features);
}

TEST(ChatFeatures, ASetIsWhatWasAdded) {
  FeatureSet set;
  EXPECT_TRUE(set.empty());
  set.add(Feature::seed);
  set.add(Feature::other);
  EXPECT_EQ(set, FeatureSet(Feature::other, Feature::seed));
  EXPECT_TRUE(set.has(Feature::seed));
  EXPECT_FALSE(set.has(Feature::stop));
  EXPECT_EQ(set.first(), Feature::seed);
  EXPECT_EQ(set.without(FeatureSet(Feature::seed, Feature::stop)), FeatureSet(Feature::other));
  EXPECT_TRUE(set.without(FeatureSet::all()).empty());
  for (int i = 0; i < features; ++i) EXPECT_TRUE(FeatureSet::all().has(static_cast<Feature>(i)));
}

}  // namespace
}  // namespace batchrun
