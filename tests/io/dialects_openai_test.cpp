#include <gtest/gtest.h>

#include "io/dialect.h"
#include "tests/support/replay.h"

namespace batchrun {
namespace {

TEST(OpenAiDialect, NamesTheRequestForSupport) {
  const auto dialect = make_dialect(DialectKind::openai);
  EXPECT_EQ(dialect->request_id(reply_head(200, {{"X-Request-Id", "req_1"}, {"X-Generation-Id", "gen-1"}})),
            "req_1");
  EXPECT_EQ(dialect->request_id(reply_head(200, {{"X-Generation-Id", "gen-1"}})), "gen-1");
  EXPECT_EQ(dialect->request_id(reply_head(200)), "");
}

TEST(OpenAiDialect, GroqIsNotAskedForWhatItRefuses) {
  const FeatureSet honoured = make_dialect(DialectKind::groq)->honours(Endpoint());
  EXPECT_EQ(FeatureSet::all().without(honoured),
            FeatureSet(Feature::choices, Feature::logprobs, Feature::logit_bias, Feature::message_name));
  EXPECT_EQ(make_dialect(DialectKind::openai)->honours(Endpoint()), FeatureSet::all());
}

TEST(OpenAiDialect, CerebrasIsNotAskedForWhatItPassesOver) {
  EXPECT_EQ(FeatureSet::all().without(make_dialect(DialectKind::cerebras)->honours(Endpoint())),
            FeatureSet(Feature::logit_bias));
}

TEST(OpenAiDialect, ServesWhatItsServersDo) {
  using enum DialectKind;
  struct Case {
    DialectKind kind;
    bool responses, embeddings;
  };
  for (const Case& one : {Case{openai, true, true}, Case{groq, true, false}, Case{cerebras, false, false},
                          Case{azure, false, true}, Case{ollama_v1, true, true}}) {
    const auto dialect = make_dialect(one.kind);
    for (int i = 0; i <= static_cast<int>(Api::search); ++i) {
      const Api api = static_cast<Api>(i);
      const bool serves = api == Api::chat || (api == Api::responses && one.responses) ||
                          (api == Api::embeddings && one.embeddings);
      EXPECT_EQ(dialect->serves(api, Endpoint()), serves) << name(one.kind) << name(api);
    }
    EXPECT_TRUE(dialect->streams(Api::chat) && dialect->streams(Api::responses));
    EXPECT_FALSE(dialect->streams(Api::embeddings));
  }
}

// Streams as the providers' references have them.
struct Recorded {
  DialectKind kind;
  const char* body;
  const char* verdict;  // as verdict_of() says it, up to the body
};
const Recorded recorded[] = {
    {DialectKind::openai,
     R"(data: {"id":"chatcmpl-AbC123","object":"chat.completion.chunk","created":1763800000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x7Kq"}

data: {"id":"chatcmpl-AbC123","object":"chat.completion.chunk","created":1763800000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":"Paris"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"p"}

data: {"id":"chatcmpl-AbC123","object":"chat.completion.chunk","created":1763800000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null,"obfuscation":"9aQ"}

data: {"id":"chatcmpl-AbC123","object":"chat.completion.chunk","created":1763800000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[],"usage":{"prompt_tokens":14,"completion_tokens":3,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"obfuscation":""}

data: [DONE]

)",
     "stop by gpt-4o-mini-2024-07-18, 14 0 0 3 0 0 "},
    {DialectKind::groq,
     R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"llama-3.1-8b-instant","system_fingerprint":"fp_x","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"x_groq":{"id":"req_01"}}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"llama-3.1-8b-instant","system_fingerprint":"fp_x","choices":[{"index":0,"delta":{"content":"Paris"},"logprobs":null,"finish_reason":null}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"llama-3.1-8b-instant","system_fingerprint":"fp_x","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"x_groq":{"id":"req_01","usage":{"queue_time":0.01,"prompt_tokens":14,"prompt_time":0.001,"completion_tokens":3,"completion_time":0.004,"total_tokens":17,"total_time":0.005}}}

data: [DONE]

)",
     "stop by llama-3.1-8b-instant, 14 0 0 3 0 0 "},
    {DialectKind::groq,
     R"(data: {"choices":[{"index":0,"delta":{"content":"Par"}}]}

data: {"choices":[],"x_groq":{"id":"req_01","error":"over capacity"}}

)",
     "server_error: over capacity"},
    {DialectKind::cerebras,
     R"(data: {"choices":[{"index":0,"delta":{"content":"Paris"}}]}

data: {"choices":[{"index":0,"delta":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":14,"completion_tokens":3},"time_info":{"queue_time":0.1}}

data: [DONE]

)",
     "stop by , 14 0 0 3 0 0 "},
    {DialectKind::cerebras,
     R"(data: {"choices":[{"index":0,"delta":{"content":"Par"}}]}

event: error
data: {"error":{"message":"Tokens per minute limit exceeded","type":"too_many_tokens_error","param":"quota","code":"token_quota_exceeded","id":""},"status_code":429}

)",
     "rate_limited: Tokens per minute limit exceeded of tokens per minute"},
    {DialectKind::openai,  // OpenRouter
     R"(: OPENROUTER PROCESSING

: OPENROUTER PROCESSING

data: {"id":"gen-1","choices":[{"delta":{"content":"Par"}}]}

data: {"id":"gen-1","error":{"code":502,"message":"Provider disconnected"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}

)",
     "server_error: Provider disconnected"},
    {DialectKind::openai,  // vLLM
     R"(data: {"choices":[{"delta":{"content":"Par"}}],"usage":{"prompt_tokens":4,"completion_tokens":1,"prompt_tokens_details":null}}

data: {"error":{"message":"engine died","type":"InternalServerError","param":null,"code":500}}

data: [DONE]

)",
     "server_error: engine died"},
};

