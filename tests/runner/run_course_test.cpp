#include "runner/run_course.h"

#include <gtest/gtest.h>

#include <csignal>

namespace batchrun {
namespace {

constexpr TimePoint start{std::chrono::hours(48)};
constexpr TimePoint at(double s) {
  return start + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
}

RunFigures rows(std::uint64_t ok, std::uint64_t failed, std::uint64_t read, bool ended) {
  RunFigures figures;
  figures.rows_ok = ok;
  figures.rows_failed = failed;
  figures.rows_read = read;
  figures.input_ended = ended;
  return figures;
}

const RunFigures halfway = rows(5, 0, 10, false);
const RunFigures done = rows(10, 0, 10, true);

bool nothing(const RunCourse::Orders& orders) {
  return !orders.drain && !orders.abort && orders.because.empty();
}

TEST(RunCourse, EndsCompleteWhenNobodyStopsIt) {
  const Settings settings;
  RunCourse course(settings, start);
  EXPECT_TRUE(nothing(course.look(halfway, false, at(1e6))));
  EXPECT_EQ(course.end(done, {}), RunEnd::complete);
  EXPECT_EQ(course.exit_code(RunEnd::complete, false), 0);
  EXPECT_EQ(course.exit_code(RunEnd::complete, true), 3);
}

TEST(RunCourse, TheFirstSignalDrainsAndTheSecondAborts) {
  const Settings settings;
  RunCourse course(settings, start);
  const RunCourse::Orders first = course.heed(SIGTERM, halfway, at(1));
  EXPECT_TRUE(first.drain && !first.abort);
  EXPECT_NE(first.because.find("at most 30 s"), std::string::npos) << first.because;
  EXPECT_TRUE(nothing(course.look(halfway, false, at(2))));
  const RunCourse::Orders second = course.heed(SIGINT, halfway, at(3));
  EXPECT_TRUE(second.abort);
  EXPECT_TRUE(nothing(course.look(halfway, false, at(100)))) << "once is enough";
  EXPECT_EQ(course.signals(), 2);
  EXPECT_EQ(course.end(halfway, {}), RunEnd::interrupted);
  EXPECT_EQ(course.exit_code(RunEnd::interrupted, true), 128 + SIGINT);
}

TEST(RunCourse, WhatDrainsIsAbortedInTheEnd) {
  Settings settings;
  settings.drain_timeout = std::chrono::seconds(5);
  RunCourse course(settings, start);
  course.heed(SIGTERM, halfway, at(1));
  EXPECT_FALSE(course.look(halfway, false, at(5.9)).abort);
  EXPECT_TRUE(course.look(halfway, false, at(6)).abort);
  EXPECT_FALSE(course.look(halfway, false, at(7)).abort);
}

// A signal that comes when all is done changes nothing of what has been done.
TEST(RunCourse, WhatIsCompleteIsCompleteWhoeverStoppedIt) {
  const Settings settings;
  RunCourse course(settings, start);
  course.heed(SIGTERM, done, at(1));
  EXPECT_EQ(course.end(done, {}), RunEnd::complete);
}

TEST(RunCourse, AnOutputThatFailsAbortsAtOnceAndOutweighsAll) {
  const Settings settings;
  RunCourse course(settings, start);
  course.heed(SIGTERM, halfway, at(1));
  EXPECT_TRUE(course.look(halfway, true, at(2)).abort);
  EXPECT_TRUE(nothing(course.look(halfway, true, at(3))));
  EXPECT_EQ(course.end(done, {.output_failed = true, .starved = true}), RunEnd::output_failed);
  EXPECT_EQ(course.exit_code(RunEnd::output_failed, false), 6);
}

TEST(RunCourse, ItsOwnLimitsDrainIt) {
  Settings settings;
  settings.deadline = std::chrono::seconds(60);
  settings.max_error_rate = 0.05;
  RunCourse late(settings, start), wrong(settings, start);
  EXPECT_TRUE(nothing(late.look(halfway, false, at(59.9))));
  EXPECT_TRUE(late.look(halfway, false, at(60)).drain);
  EXPECT_EQ(late.end(halfway, {}), RunEnd::stopped);
  EXPECT_TRUE(nothing(wrong.look(rows(0, 99, 500, false), false, at(1)))) << "too few to judge by";
  EXPECT_TRUE(nothing(wrong.look(rows(95, 5, 500, false), false, at(1))));
  EXPECT_TRUE(wrong.look(rows(94, 6, 500, false), false, at(1)).drain);
  EXPECT_EQ(wrong.exit_code(RunEnd::stopped, true), 5);
}

TEST(RunCourse, TheCapOnCostLetsWhatWasLetInFinish) {
  const Settings settings;
  RunCourse course(settings, start);
  RunFigures spent = halfway;
  spent.cost_limit_reached = true;
  const RunCourse::Orders orders = course.look(spent, false, at(1));
  EXPECT_TRUE(!orders.drain && !orders.abort && !orders.because.empty());
  EXPECT_TRUE(nothing(course.look(spent, false, at(1000))));
  EXPECT_EQ(course.end(spent, {}), RunEnd::stopped);
}

// The pool may reach its cap and end between two looks.
TEST(RunCourse, TheCapOnCostIsNotForgottenAtTheEnd) {
  const Settings settings;
  RunCourse course(settings, start);
  RunFigures spent = halfway;
  spent.cost_limit_reached = true;
  EXPECT_EQ(course.end(spent, {}), RunEnd::stopped);
  spent = done;
  spent.cost_limit_reached = true;
  EXPECT_EQ(course.end(spent, {}), RunEnd::complete);
}

TEST(RunCourse, SaysWhatThePartsSay) {
  const Settings settings;
  const RunCourse course(settings, start);
  EXPECT_EQ(course.end(halfway, {.starved = true}), RunEnd::no_usable_key);
  EXPECT_EQ(course.exit_code(RunEnd::no_usable_key, true), 4);
  EXPECT_EQ(course.end(done, {.input_failed = true}), RunEnd::input_failed);
  EXPECT_EQ(course.exit_code(RunEnd::input_failed, false), 2);
  EXPECT_EQ(course.end(done, {.max_rows_reached = true}), RunEnd::stopped);
}

}  // namespace
}  // namespace batchrun
