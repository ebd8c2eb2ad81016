#include "io/dialects/openai_embeddings.h"

#include <gtest/gtest.h>

#include "tests/support/replay.h"

namespace batchrun {
namespace {

Recording whole(std::string body) {
  Recording recording;
  recording.api = Api::embeddings;
  recording.streamed = false;
  recording.fields = {{"content-type", "application/json"}};
  recording.body = std::move(body);
  return recording;
}

TEST(EmbeddingsBody, IsKeptAsItCame) {
  const Reply reply = replay(
      whole("{\n\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.01,-0."
            "020,3e-2]}],"
            "\"model\":\"text-embedding-3-small\",\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}\n"));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(reply.answer.body,
            "{ "
            "\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.01,-0.020,"
            "3e-2]}],"
            "\"model\":\"text-embedding-3-small\",\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}");
  EXPECT_EQ(reply.answer.model, "text-embedding-3-small");
  EXPECT_EQ(reply.answer.finish_reason, "");
  EXPECT_TRUE(reply.answer.usage.known);
  EXPECT_EQ(reply.answer.usage.input_tokens, 5u);
  EXPECT_EQ(reply.answer.usage.output_tokens, 0u);
  EXPECT_FALSE(replay(whole(R"({"data":[{"index":0,"embedding":"AAAA"}]})")).fault);  // base64, and no usage
}

TEST(EmbeddingsBody, IsNoAnswerWithoutEmbeddings) {
  const std::pair<const char*, FaultKind> table[] = {
      {R"({"object":"list","data":[]})", FaultKind::malformed_reply},
      {R"({"object":"list","data":null})", FaultKind::malformed_reply},
      {"{}", FaultKind::malformed_reply},
      {"", FaultKind::malformed_reply},
      {"[1]", FaultKind::malformed_reply},
      {"<html>", FaultKind::malformed_reply},
      {R"({"data":[{"embedding":[0.01)", FaultKind::malformed_reply},
      {R"({"error":{"code":429,"message":"x"}})", FaultKind::rate_limited},
  };
  for (const auto& [body, kind] : table) {
    const Reply reply = replay(whole(body));
    ASSERT_TRUE(reply.fault) << body;
    EXPECT_EQ(name(reply.fault->kind), name(kind)) << body;
  }
}

}  // namespace
}  // namespace batchrun
