#include "io/dialects/ollama.h"

#include "tests/support/replay.h"
#include "tests/support/sent_request.h"

namespace batchrun {
namespace {

FeatureSet unmet(const std::string& line, DialectKind kind = DialectKind::ollama) {
  return row_of(line)->needs.without(make_dialect(kind)->honours(Endpoint()));
}

std::string with(const std::string& member) {
  return R"({"messages":[{"role":"user","content":"x"}],)" + member + "}";
}

std::string image(const std::string& url) {
  return R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":")" + url +
         R"("}}]}]})";
}

TEST(OllamaDialect, ServesChatsAndItsOwn) {
  const auto dialect = make_dialect(DialectKind::ollama);
  for (const Api api : {Api::chat, Api::responses, Api::embeddings, Api::anthropic_messages,
                        Api::gemini_generate, Api::ollama_chat, Api::search}) {
    EXPECT_EQ(dialect->serves(api, Endpoint()), api == Api::chat || api == Api::ollama_chat) << name(api);
    EXPECT_EQ(dialect->streams(api), api == Api::chat) << name(api);
  }
}

TEST(OllamaDialect, HonoursWhatItHasWordsFor) {
  for (const char* member : {R"("temperature":1.5,"top_p":0.5,"top_k":3,"min_p":0.1,"seed":1)",
                             R"("stop":["\n","b","c","d","e","f"])",
                             R"("frequency_penalty":1,"presence_penalty":1,"repetition_penalty":1.1)",
                             R"("tools":[{"type":"function","function":{"name":"f"}}])",
                             R"("response_format":{"type":"json_object"})",
                             R"("response_format":{"type":"json_schema","json_schema":{}})",
                             R"("reasoning_effort":"none")", R"("reasoning_effort":"high")"}) {
    EXPECT_TRUE(unmet(with(member)).empty()) << member;
  }
  EXPECT_TRUE(unmet(image("data:image/png;base64,AA")).empty());
  EXPECT_EQ(unmet(image("https://a/b.png")), FeatureSet(Feature::image_url));
  EXPECT_EQ(unmet(image(R"(data:image/png;base64,AA","detail":"low)")), FeatureSet(Feature::image_detail));
  EXPECT_TRUE(
      unmet(R"({"messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}]})").empty());
  struct Case {
    const char* member;
    Feature feature;
  };
  for (const Case& one :
       {Case{R"("n":2)", Feature::choices}, Case{R"("tool_choice":"required")", Feature::tool_choice},
        Case{R"("parallel_tool_calls":false)", Feature::serial_tool_calls},
        Case{R"("logit_bias":{"1":1})", Feature::logit_bias}, Case{R"("logprobs":true)", Feature::logprobs},
        Case{R"("user":"u")", Feature::user},
        Case{R"("reasoning_effort":"minimal")", Feature::reasoning_minimal},
        Case{R"("reasoning_effort":"xhigh")", Feature::reasoning_over_high},
        Case{R"("tools":[{"type":"function","function":{"name":"f","strict":true}}])", Feature::strict_tools},
        Case{R"("keep_alive":5)", Feature::other}}) {
    EXPECT_EQ(unmet(with(one.member)), FeatureSet(one.feature)) << one.member;
  }
}

// Each method reaches its own rules through the interface.
TEST(OllamaDialect, SpeaksItsOwnWords) {
  const auto dialect = make_dialect(DialectKind::ollama);
  const Endpoint endpoint;
  const RowPtr row = row_of(R"({"prompt":"hi"})");
  EXPECT_EQ(as_sent(dialect->encode(*row, "m", true, endpoint, Credential())).line,
            "POST /api/chat HTTP/1.1");
  EXPECT_EQ(as_sent(dialect->encode_probe(endpoint, Credential())).line, "GET /api/tags HTTP/1.1");
  EXPECT_FALSE(dialect->judge_probe(reply_head(200), R"({"models":[]})"));
  EXPECT_EQ(dialect->classify(reply_head(503), "").kind, FaultKind::overloaded);
  EXPECT_FALSE(dialect->limits(reply_head(200, {{"x-ratelimit-limit-requests", "5"}})).any);
  AnswerDraft draft;
  EXPECT_FALSE(dialect->decode_event(Api::chat, "", R"({"message":{"content":"a"},"done":true})", draft));
  EXPECT_TRUE(draft.end_mark);
  Answer answer;
  EXPECT_TRUE(dialect->decode_body(Api::chat, reply_head(200), "", answer));
}

// The compatible side, /v1: the same server in OpenAI's words.
TEST(OllamaV1Dialect, LeavesRowsThatItWouldOnlyHalfRead) {
  for (const char* member :
       {R"("temperature":1.5,"top_p":0.5,"seed":1,"stop":"a","max_completion_tokens":5)",
        R"("tools":[{"type":"function","function":{"name":"f"}}])", R"("reasoning_effort":"low")"}) {
    EXPECT_TRUE(unmet(with(member), DialectKind::ollama_v1).empty()) << member;
  }
  struct Case {
    const char* member;
    Feature feature;
  };
  for (const Case& one : {Case{R"("n":2)", Feature::choices}, Case{R"("top_k":3)", Feature::top_k},
                          Case{R"("min_p":0.1)", Feature::min_p}, Case{R"("user":"u")", Feature::user},
                          Case{R"("tool_choice":"required")", Feature::tool_choice}}) {
    EXPECT_EQ(unmet(with(one.member), DialectKind::ollama_v1), FeatureSet(one.feature)) << one.member;
  }
}

Recording compat(std::string body) {
  Recording result;
  result.kind = DialectKind::ollama_v1;
  result.body = std::move(body);
  return result;
}

const std::string role_chunk =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"llama3.2","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"Par"},"finish_reason":null}]})"
    "\n\n";
const std::string text_chunk =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"llama3.2","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"content":"is."},"finish_reason":null}]})"
    "\n\n";
const std::string finish_chunk =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"llama3.2","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
    "\n\n";
const std::string usage_chunk =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"llama3.2","system_fingerprint":"fp_ollama","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14}})"
    "\n\n";

TEST(OllamaV1Dialect, ReadsItsStream) {
  const Reply reply =
      replay(compat(role_chunk + text_chunk + finish_chunk + usage_chunk + "data: [DONE]\n\n"));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_NE(reply.answer.body.find(R"("content":"Paris.")"), std::string::npos);
  EXPECT_EQ(reply.answer.usage.output_tokens, 3u);
}

// What fails in mid-stream there becomes an empty chunk, and the stream ends as if nothing were wrong.
TEST(OllamaV1Dialect, AFailureThatIsInvisibleIsCaught) {
  const std::string empty_chunk =
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})"
      "\n\n";
  for (const std::string& body : {role_chunk + text_chunk + empty_chunk, empty_chunk, role_chunk}) {
    const Reply reply = replay(compat(body));
    ASSERT_TRUE(reply.fault) << body;
    EXPECT_EQ(reply.fault->kind, FaultKind::truncated_reply);
    EXPECT_TRUE(reply.answer.body.empty());
  }
}

}  // namespace
}  // namespace batchrun
