#include "io/id_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace batchrun {
namespace {

// Random operations against a map, with a table so small that most entries are in the file.
TEST(IdIndex, AgreesWithAMap) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    IdIndex index(64);
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t> map;
    const std::uint64_t spread = seed % 2 == 0 ? 500 : 1'000'000;
    for (int step = 0; step < 4000; ++step) {
      // Few different low words: entries that differ only in the high one share places and pages.
      const IdHash id{(random() % spread) * 0x9E3779B97F4A7C15u >> (seed % 4 * 8),
                      static_cast<std::uint32_t>(random() % 3)};
      const auto expected = map.find({id.low, id.high});
      const auto number = static_cast<std::uint32_t>(random() % 0xFFFFFFFE);
      const auto found = step % 3 == 0 ? index.find_or_set(id, number) : index.find(id);
      ASSERT_EQ(found.has_value(), expected != map.end()) << "seed " << seed << " step " << step;
      if (found) {
        ASSERT_EQ(*found, expected->second);
      }
      if (step % 3 == 0 && !found) map[{id.low, id.high}] = number;
      if (step % 3 == 1) {
        index.set(id, number);
        map[{id.low, id.high}] = number;
      }
    }
    EXPECT_GT(index.runs(), 2u);
    for (const auto& [id, number] : map) ASSERT_EQ(index.find({id.first, id.second}), number);
  }
}

TEST(IdIndex, FindsManyEqualLowWordsOverPages) {
  IdIndex index(2048);
  for (std::uint32_t high = 0; high < 4000; ++high) index.set({42, high}, high);
  for (std::uint32_t high = 0; high < 4000; ++high) EXPECT_EQ(index.find({42, high}), high);
  EXPECT_FALSE(index.find({42, 4000}));
  EXPECT_FALSE(index.find({41, 0}));
}

TEST(IdIndex, CountsOneIdForEverWithoutGrowing) {
  IdIndex index(64);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    ASSERT_EQ(index.find({1, 1}).value_or(0), i);
    index.set({1, 1}, i + 1);
  }
  EXPECT_EQ(index.runs(), 0u);
}

}  // namespace
}  // namespace batchrun
