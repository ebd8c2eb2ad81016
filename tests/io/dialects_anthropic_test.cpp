#include "io/dialects/anthropic.h"

#include "tests/support/replay.h"
#include "tests/support/sent_request.h"

namespace batchrun {
namespace {

const Credential credential("sk-ant-test");

FeatureSet unmet(const std::string& line, const Endpoint& endpoint = {}) {
  return row_of(line)->needs.without(make_dialect(DialectKind::anthropic)->honours(endpoint));
}

std::string with(const std::string& member) {
  return R"({"messages":[{"role":"user","content":"x"}],)" + member + "}";
}

TEST(AnthropicDialect, ServesChatsAndItsOwnMessages) {
  const auto dialect = make_dialect(DialectKind::anthropic);
  for (const Api api : {Api::chat, Api::responses, Api::embeddings, Api::anthropic_messages,
                        Api::gemini_generate, Api::ollama_chat, Api::search}) {
    EXPECT_EQ(dialect->serves(api, Endpoint()), api == Api::chat || api == Api::anthropic_messages)
        << name(api);
    EXPECT_EQ(dialect->streams(api), api == Api::chat) << name(api);
  }
}

TEST(AnthropicDialect, HonoursWhatItHasWordsFor) {
  for (
      const char* member :
      {R"("temperature":1,"top_p":0.5,"top_k":3)", R"("stop":["a","b","c","d","e","f"])",
       R"("tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required","parallel_tool_calls":false)",
       R"("response_format":{"type":"json_schema","json_schema":{}})", R"("reasoning_effort":"none")",
       R"("tools":[{"type":"function","function":{"name":"f","strict":true}}])",
       R"("reasoning_effort":"medium")", R"("reasoning_effort":"max")", R"("user":"u")"}) {
    EXPECT_TRUE(unmet(with(member)).empty()) << member;
  }
  struct Case {
    const char* member;
    Feature feature;
  };
  for (const Case& one :
       {Case{R"("temperature":1.5)", Feature::temperature_over_1}, Case{R"("seed":1)", Feature::seed},
        Case{R"("n":2)", Feature::choices}, Case{R"("stop":"\n")", Feature::stop_blank},
        Case{R"("logit_bias":{"1":1})", Feature::logit_bias}, Case{R"("logprobs":true)", Feature::logprobs},
        Case{R"("min_p":0.1)", Feature::min_p}, Case{R"("frequency_penalty":1)", Feature::frequency_penalty},
        Case{R"("presence_penalty":1)", Feature::presence_penalty},
        Case{R"("repetition_penalty":1.1)", Feature::repetition_penalty},
        Case{R"("response_format":{"type":"json_object"})", Feature::json_object},
        Case{R"("reasoning_effort":"minimal")", Feature::reasoning_minimal},
        Case{R"("service_tier":"flex")", Feature::service_tier},
        Case{R"("tools":[{"type":"custom","custom":{"name":"f"}}])", Feature::other_value},
        Case{R"("keep_alive":5)", Feature::other}}) {
    EXPECT_EQ(unmet(with(one.member)), FeatureSet(one.feature)) << one.member;
  }
  EXPECT_EQ(unmet(R"({"messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}]})"),
            FeatureSet(Feature::late_system));
}

TEST(AnthropicDialect, TheNewerVersionTakesNoSampling) {
  Endpoint newer;
  newer.api_version = "2026-10-21";
  EXPECT_EQ(unmet(with(R"("temperature":1,"top_p":0.5,"top_k":3)"), newer),
            FeatureSet(Feature::temperature, Feature::top_p, Feature::top_k));
  EXPECT_TRUE(unmet(with(R"("stop":"a")"), newer).empty());
}

TEST(AnthropicDialect, NamesTheRequestForSupport) {
  const auto dialect = make_dialect(DialectKind::anthropic);
  EXPECT_EQ(dialect->request_id(reply_head(200, {{"request-id", "req_1"}, {"x-request-id", "other"}})),
            "req_1");
}

TEST(AnthropicDialect, JudgesAProbe) {
  const auto dialect = make_dialect(DialectKind::anthropic);
  EXPECT_FALSE(dialect->judge_probe(reply_head(200), R"({"data":[]})"));
  const auto fault = dialect->judge_probe(
      reply_head(401),
      R"({"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}})");
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, FaultKind::unauthorized);
}

// Each method reaches its own rules through the interface.
TEST(AnthropicDialect, SpeaksItsOwnWords) {
  const auto dialect = make_dialect(DialectKind::anthropic);
  const Endpoint endpoint;
  const RowPtr row = row_of(R"({"prompt":"hi"})");
  EXPECT_EQ(as_sent(dialect->encode(*row, "m", true, endpoint, credential)).line,
            "POST /v1/messages HTTP/1.1");
  EXPECT_EQ(as_sent(dialect->encode_probe(endpoint, credential)).line, "GET /v1/models?limit=1 HTTP/1.1");
  EXPECT_TRUE(dialect->limits(reply_head(200, {{"anthropic-ratelimit-requests-limit", "5"}})).any);
  EXPECT_EQ(dialect->classify(reply_head(529), "").kind, FaultKind::overloaded);
  AnswerDraft draft;
  EXPECT_FALSE(dialect->decode_event(Api::chat, "message_stop", R"({"type":"message_stop"})", draft));
  EXPECT_TRUE(draft.end_mark);
  Answer answer;
  EXPECT_TRUE(dialect->decode_body(Api::chat, reply_head(200), "", answer));
}

// An error that comes as the whole reply, through the validator as in a run.
TEST(AnthropicDialect, AnErrorReplyIsOneHoweverItIsCut) {
  Recording recording;
  recording.kind = DialectKind::anthropic;
  recording.status = 429;
  recording.fields = {{"content-type", "application/json"}, {"request-id", "req_1"}, {"retry-after", "7"}};
  recording.body =
      R"({"type":"error","error":{"type":"rate_limit_error","message":"limit of 30,000 input tokens per minute"},"request_id":"req_1"})";
  const Reply reply = replay(recording);
  ASSERT_TRUE(reply.fault);
  EXPECT_EQ(reply.fault->kind, FaultKind::rate_limited);
  EXPECT_EQ(reply.fault->dimension, Dimension::input_tokens_per_minute);
  EXPECT_EQ(reply.request_id, "req_1");
  EXPECT_EQ(reply.error_body, recording.body);
}

}  // namespace
}  // namespace batchrun
