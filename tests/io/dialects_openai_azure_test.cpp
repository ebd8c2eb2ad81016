// Where Azure differs from OpenAI: through the interface, as in a run.
#include "tests/support/replay.h"
#include "tests/support/sent_request.h"

namespace batchrun {
namespace {

using std::chrono::seconds;

const std::string filter_chunk =
    R"(data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]})"
    "\n\n";
const std::string role_chunk =
    R"(data: {"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}],"created":1763800000,"id":"chatcmpl-1","model":"gpt-4o-2024-11-20","object":"chat.completion.chunk","system_fingerprint":"fp_1"})"
    "\n\n";
const std::string text_chunk =
    R"(data: {"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"delta":{"content":"Paris."},"finish_reason":null,"index":0,"logprobs":null}],"created":1763800000,"id":"chatcmpl-1","model":"gpt-4o-2024-11-20","object":"chat.completion.chunk"})"
    "\n\n";
const std::string finish_chunk =
    R"(data: {"choices":[{"content_filter_results":{},"delta":{},"finish_reason":"stop","index":0,"logprobs":null}],"created":1763800000,"id":"chatcmpl-1","model":"gpt-4o-2024-11-20","object":"chat.completion.chunk"})"
    "\n\n";
const std::string usage_chunk =
    R"(data: {"choices":[],"created":1763800000,"id":"chatcmpl-1","model":"gpt-4o-2024-11-20","object":"chat.completion.chunk","usage":{"prompt_tokens":14,"completion_tokens":3,"total_tokens":17}})"
    "\n\n";

Recording recording(std::string body) {
  Recording result;
  result.kind = DialectKind::azure;
  result.body = std::move(body);
  return result;
}

TEST(AzureDialect, TakesNothingFromTheChunkOfTheFilter) {
  const std::string body =
      filter_chunk + role_chunk + text_chunk + finish_chunk + usage_chunk + "data: [DONE]\n\n";
  const Reply reply = replay(recording(body));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(
      normal_json(reply.answer.body),
      normal_json(
          R"({"id":"chatcmpl-1","object":"chat.completion","created":1763800000,"model":"gpt-4o-2024-11-20","choices":[{"index":0,"message":{"role":"assistant","content":"Paris.","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":14,"completion_tokens":3,"total_tokens":17},"system_fingerprint":"fp_1"})"));
  const std::size_t before_text = filter_chunk.size() + role_chunk.size();
  EXPECT_EQ(gate_of(recording(body)), before_text + text_chunk.size());
  expect_no_partial_answer(recording(role_chunk + text_chunk));
}

TEST(AzureDialect, AStreamOfTheFilterAloneIsNoAnswer) {
  for (const std::string& body : {filter_chunk, filter_chunk + "data: [DONE]\n\n"}) {
    const Reply reply = replay(recording(body));
    ASSERT_TRUE(reply.fault);
    EXPECT_EQ(reply.fault->kind, FaultKind::truncated_reply);
  }
}

TEST(AzureDialect, StatesItsLimitsInWholeSeconds) {
  const auto dialect = make_dialect(DialectKind::azure);
  const ServerLimits limits = dialect->limits(reply_head(200, {{"x-ratelimit-limit-requests", "60"},
                                                               {"x-ratelimit-remaining-requests", "59"},
                                                               {"x-ratelimit-reset-requests", "20"},
                                                               {"x-ratelimit-limit-tokens", "-1"},
                                                               {"x-ratelimit-remaining-tokens", "-1"},
                                                               {"x-ratelimit-reset-tokens", "0"}}));
  EXPECT_EQ(limits[Dimension::requests_per_minute].resets_in, Duration(seconds(20)));
  EXPECT_EQ(limits[Dimension::requests_per_minute].remaining, 59.0);
  EXPECT_FALSE(limits[Dimension::tokens_per_minute].limit);
  EXPECT_FALSE(limits[Dimension::tokens_per_minute].remaining);
}

TEST(AzureDialect, EveryErrorHasItsKind) {
  const std::string rate =
      R"({"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-06-01 have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 8 seconds. Please go here"}})";
  struct Case {
    int status;
    HeadFields fields;
    std::string body;
    FaultKind kind;
    std::optional<Dimension> dimension;
    std::optional<Duration> wait;
  };
  using enum FaultKind;
  const auto dialect = make_dialect(DialectKind::azure);
  for (
      const Case& one : {
          Case{429, {}, rate, rate_limited, Dimension::requests_per_minute, seconds(8)},
          Case{
              429,
              {{"retry-after", "22"}, {"retry-after-ms", "21500"}},
              R"({"error":{"code":"429","message":"... have exceeded token rate limit of your current ..."}})",
              rate_limited,
              Dimension::tokens_per_minute,
              std::chrono::milliseconds(21500)},
          Case{
              400,
              {},
              R"({"error":{"message":"The response was filtered due to the prompt","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}})",
              content_refused,
              {},
              {}},
          Case{
              401,
              {},
              R"({"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}})",
              unauthorized,
              {},
              {}},
          Case{
              404,
              {},
              R"({"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}})",
              model_unavailable,
              {},
              {}},
          Case{404, {}, R"({"error":{"code":"404","message":"Resource not found"}})", bad_request, {}, {}},
      }) {
    const Fault fault = dialect->classify(reply_head(one.status, one.fields), one.body);
    EXPECT_EQ(name(fault.kind), name(one.kind)) << one.body;
    EXPECT_EQ(fault.dimension, one.dimension) << one.body;
    EXPECT_EQ(fault.retry_after, one.wait) << one.body;
  }
}

TEST(AzureDialect, AsksItsOwnWay) {
  const auto dialect = make_dialect(DialectKind::azure);
  Endpoint endpoint;
  endpoint.base_path = "/openai";
  const RowPtr row = row_of(R"({"prompt":"hi"})");
  const Credential credential("azure-key");
  const SentRequest sent = as_sent(dialect->encode(*row, "gpt-4o", true, endpoint, credential));
  EXPECT_EQ(sent.line, "POST /openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21 HTTP/1.1");
  EXPECT_EQ(sent.fields.at("api-key"), "azure-key");
  EXPECT_NE(sent.body.find("include_usage"), std::string::npos);
}

}  // namespace
}  // namespace batchrun
