#include "bench/mockprovider/stream_events.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

TEST(StreamEvents, AnEventsNameIsTheTypeItStartsWith) {
  EXPECT_EQ(event_type(R"({"type":"message_stop"})"), "message_stop");
  EXPECT_EQ(event_type(R"({"type": "ping"})"), "ping");
  EXPECT_EQ(event_type(R"({"id":1,"type":"x"})"), "");
  EXPECT_EQ(event_type(R"({"type":5})"), "");
  EXPECT_EQ(event_type("[DONE]"), "");
}

}  // namespace
}  // namespace batchrun::mock