TEST(OpenAiDialect, ReadsRecordedStreamsHoweverTheyAreCut) {
  for (const Recorded& one : recorded) {
    Recording recording;
    recording.kind = one.kind;
    recording.body = one.body;
    EXPECT_TRUE(verdict_of(replay(recording)).starts_with(one.verdict)) << verdict_of(replay(recording));
  }
}

// Each flavour reaches its own rules through the interface.
TEST(OpenAiDialect, SpeaksAsItsFlavour) {
  const ResponseHead head = reply_head(498, {{"x-ratelimit-limit-requests", "10"}});
  const auto openai = make_dialect(DialectKind::openai);
  const auto groq = make_dialect(DialectKind::groq);
  EXPECT_EQ(openai->classify(head, "").kind, FaultKind::bad_request);
  EXPECT_EQ(groq->classify(head, "").kind, FaultKind::rate_limited);
  EXPECT_TRUE(openai->limits(head)[Dimension::requests_per_minute].limit);
  EXPECT_TRUE(groq->limits(head)[Dimension::requests_per_day].limit);

  Row row;
  row.text = R"({"messages":[]})";
  row.body = row.text;
  const Endpoint endpoint;
  EXPECT_NE(openai->encode(row, "m", true, endpoint, Credential()).body.find("include_usage"),
            std::string::npos);
  EXPECT_EQ(groq->encode(row, "m", true, endpoint, Credential()).body.find("include_usage"),
            std::string::npos);

  AnswerDraft draft;
  EXPECT_FALSE(groq->decode_event(Api::chat, "", "[DONE]", draft));
  EXPECT_TRUE(draft.end_mark);
  Answer answer;
  EXPECT_TRUE(groq->decode_body(Api::chat, reply_head(200), "", answer));
}

TEST(OpenAiDialect, OfAzureServesResponsesBelowItsNewerPath) {
  const auto dialect = make_dialect(DialectKind::azure);
  Endpoint endpoint;
  for (const char* path : {"", "/openai"}) {
    endpoint.base_path = path;
    EXPECT_FALSE(dialect->serves(Api::responses, endpoint)) << path;
  }
  endpoint.base_path = "/openai/v1";
  for (const Api api : {Api::chat, Api::responses, Api::embeddings})
    EXPECT_TRUE(dialect->serves(api, endpoint)) << name(api);
}

}  // namespace
}  // namespace batchrun
