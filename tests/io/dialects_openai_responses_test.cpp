#include "io/dialects/openai_responses.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/support/replay.h"

namespace batchrun {
namespace {

// The response object of the API reference.
std::string response(const std::string& status, const std::string& error = "null",
                     const std::string& incomplete = "null", const std::string& more_output = "") {
  return R"({"id":"resp_abc123","object":"response","created_at":1763800000,"status":")" + status +
         R"(","error":)" + error + R"(,"incomplete_details":)" + incomplete +
         R"(,"model":"gpt-5-mini-2025-08-07","output":[{"id":"rs_1","type":"reasoning","summary":[]},)"
         R"({"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Paris.","annotations":[]}]})" +
         more_output +
         R"(],"usage":{"input_tokens":14,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":3},"output_tokens":70,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":84}})";
}

std::string event(const std::string& type, const std::string& members) {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\",\"sequence_number\":1" +
         (members.empty() ? "" : ",") + members + "}\n\n";
}

const std::string created = event(
    "response.created",
    R"("response":{"id":"resp_abc123","object":"response","status":"in_progress","error":null,"incomplete_details":null,"model":"gpt-5-mini","output":[],"usage":null})");
const std::string item = event("response.output_item.added",
                               R"("output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]})");
const std::string part = event("response.content_part.added", R"("part":{"type":"output_text","text":""})");
const std::string nothing =
    event("response.output_text.delta", R"("item_id":"msg_1","delta":"","logprobs":[])");
const std::string delta =
    event("response.output_text.delta",
          R"("item_id":"msg_1","output_index":1,"content_index":0,"delta":"Paris","logprobs":[])");
const std::string before = created + item + part + nothing;

Recording stream(std::string body) {
  Recording recording;
  recording.api = Api::responses;
  recording.body = std::move(body);
  return recording;
}

Recording whole(std::string body) {
  Recording recording = stream(std::move(body));
  recording.streamed = false;
  recording.fields = {{"content-type", "application/json"}};
  return recording;
}

TEST(ResponsesStream, IsAnsweredByItsLastEvent) {
  const std::string done = response("completed");
  for (const std::string& tail : {std::string(), std::string("data: [DONE]\n\n")}) {
    const Reply reply =
        replay(stream(before + delta + event("response.completed", "\"response\":" + done) + tail));
    ASSERT_FALSE(reply.fault) << reply.fault->message;
    EXPECT_EQ(reply.answer.body, done);
    EXPECT_EQ(reply.answer.model, "gpt-5-mini-2025-08-07");
    EXPECT_EQ(reply.answer.finish_reason, "stop");
    EXPECT_TRUE(reply.answer.usage.known);
    EXPECT_EQ(reply.answer.usage.input_tokens, 14u);
    EXPECT_EQ(reply.answer.usage.cached_tokens, 2u);
    EXPECT_EQ(reply.answer.usage.cache_write_tokens, 3u);
    EXPECT_EQ(reply.answer.usage.output_tokens, 70u);
    EXPECT_EQ(reply.answer.usage.reasoning_tokens, 64u);
    EXPECT_EQ(replay(whole(done)).answer.body, reply.answer.body);
  }
}

TEST(ResponsesStream, OpensTheGateWithItsFirstDelta) {
  EXPECT_EQ(gate_of(stream(before)), std::string::npos);
  for (const char* type :
       {"response.output_text.delta", "response.refusal.delta", "response.function_call_arguments.delta",
        "response.reasoning_summary_text.delta"}) {
    const std::string first = event(type, R"("delta":"x")");
    EXPECT_EQ(gate_of(stream(before + first)), before.size() + first.size()) << type;
  }
  const std::string end = event("response.completed", "\"response\":" + response("completed"));
  EXPECT_EQ(gate_of(stream(before + end)), before.size() + end.size());
}

TEST(ResponsesStream, IsNoAnswerWithoutItsLastEvent) {
  for (const std::string& body :
       {std::string(), before, before + delta, before + delta + "data: [DONE]\n\n"}) {
    EXPECT_EQ(replay(stream(body)).fault.value_or(Fault()).kind, FaultKind::truncated_reply) << body;
  }
}

// The last event is as long as the whole answer, pictures in base64 and all.
TEST(ResponsesStream, MayEndWithALongEvent) {
  const std::string image =
      R"(,{"type":"image_generation_call","result":")" + std::string(3u << 20, 'A') + "\"}";
  const std::string done = response("completed", "null", "null", image);
  const Recording recording = stream(event("response.completed", "\"response\":" + done));
  const Reply reply = play(recording, {recording.body});
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(reply.answer.body, done);
}

