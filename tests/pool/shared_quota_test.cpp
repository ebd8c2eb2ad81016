#include "pool/shared_quota.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "tests/support/effort.h"

namespace batchrun {
namespace {

struct Told {
  std::uint32_t group, provider, model;
  std::uint64_t organisation;
};

// The groups found to be one with that of the last reply.
std::optional<GroupId> after(const std::vector<Told>& replies) {
  SharedQuota quotas;
  std::optional<GroupId> found;
  for (const Told& told : replies) {
    found = quotas.named({told.group}, told.provider, told.model, told.organisation);
  }
  return found;
}

std::vector<Told> times(int n, const std::vector<Told>& replies) {
  std::vector<Told> all;
  for (int i = 0; i < n; ++i) all.insert(all.end(), replies.begin(), replies.end());
  return all;
}

TEST(SharedQuota, IsFoundWhenBothGroupsNamedOneOrganisationThreeTimes) {
  EXPECT_EQ(after(times(3, {{0, 0, 0, 77}, {1, 0, 0, 77}})), GroupId{0});
  EXPECT_EQ(after(times(2, {{0, 0, 0, 77}, {1, 0, 0, 77}})), std::nullopt);
}

TEST(SharedQuota, IsToldOnce) {
  std::vector<Told> replies = times(3, {{0, 0, 0, 77}, {1, 0, 0, 77}});
  replies.push_back({1, 0, 0, 77});
  EXPECT_EQ(after(replies), std::nullopt);
}

TEST(SharedQuota, IsOfOneProviderModelAndOrganisation) {
  EXPECT_EQ(after(times(9, {{0, 0, 0, 77}, {1, 1, 0, 77}})), std::nullopt) << "another provider";
  EXPECT_EQ(after(times(9, {{0, 0, 0, 77}, {1, 0, 1, 77}})), std::nullopt) << "another model";
  EXPECT_EQ(after(times(9, {{0, 0, 0, 77}, {1, 0, 0, 78}})), std::nullopt) << "another organisation";
}

TEST(SharedQuota, IsNotThatOfGroupsThatNameSeveralOrganisations) {
  std::vector<Told> replies = times(3, {{0, 0, 0, 77}});
  replies.push_back({0, 0, 0, 78});
  for (const Told& told : times(3, {{1, 0, 0, 77}})) replies.push_back(told);
  EXPECT_EQ(after(replies), std::nullopt) << "the first has turned out to be spread";
  EXPECT_EQ(after(times(9, {{0, 0, 0, 77}, {0, 0, 0, 78}, {1, 0, 0, 77}})), std::nullopt);
}

// Replies of independent groups in any order, some behind a proxy that takes organisations in turn.
TEST(SharedQuota, IsNeverFoundAmongIndependentGroups) {
  for (std::uint64_t seed = 1; seed <= seeds_of(1000); ++seed) {
    std::mt19937_64 random(seed);
    SharedQuota quotas;
    std::array<std::array<std::uint64_t, 2>, 8> replies{};
    for (int i = 0; i < 200; ++i) {
      const auto group = static_cast<std::uint32_t>(random() % 8),
                 model = static_cast<std::uint32_t>(random() % 2);
      const std::uint64_t in_turn = 100 + replies[group][model]++ % 2;
      ASSERT_EQ(quotas.named({group}, 0, model, group >= 6 ? in_turn : 1 + group), std::nullopt)
          << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace batchrun
