#include "pool/permit.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "pool/scheduler.h"

namespace batchrun {
namespace {

constexpr TimePoint start{std::chrono::hours(1)};

// A scheduler with one key and a permit of it.
struct OnePermit {
  OnePermit() : scheduler(PoolSpec{.groups = {GroupSpec{}}, .keys = {KeySpec{}}, .settings = {}}) {
    scheduler.add_lane({.name = "lane", .candidates = {{}}});
    scheduler.submit({.row = {7}, .lane = {0}, .input_tokens = 10, .max_output_tokens = 5}, start);
    dispatch.emplace(std::get<Dispatch>(scheduler.next(start)));
  }
  Scheduler scheduler;
  std::optional<Dispatch> dispatch;
};

TEST(Permit, SaysWhatWasAdmitted) {
  OnePermit one;
  Permit& permit = one.dispatch->permit;
  EXPECT_EQ(permit.key(), KeyId{0});
  EXPECT_EQ(permit.admitted_at(), start);
  EXPECT_EQ(permit.reserved().tokens(), 15);
  one.scheduler.settle(std::move(permit), one.dispatch->job, Outcome{}, start);
}

TEST(Permit, MovesAndIsSettledWhereItEndsUp) {
  OnePermit one;
  Permit moved = std::move(one.dispatch->permit);
  EXPECT_EQ(one.scheduler.settle(std::move(moved), one.dispatch->job, Outcome{}, start).next,
            Disposition::Next::finished);
  EXPECT_EQ(one.scheduler.in_flight(), 0U);
}

TEST(PermitDeathTest, DroppingOneAborts) {
  EXPECT_DEATH({ OnePermit one; }, "dropped without being settled");
}

TEST(PermitDeathTest, SettlingTwiceAborts) {
  EXPECT_DEATH(
      {
        OnePermit one;
        one.scheduler.settle(std::move(one.dispatch->permit), one.dispatch->job, Outcome{}, start);
        one.scheduler.settle(std::move(one.dispatch->permit), one.dispatch->job, Outcome{}, start);
      },
      "settled twice");
}

TEST(PermitDeathTest, OverwritingALiveOneAborts) {
  EXPECT_DEATH(
      {
        OnePermit one;
        OnePermit two;
        one.dispatch->permit = std::move(two.dispatch->permit);
      },
      "overwritten before it was settled");
}

}  // namespace
}  // namespace batchrun
