#include "io/dialects/request_head.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(RequestHead, IsWrittenFieldByField) {
  Endpoint endpoint;
  endpoint.origin.host = "h.test";
  endpoint.base_path = "/v1";
  std::string head = start_head("POST", "/x?y=1", accept_json, endpoint);
  append_json_fields(head, 12);
  append_credential(head, "x-key", "", Credential("secret"));
  append_credential(head, "Authorization", "Bearer ", Credential());
  EXPECT_EQ(
      head,
      "POST /v1/x?y=1 HTTP/1.1\r\nHost: h.test\r\nUser-Agent: batchrun/0.1\r\nAccept: application/json\r\n"
      "Accept-Encoding: identity\r\nContent-Type: application/json\r\nContent-Length: 12\r\nx-key: "
      "secret\r\n");
}

TEST(RequestHead, NamesAVersionOnce) {
  Endpoint endpoint;
  EXPECT_EQ(below("/v1", "/messages", endpoint), "/v1/messages");
  endpoint.base_path = "/proxy/v1";
  EXPECT_EQ(below("/v1", "/messages", endpoint), "/messages");
}

}  // namespace
}  // namespace batchrun
