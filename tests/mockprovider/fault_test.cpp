#include "bench/mockprovider/fault.h"

#include <gtest/gtest.h>

#include <set>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;

std::vector<int> struck(FaultRule rule, int requests, const FaultSubject& subject = {.stream = true}) {
  FaultPicker picker({std::move(rule)}, 1);
  std::vector<int> out;
  for (int i = 1; i <= requests; ++i) {
    if (picker.for_request(subject, 0s)) out.push_back(i);
  }
  return out;
}

TEST(Fault, NamesAreUniqueAndReadBack) {
  std::set<std::string_view> names;
  for (int i = 0; i < fault_kinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    EXPECT_TRUE(names.insert(name(kind)).second) << name(kind);
    EXPECT_EQ(fault_named(name(kind)), kind);
  }
  EXPECT_EQ(fault_named("nonsense"), std::nullopt);
}

TEST(FaultPicker, SelectsByNumberByTurnAndByChance) {
  using V = std::vector<int>;
  EXPECT_EQ(struck({.requests = {2, 5}}, 6), (V{2, 5}));
  EXPECT_EQ(struck({.every = 3}, 7), (V{3, 6}));
  EXPECT_EQ(struck({.every = 1, .times = 2}, 5), (V{1, 2}));
  EXPECT_EQ(struck({}, 3), (V{1, 2, 3}));
  const auto half = struck({.probability = 0.5}, 2000).size();
  EXPECT_GT(half, 900u);
  EXPECT_LT(half, 1100u);
  EXPECT_EQ(struck({.probability = 0.5}, 50), struck({.probability = 0.5}, 50))
      << "the same seed, the same faults";
}

TEST(FaultPicker, FiltersAreCountedApart) {
  FaultPicker picker({{.every = 2, .key = "a"}}, 1);
  EXPECT_FALSE(picker.for_request({.key = "b"}, 0s));
  EXPECT_FALSE(picker.for_request({.key = "a"}, 0s));
  EXPECT_FALSE(picker.for_request({.key = "b"}, 0s));
  EXPECT_TRUE(picker.for_request({.key = "a"}, 0s));
}

TEST(FaultPicker, EveryFilterMustMatch) {
  const FaultRule rule{.key = "k", .organisation = "o", .model = "m", .contains = "poem", .stream = true};
  const FaultSubject good{"k", "o", "m", "a poem please", true};
  EXPECT_EQ(struck(rule, 1, good).size(), 1u);
  for (int i = 0; i < 5; ++i) {
    FaultSubject other = good;
    if (i == 0) other.key = "x";
    if (i == 1) other.organisation = "x";
    if (i == 2) other.model = "x";
    if (i == 3) other.last_user_text = "x";
    if (i == 4) other.stream = false;
    EXPECT_TRUE(struck(rule, 1, other).empty()) << i;
  }
}

TEST(FaultPicker, TimeBoundsHold) {
  FaultPicker picker({{.from_s = 5, .until_s = 10}}, 1);
  EXPECT_FALSE(picker.for_request({}, 4s));
  EXPECT_TRUE(picker.for_request({}, 5s));
  EXPECT_FALSE(picker.for_request({}, 10s));
}

TEST(FaultPicker, StreamFaultsLeavePlainRequestsAlone) {
  EXPECT_TRUE(struck({.kind = FaultKind::error_mid_stream}, 3, {.stream = false}).empty());
}

TEST(FaultPicker, ConnectionFaultsAreForConnectionsOnly) {
  FaultPicker picker({{.kind = FaultKind::reset_on_accept, .every = 2}}, 1);
  EXPECT_FALSE(picker.for_request({}, 0s));
  EXPECT_FALSE(picker.for_connection(0s));
  EXPECT_FALSE(picker.for_request({}, 0s));
  EXPECT_TRUE(picker.for_connection(0s));
}

TEST(Fault, AStallThatEndsLeavesTheAnswerWhole) {
  EXPECT_FALSE(leaves_answer_whole({.kind = FaultKind::stall_mid_stream}));
  EXPECT_TRUE(leaves_answer_whole({.kind = FaultKind::stall_mid_stream, .seconds = 1}));
  EXPECT_TRUE(leaves_answer_whole({.kind = FaultKind::slice}));
}

}  // namespace
}  // namespace batchrun::mock
