#include "pool/outcome.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace batchrun {
namespace {

TEST(Outcome, EveryFaultHasItsOwnNameAndConsistentTraits) {
  std::set<std::string_view> names;
  for (int i = 0; i < fault_kinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    const FaultTraits fault = traits(kind);
    EXPECT_TRUE(names.insert(name(kind)).second) << name(kind);
    EXPECT_LE(fault.blames_key + fault.retires_key + fault.closes_group, 1) << name(kind);
    EXPECT_TRUE(fault.retryable || !fault.blames_key) << name(kind);
  }
}

// A row that no model can answer well must not take the keys of all others out.
TEST(Outcome, WhatTheModelDoesIsNoKeysFault) {
  const FaultTraits fault = traits(FaultKind::model_stumbled);
  EXPECT_TRUE(fault.retryable && fault.counts_attempt);
  EXPECT_FALSE(fault.blames_key || fault.retires_key || fault.closes_group);
}

TEST(Outcome, WhatIsNotTheRowsFaultCostsItNoAttempt) {
  for (const FaultKind kind : {FaultKind::rate_limited, FaultKind::quota_exhausted, FaultKind::unauthorized,
                               FaultKind::model_unavailable, FaultKind::cancelled, FaultKind::connect,
                               FaultKind::tls, FaultKind::timeout_connect, FaultKind::overloaded}) {
    EXPECT_FALSE(traits(kind).counts_attempt) << name(kind);
    EXPECT_TRUE(traits(kind).retryable) << name(kind);
  }
}

TEST(Outcome, NoKeyIsBlamedForTheRowItself) {
  for (const FaultKind kind : {FaultKind::bad_request, FaultKind::content_refused, FaultKind::too_large}) {
    EXPECT_FALSE(traits(kind).retryable) << name(kind);
    EXPECT_FALSE(traits(kind).blames_key) << name(kind);
  }
}

TEST(Outcome, EveryDimensionHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < dimensions; ++i) names.insert(name(static_cast<Dimension>(i)));
  EXPECT_EQ(names.size(), dimensions);
}

}  // namespace
}  // namespace batchrun