TEST(ResponsesStream, CutShortIsNeverAnAnswer) {
  const std::string done = response("completed");
  expect_no_partial_answer(stream(before + delta + event("response.completed", "\"response\":" + done)));
  expect_no_partial_answer(whole(done));
}

TEST(ResponsesStream, FailsAsItsEventsSay) {
  struct Case {
    std::string event;
    FaultKind kind;
  };
  const auto failed = [](const char* code) {
    return event("response.failed", "\"response\":" + response("failed", R"({"code":")" + std::string(code) +
                                                                             R"(","message":"why"})"));
  };
  const Case table[] = {
      {failed("server_error"), FaultKind::server_error},
      {failed("rate_limit_exceeded"), FaultKind::rate_limited},
      {failed("invalid_prompt"), FaultKind::bad_request},
      {failed("data_residency_mismatch"), FaultKind::bad_request},
      {failed("bio_policy"), FaultKind::content_refused},
      {failed("vector_store_timeout"), FaultKind::server_error},
      {failed("invalid_base64_image"), FaultKind::bad_request},
      {failed("image_content_policy_violation"), FaultKind::content_refused},
      {event("response.failed", "\"response\":" + response("failed")), FaultKind::server_error},
      {event("response.failed", ""), FaultKind::malformed_reply},
      {event("response.completed", "\"response\":" + response("cancelled")), FaultKind::server_error},
      {event("error", R"("code":"rate_limit_exceeded","message":"Rate limit reached","param":null)"),
       FaultKind::rate_limited},
      {event("error",
             R"("error":{"type":"invalid_request_error","code":"insufficient_quota","message":"x"})"),
       FaultKind::quota_exhausted},
      {"data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n", FaultKind::server_error},
      {"data: {\"type\":\n\n", FaultKind::malformed_reply},
      {"data: 7\n\n", FaultKind::malformed_reply},
  };
  for (const Case& one : table) {
    for (const std::string& start : {std::string(), before + delta}) {
      const Reply reply = replay(stream(start + one.event));
      ASSERT_TRUE(reply.fault) << one.event;
      EXPECT_EQ(name(reply.fault->kind), name(one.kind)) << one.event;
    }
  }
}

TEST(ResponsesBody, FinishesInOpenAisWords) {
  const std::pair<std::string, const char*> table[] = {
      {response("completed"), "stop"},
      {response("completed", "null", "null",
                R"(,{"type":"function_call","call_id":"c","name":"f","arguments":"{}"})"),
       "tool_calls"},
      {response("completed", "null", "null",
                R"(,{"type":"message","content":[{"type":"refusal","refusal":"no"}]})"),
       "content_filter"},
      {response("incomplete", "null", R"({"reason":"max_output_tokens"})"), "length"},
      {response("incomplete", "null", R"({"reason":"content_filter"})"), "content_filter"},
      {response("incomplete"), "length"},
  };
  for (const auto& [body, finish] : table) {
    const Reply reply = replay(whole(body));
    ASSERT_FALSE(reply.fault) << body;
    EXPECT_EQ(reply.answer.finish_reason, finish) << body;
    EXPECT_EQ(reply.answer.body, body);
    const std::string type =
        finish == std::string_view("length") ? "response.incomplete" : "response.completed";
    EXPECT_EQ(replay(stream(event(type, "\"response\":" + body))).answer.finish_reason, finish);
  }
}

TEST(ResponsesBody, IsNoAnswerWhenItFailed) {
  const std::pair<std::string, FaultKind> table[] = {
      {response("failed", R"({"code":"server_error","message":"x"})"), FaultKind::server_error},
      {response("failed", R"({"code":"invalid_prompt","message":"x"})"), FaultKind::bad_request},
      {response("failed"), FaultKind::server_error},
      {response("cancelled"), FaultKind::server_error},
      {response("queued"), FaultKind::bad_request},
      {response("in_progress"), FaultKind::bad_request},
      {R"({"error":{"code":429,"message":"x"}})", FaultKind::rate_limited},
      {"{}", FaultKind::malformed_reply},
      {"", FaultKind::malformed_reply},
      {"[]", FaultKind::malformed_reply},
      {"<html>", FaultKind::malformed_reply},
  };
  for (const auto& [body, kind] : table) {
    const Reply reply = replay(whole(body));
    ASSERT_TRUE(reply.fault) << body;
    EXPECT_EQ(name(reply.fault->kind), name(kind)) << body;
    EXPECT_EQ(reply.fault->status, 200);
  }
}

}  // namespace
}  // namespace batchrun
