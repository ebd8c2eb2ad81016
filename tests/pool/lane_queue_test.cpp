#include "pool/lane_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>
#include <set>
#include <vector>

namespace batchrun {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours(1)};

Job job(std::uint32_t row, TimePoint not_before = start) {
  Job made{.row = {row}, .lane = {0}};
  made.submitted_at = start;
  made.not_before = not_before;
  made.input_tokens = row * 7919 % 101;
  made.max_output_tokens = row % 3 * 50;
  return made;
}

std::vector<std::uint32_t> rows_in_window(const LaneQueue& queue) {
  std::vector<std::uint32_t> rows;
  for (std::size_t i = 0; i < queue.window(); ++i) rows.push_back(queue.at(i).row.value);
  return rows;
}

PoolSettings look_ahead_of(std::uint32_t rows) {
  PoolSettings settings;
  settings.look_ahead = rows;
  return settings;
}

TEST(LaneQueue, FailedRowsGoBeforeNewOnesInTheOrderTheyBecameDue) {
  const PoolSettings settings = look_ahead_of(4);
  LaneQueue queue(settings);
  for (std::uint32_t row = 0; row < 6; ++row) queue.push(job(row));
  queue.push_again(job(10), false);
  queue.push_again(job(11), false);
  EXPECT_EQ(rows_in_window(queue), (std::vector<std::uint32_t>{10, 11, 0, 1}));
  std::vector<std::uint32_t> order;
  while (queue.window() > 0) order.push_back(queue.take(0, start).row.value);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{10, 11, 0, 1, 2, 3, 4, 5}));
}

TEST(LaneQueue, AFailedRowWaitsForItsTime) {
  const PoolSettings settings;
  LaneQueue queue(settings);
  queue.push_again(job(1, start + milliseconds(70)), true);
  queue.push_again(job(2, start + milliseconds(30)), true);
  EXPECT_EQ(queue.next_promotion(), start + milliseconds(30));
  queue.promote(start + milliseconds(30));
  EXPECT_EQ(rows_in_window(queue), (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(queue.next_promotion(), start + milliseconds(70));
  queue.promote(start + milliseconds(70));
  EXPECT_EQ(queue.next_promotion(), never);
  EXPECT_EQ(queue.size(), 2U);
}

TEST(LaneQueue, WithoutBudgetFailedRowsWaitButAreNotLost) {
  PoolSettings settings;
  settings.retry_budget_ratio = 0;
  settings.retry_budget_per_second = 0.05;  // three a minute
  LaneQueue queue(settings);
  for (std::uint32_t row = 0; row < 10; ++row) queue.push_again(job(row), true);
  queue.promote(start);
  EXPECT_EQ(queue.window(), 3U);
  EXPECT_EQ(queue.size(), 10U);
  TimePoint now = start;
  while (queue.next_promotion() != never) {
    ASSERT_GT(queue.next_promotion(), now);
    now = queue.next_promotion();
    queue.promote(now);
  }
  EXPECT_EQ(queue.window(), 10U);
  EXPECT_LE(now, start + std::chrono::minutes(4));
}

TEST(LaneQueue, ARowIsOverdueByCountOrByAge) {
  PoolSettings settings = look_ahead_of(4);
  settings.passed_over_limit = 3;
  LaneQueue queue(settings);
  for (std::uint32_t row = 0; row < 10; ++row) queue.push(job(row));
  EXPECT_FALSE(queue.overdue(start + std::chrono::hours(1))) << "waiting in line is no reason";
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(queue.overdue(start));
    queue.take(2, start);
  }
  EXPECT_TRUE(queue.overdue(start));
  EXPECT_EQ(queue.passed_over(0), 3U);
  queue.take(0, start);
  queue.take(0, start);
  queue.first_did_not_fit(start);
  EXPECT_FALSE(queue.overdue(start + seconds(29)));
  EXPECT_TRUE(queue.overdue(start + seconds(30)));
}

TEST(LaneQueue, FindsRowsWhoseLifeIsOverWhereverTheyWait) {
  PoolSettings settings = look_ahead_of(2);
  settings.row_deadline = seconds(100);
  LaneQueue queue(settings);
  for (std::uint32_t row = 0; row < 5; ++row) {
    Job made = job(row);
    made.submitted_at = start + seconds(row == 3 ? 50 : 0);
    queue.push(made);
  }
  queue.push_again(job(6, start + std::chrono::hours(9)), true);
  EXPECT_EQ(queue.next_deadline(), start + seconds(100));
  EXPECT_EQ(queue.take_expired(start + seconds(99)), std::nullopt);
  std::vector<std::uint32_t> over;
  while (const auto gone = queue.take_expired(start + seconds(100))) over.push_back(gone->row.value);
  EXPECT_EQ(over.size(), 5U);
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.next_deadline(), start + seconds(150));
}

TEST(LaneQueue, LivesCountFromALaterTime) {
  PoolSettings settings = look_ahead_of(2);
  settings.row_deadline = seconds(100);
  LaneQueue queue(settings);
  for (std::uint32_t row = 0; row < 3; ++row) {
    Job made = job(row);
    made.submitted_at = start + seconds(40 * row);
    queue.push(made);
  }
  queue.count_lives_from(start + seconds(50));
  queue.count_lives_from(start + seconds(20));
  EXPECT_EQ(queue.take_expired(start + seconds(149)), std::nullopt);
  EXPECT_EQ(queue.next_deadline(), start + seconds(150));
  EXPECT_EQ(queue.take_expired(start + seconds(150))->row, RowId{0});
  EXPECT_EQ(queue.take_expired(start + seconds(150))->row, RowId{1});
  EXPECT_EQ(queue.take_expired(start + seconds(150)), std::nullopt);
  EXPECT_EQ(queue.next_deadline(), start + seconds(180));
}

