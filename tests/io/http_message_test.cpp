#include "io/http_message.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(Origin, AuthorityLeavesTheSchemesOwnPortOut) {
  EXPECT_EQ((Origin{true, "api.openai.com", 443, ""}.authority()), "api.openai.com");
  EXPECT_EQ((Origin{true, "api.openai.com", 80, ""}.authority()), "api.openai.com:80");
  EXPECT_EQ((Origin{false, "127.0.0.1", 80, ""}.authority()), "127.0.0.1");
  EXPECT_EQ((Origin{false, "127.0.0.1", 443, ""}.authority()), "127.0.0.1:443");
  EXPECT_EQ((Origin{false, "localhost", 8000, ""}.authority()), "localhost:8000");
  EXPECT_EQ((Origin{false, "localhost", 8000, ""}.url()), "http://localhost:8000");
  EXPECT_EQ((Origin{true, "api.openai.com", 443, ""}.url()), "https://api.openai.com");
}

TEST(Origin, AuthorityPutsAnAddressOfVersion6InBrackets) {
  EXPECT_EQ((Origin{true, "::1", 443, ""}.authority()), "[::1]");
  EXPECT_EQ((Origin{false, "fe80::1", 8080, ""}.authority()), "[fe80::1]:8080");
}

TEST(ResponseHead, FindsTheFirstFieldWithoutRegardToCase) {
  ResponseHead head;
  head.add("Content-Type", "application/json");
  head.add("X-Request-ID", "req_1");
  head.add("x-request-id", "req_2");
  EXPECT_EQ(head.size(), 3u);
  EXPECT_EQ(head.field("content-type"), "application/json");
  EXPECT_EQ(head.field("CONTENT-TYPE"), "application/json");
  EXPECT_EQ(head.field("x-request-id"), "req_1");
  EXPECT_EQ(head.field("content-typ"), "");
  EXPECT_EQ(head.field("content-type "), "");
}

TEST(ResponseHead, KeepsEmptyFieldsAndOutlivesGrowth) {
  ResponseHead head;
  head.add("empty", "");
  head.add("first", "1");
  for (int i = 0; i < 200; ++i) head.add("field-" + std::to_string(i), std::string(50, 'x'));
  EXPECT_EQ(head.field("empty"), "");
  EXPECT_EQ(head.field("first"), "1");
  EXPECT_EQ(head.field("field-199"), std::string(50, 'x'));
}

TEST(ResponseHead, ACopyStandsOnItsOwn) {
  ResponseHead copy;
  {
    ResponseHead head;
    head.status = 200;
    head.add("retry-after", "20");
    copy = head;
  }
  EXPECT_EQ(copy.status, 200);
  EXPECT_EQ(copy.field("retry-after"), "20");
}

}  // namespace
}  // namespace batchrun
