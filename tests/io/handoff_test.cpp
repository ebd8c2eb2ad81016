#include "io/handoff.h"

#include <gtest/gtest.h>

#include <thread>

namespace batchrun {
namespace {

using std::chrono::milliseconds;

TEST(Handoff, KeepsOrderAndLosesNothingBetweenThreads) {
  Handoff<int> queue(10);
  std::thread producer([&] {
    for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(queue.push(i, 1));
    queue.close();
  });
  int expected = 0;
  while (!queue.ended()) {
    if (const auto item = queue.pop(milliseconds(100))) {
      ASSERT_EQ(*item, expected++);
    }
  }
  producer.join();
  EXPECT_EQ(expected, 20'000);
}

TEST(Handoff, BlocksTheProducerAtItsCapacity) {
  Handoff<int> queue(3);
  EXPECT_TRUE(queue.push(1, 2));
  EXPECT_FALSE(queue.full());
  EXPECT_TRUE(queue.push(2, 2));  // the last one may go over
  EXPECT_TRUE(queue.full());
  std::atomic<bool> pushed = false;
  std::thread producer([&] {
    EXPECT_TRUE(queue.push(3, 1));
    pushed = true;
  });
  EXPECT_FALSE(pushed);
  EXPECT_EQ(queue.try_pop(), 1);
  producer.join();
  EXPECT_TRUE(pushed);
}

TEST(Handoff, CloseReleasesAWaitingProducerAndRefusesItsItem) {
  Handoff<int> queue(1);
  EXPECT_TRUE(queue.push(1, 1));
  std::thread producer([&] { EXPECT_FALSE(queue.push(2, 1)); });
  queue.close();
  producer.join();
  EXPECT_FALSE(queue.ended());  // what was in it is still to be had
  EXPECT_EQ(queue.try_pop(), 1);
  EXPECT_TRUE(queue.ended());
}

TEST(Handoff, PopWaitsForWhatComesAndForTheEnd) {
  Handoff<int> queue(10);
  int sum = 0;
  std::thread consumer([&] {
    while (const auto item = queue.pop()) sum += *item;
  });
  for (int i = 1; i <= 100; ++i) ASSERT_TRUE(queue.put(i, 1));
  queue.close();
  consumer.join();
  EXPECT_EQ(sum, 5050);
}

TEST(Handoff, CallsOnItemOnlyWhenItWasEmptyAndOnRoomOnlyWhenItWasFull) {
  Handoff<int> queue(2);
  int items = 0, rooms = 0;
  queue.on_item = [&] { ++items; };
  queue.on_room = [&] { ++rooms; };
  queue.put(1, 1);
  queue.put(2, 1);
  EXPECT_EQ(items, 1);
  (void)queue.try_pop();
  EXPECT_EQ(rooms, 1);
  (void)queue.try_pop();
  EXPECT_EQ(rooms, 1);
}

}  // namespace
}  // namespace batchrun