TEST(LaneQueue, TakesOutEveryRowOnce) {
  const PoolSettings settings = look_ahead_of(2);
  LaneQueue queue(settings);
  for (std::uint32_t row = 0; row < 5; ++row) queue.push(job(row));
  for (std::uint32_t row = 5; row < 9; ++row) queue.push_again(job(row, start + seconds(row)), row % 2 == 0);
  std::vector<bool> seen(9);
  while (!queue.empty()) seen[queue.take_any().row.value] = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 9);
}

void expect_figures_of_the_window(const LaneQueue& queue) {
  RowSize least{1e9, 1e9}, most{0, 0};
  std::set<std::size_t> buckets, told;
  for (std::size_t i = 0; i < queue.window(); ++i) {
    const Job& row = queue.at(i);
    ASSERT_EQ(queue.size_at(i), (RowSize{row.input_tokens, row.max_output_tokens}));
    ASSERT_EQ(queue.bucket(i), RowMix::bucket_of(row));
    least = {std::min(least.input_tokens, row.input_tokens),
             std::min(least.max_output_tokens, row.max_output_tokens)};
    most = {std::max(most.input_tokens, row.input_tokens),
            std::max(most.max_output_tokens, row.max_output_tokens)};
    buckets.insert(RowMix::bucket_of(row));
  }
  ASSERT_EQ(queue.least(), least);
  ASSERT_EQ(queue.most(), most);
  queue.kinds().for_each_in_both(KindSet::all(), [&](std::size_t bucket) { told.insert(bucket); });
  ASSERT_EQ(told, buckets);
  for (const std::size_t bucket : buckets) {
    std::vector<std::size_t> places, found;
    for (std::size_t i = 0; i < queue.window(); ++i) {
      if (RowMix::bucket_of(queue.at(i)) == bucket) places.push_back(i);
    }
    for (std::size_t i = 0; (i = queue.find(bucket, i)) < queue.window(); ++i) found.push_back(i);
    ASSERT_EQ(found, places);
  }
}

// Whoever remembers the counts knows where to look for rows that came since.
TEST(LaneQueue, TellsWhereRowsHaveComeIntoTheLookAhead) {
  const PoolSettings settings = look_ahead_of(4);
  LaneQueue queue(settings);
  std::mt19937_64 random(3);
  for (std::uint32_t row = 0; row < 2000; ++row) {
    std::set<std::uint32_t> before;
    for (std::size_t i = 0; i < queue.window(); ++i) before.insert(queue.at(i).row.value);
    const std::uint64_t last = queue.came_last(), ahead = queue.came_ahead();
    const bool again = random() % 4 == 0;
    if (again) {
      queue.push_again(job(row), false);
    } else {
      queue.push(job(row));
    }
    while (queue.window() > 0 && random() % 2 == 0) queue.take(random() % queue.window(), start);
    if (queue.came_ahead() != ahead) continue;  // then anywhere
    const std::size_t newcomers = std::min<std::size_t>(queue.came_last() - last, queue.window());
    for (std::size_t i = 0; i + newcomers < queue.window(); ++i) {
      ASSERT_TRUE(before.contains(queue.at(i).row.value)) << "row " << row;
    }
  }
}

// Against two plain lists, under random pushes and takes from anywhere in the look-ahead.
TEST(LaneQueue, KeepsTheOrderOfTwoPlainLists) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    const PoolSettings settings = look_ahead_of(static_cast<std::uint32_t>(1 + random() % 9));
    LaneQueue queue(settings);
    std::list<std::uint32_t> due, fresh;
    for (std::uint32_t row = 0; row < 1000; ++row) {
      if (random() % 3 == 0) {
        queue.push_again(job(row), false);
        due.push_back(row);
      } else {
        queue.push(job(row));
        fresh.push_back(row);
      }
      while (queue.window() > 0 && random() % 20 > 9) {
        const std::size_t place = random() % queue.window();
        std::list<std::uint32_t>& from = place < due.size() ? due : fresh;
        const auto expected = std::next(
            from.begin(), static_cast<std::ptrdiff_t>(place < due.size() ? place : place - due.size()));
        ASSERT_EQ(queue.take(place, start).row.value, *expected) << "seed " << seed;
        from.erase(expected);
      }
      ASSERT_EQ(queue.size(), due.size() + fresh.size());
      ASSERT_EQ(queue.window(), std::min<std::size_t>(settings.look_ahead, queue.size()));
      if (queue.window() == 0) continue;
      expect_figures_of_the_window(queue);
    }
  }
}

TEST(LaneQueue, ASizeCoversAnotherIfItCostsNoLessWhateverRowsWithoutAMaximumCost) {
  EXPECT_TRUE((RowSize{100, 50}.covers({100, 50})));
  EXPECT_TRUE((RowSize{120, 60}.covers({100, 50})));
  EXPECT_FALSE((RowSize{99, 60}.covers({100, 50})));
  EXPECT_FALSE((RowSize{120, 49}.covers({100, 50})));
  EXPECT_TRUE((RowSize{120, 0}.covers({100, 0})));
  EXPECT_FALSE((RowSize{120, 0}.covers({100, 50})));
  EXPECT_FALSE((RowSize{120, 50}.covers({100, 0})));
}

}  // namespace
}  // namespace batchrun
