#include "io/dialects/anthropic_decode.h"

#include <simdjson.h>

#include "tests/support/replay.h"
#include "tests/support/sent_request.h"

namespace batchrun {
namespace {

const ResponseHead ok = reply_head(200, {{"content-type", "application/json"}});

// Events as Anthropic sends them: each named as its type.
std::string events(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& data : all) {
    simdjson::dom::parser parser;
    text +=
        "event: " + std::string(std::string_view(parser.parse(data)["type"])) + "\ndata: " + data + "\n\n";
  }
  return text;
}

const std::string start_event =
    R"({"type":"message_start","message":{"id":"msg_01AbC","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[],"stop_reason":null,"stop_sequence":null,)"
    R"("usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}})";
const std::string text_block =
    R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})";
const std::string ping = R"({"type": "ping"})";
const std::string paris =
    R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Paris."}})";
const std::string block_stop = R"({"type":"content_block_stop","index":0})";
const std::string end_turn =
    R"({"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":9}})";
const std::string message_stop = R"({"type":"message_stop"})";

Recording recording(std::string body) {
  Recording result;
  result.kind = DialectKind::anthropic;
  result.body = std::move(body);
  return result;
}

const std::vector<std::string> short_stream = {start_event, text_block, ping,        paris,
                                               block_stop,  end_turn,   message_stop};

TEST(AnthropicStream, BecomesACompletion) {
  const Reply reply = replay(recording(events(short_stream)));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(
      reply.answer.body,
      R"({"id":"msg_01AbC","object":"chat.completion","created":0,"model":"claude-sonnet-5-5","choices":[{"index":0,"message":{"role":"assistant","content":"Paris.","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":12,"completion_tokens":9,"total_tokens":21,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}})");
  EXPECT_EQ(reply.answer.model, "claude-sonnet-5-5");
  EXPECT_EQ(reply.answer.finish_reason, "stop");
  EXPECT_EQ(reply.answer.usage.output_tokens, 9u);
}

TEST(AnthropicStream, IsWholeOnlyWithItsEndMark) {
  for (std::size_t count = 0; count < short_stream.size(); ++count) {
    const std::vector<std::string> some(short_stream.begin(),
                                        short_stream.begin() + static_cast<std::ptrdiff_t>(count));
    const Reply reply = play(recording(events(some)), {events(some)});
    ASSERT_TRUE(reply.fault) << count;
    EXPECT_EQ(name(reply.fault->kind), name(FaultKind::truncated_reply)) << count;
  }
}

TEST(AnthropicStream, EndedEarlyAnywhereIsNoAnswer) {
  expect_no_partial_answer(recording(events(short_stream)));
}

TEST(AnthropicStream, OpensTheGateWithContentOnly) {
  const std::string before = events({start_event, text_block, ping});
  const auto opened_by = [&](const std::string& event) {
    const std::string body = before + events({event});
    return gate_of(recording(body)) == body.size();
  };
  EXPECT_EQ(gate_of(recording(before)), std::string::npos);
  EXPECT_TRUE(opened_by(paris));
  EXPECT_TRUE(opened_by(end_turn));
  EXPECT_TRUE(opened_by(
      R"({"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}})"));
  EXPECT_TRUE(opened_by(
      R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}})"));
  for (
      const char* no_content :
      {R"({"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":"","signature":""}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}})",
       R"({"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":1}})",
       R"({"type":"content_block_stop","index":0})", R"({"type":"event_of_tomorrow","x":[1]})"}) {
    EXPECT_FALSE(opened_by(no_content)) << no_content;
  }
}

TEST(AnthropicStream, CollectsThinkingTextAndCalls) {
  const Reply reply = replay(recording(events({
      start_event,
      R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})",
      R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}})",
      R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see."}})",
      R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}})",
      R"({"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"xyz"}})",
      R"({"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}})",
      R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"I\u00e9 "}})",
      R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"look."}})",
      R"({"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}})",
      R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}})",
      R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}})",
      R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":" [1]}"}})",
      R"({"type":"content_block_start","index":4,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}})",
      R"({"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}})",
      R"({"type":"content_block_start","index":5,"content_block":{"type":"tool_use","id":"toolu_2","name":"g","input":{}}})",
      R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":40,"output_tokens_details":{"thinking_tokens":7}}})",
      message_stop,
  })));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  simdjson::dom::parser parser;
  const auto choice = parser.parse(reply.answer.body).at_pointer("/choices/0").value();
  EXPECT_EQ(
      simdjson::minify(choice["message"].value()),
      normal_json(
          R"({"role":"assistant","content":"Ié look.","refusal":null,"reasoning":"Let me see.","tool_calls":[)"
          R"({"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"a\": [1]}"}},{"id":"toolu_2","type":"function","function":{"name":"g","arguments":"{}"}}]})"));
  EXPECT_EQ(reply.answer.finish_reason, "tool_calls");
  EXPECT_EQ(reply.answer.usage.reasoning_tokens, 7u);
  EXPECT_EQ(reply.answer.usage.output_tokens, 40u);
}

TEST(AnthropicStream, FailsWhereItSaysSo) {
  const std::string failure =
      R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})";
  struct Case {
    std::string body;
    FaultKind kind;
  };
  using enum FaultKind;
  for (const Case& one :
       {Case{events({failure}), overloaded},
        Case{events({start_event, text_block, paris, failure}), overloaded},
        Case{"data: " + failure + "\n\n", overloaded},
        Case{events({start_event}) + "event: error\ndata: no json\n\n", server_error},
        Case{events({start_event}) + "event: content_block_delta\ndata: {\"type\":\n\n", malformed_reply},
        Case{events({start_event}) + "data: [1]\n\n", malformed_reply},
        Case{events({start_event, R"({"type":"message_delta","delta":{"stop_reason":"pause_turn"}})"}),
             bad_request}}) {
    const Reply reply = replay(recording(one.body));
    ASSERT_TRUE(reply.fault) << one.body;
    EXPECT_EQ(name(reply.fault->kind), name(one.kind)) << one.body;
    EXPECT_EQ(reply.fault->status, 200);
    EXPECT_TRUE(reply.answer.body.empty());
  }
}

// The counts are cumulative: what came last stands, what is null or absent takes nothing away.
TEST(AnthropicStream, KeepsTheLastOfEachCount) {
  const Reply reply = replay(recording(events({
      R"({"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":2000,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":1}}})",
      paris,
      R"({"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":5}})",
      R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"cache_creation_input_tokens":null,"output_tokens":8}})",
      message_stop,
  })));
  ASSERT_FALSE(reply.fault);
  const Usage& usage = reply.answer.usage;
  EXPECT_TRUE(usage.known);
  EXPECT_EQ(usage.input_tokens, 12u + 300u + 2000u);
  EXPECT_EQ(usage.cached_tokens, 2000u);
  EXPECT_EQ(usage.cache_write_tokens, 100u);
  EXPECT_EQ(usage.cache_write_1h_tokens, 200u);
  EXPECT_EQ(usage.output_tokens, 8u);
}

constexpr std::string_view message =
    R"({"id":"msg_01AbC","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[{"type":"thinking","thinking":"","signature":"EqQB"},{"type":"text","text":"Paris.","citations":null}],)"
    R"("stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":5,"cache_read_input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":1,"ephemeral_1h_input_tokens":4},)"
    R"("output_tokens":9,"output_tokens_details":{"thinking_tokens":4},"server_tool_use":null,"service_tier":"standard","inference_geo":"global"}})";

TEST(AnthropicBody, BecomesACompletionForAChatRow) {
  Answer answer;
  ASSERT_FALSE(decode_anthropic_body(Api::chat, ok, message, answer));
  EXPECT_EQ(
      normal_json(answer.body),
      normal_json(
          R"({"id":"msg_01AbC","object":"chat.completion","created":0,"model":"claude-sonnet-5-5","choices":[{"index":0,"message":{"role":"assistant","content":"Paris.","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
          R"("usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":4}}})"));
  EXPECT_EQ(answer.usage.input_tokens, 20u);
  EXPECT_EQ(answer.usage.cached_tokens, 3u);
  EXPECT_EQ(answer.usage.cache_write_tokens, 1u);
  EXPECT_EQ(answer.usage.cache_write_1h_tokens, 4u);
  EXPECT_EQ(answer.usage.reasoning_tokens, 4u);
}

TEST(AnthropicBody, IsKeptAsItCameForAMessagesRow) {
  Answer answer;
  ASSERT_FALSE(
      decode_anthropic_body(Api::anthropic_messages, ok, "\n" + std::string(message) + "\r\n", answer));
  EXPECT_EQ(answer.body, message);
  EXPECT_EQ(answer.model, "claude-sonnet-5-5");
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(answer.usage.input_tokens, 20u);
  EXPECT_EQ(answer.usage.output_tokens, 9u);
}

TEST(AnthropicBody, PassesAPausedTurnOnToWhoeverSpeaksItsWords) {
  const std::string body =
      R"({"id":"m","type":"message","model":"c","content":[],"stop_reason":"pause_turn","usage":{"input_tokens":1,"output_tokens":1}})";
  Answer answer;
  EXPECT_FALSE(decode_anthropic_body(Api::anthropic_messages, ok, body, answer));
  EXPECT_EQ(answer.finish_reason, "pause_turn");
  Answer none;
  const auto fault = decode_anthropic_body(Api::chat, ok, body, none);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, FaultKind::bad_request);
  EXPECT_TRUE(none.body.empty());
}

TEST(AnthropicBody, SaysWhyItStoppedInOpenAisWords) {
  struct Case {
    std::string_view reason, finish;
  };
  for (const Case& one :
       {Case{"end_turn", "stop"}, Case{"stop_sequence", "stop"}, Case{"max_tokens", "length"},
        Case{"model_context_window_exceeded", "length"}, Case{"tool_use", "tool_calls"},
        Case{"refusal", "content_filter"}, Case{"reason_of_tomorrow", "reason_of_tomorrow"}}) {
    Answer answer;
    ASSERT_FALSE(
        decode_anthropic_body(Api::chat, ok,
                              R"({"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":")" +
                                  std::string(one.reason) + "\"}",
                              answer));
    EXPECT_EQ(answer.finish_reason, one.finish);
    EXPECT_FALSE(answer.usage.known);
    EXPECT_EQ(answer.body.find("usage"), std::string::npos);
  }
}

TEST(AnthropicBody, TellsARefusalAndItsCalls) {
  Answer refused;
  ASSERT_FALSE(decode_anthropic_body(
      Api::chat, ok,
      R"({"type":"message","content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","explanation":"Not \"that\"."}})",
      refused));
  simdjson::dom::parser parser;
  EXPECT_EQ(std::string_view(parser.parse(refused.body).at_pointer("/choices/0/message/refusal")),
            "Not \"that\".");
  Answer called;
  ASSERT_FALSE(
      decode_anthropic_body(Api::chat, ok,
                            "{\"type\":\"message\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":"
                            "\"f\",\"input\":{\n\"a\":\"\\n\"}}],\"stop_reason\":\"tool_use\"}",
                            called));
  const auto message_json = parser.parse(called.body).at_pointer("/choices/0/message").value();
  EXPECT_TRUE(message_json["content"].is_null());
  EXPECT_EQ(normal_json(std::string_view(message_json.at_pointer("/tool_calls/0/function/arguments"))),
            R"({"a":"\n"})");
}

TEST(AnthropicBody, NoAnswerIsNoAnswer) {
  struct Case {
    std::string body;
    FaultKind kind;
    std::string_view in_message;
  };
  using enum FaultKind;
  for (const Case& one :
       {Case{"", malformed_reply, "empty"}, Case{"<html>Log in</html>", malformed_reply, "HTML"},
        Case{"[]", malformed_reply, "no JSON object"}, Case{"{}", malformed_reply, "no content"},
        Case{R"({"type":"message","content":null})", malformed_reply, "no content"},
        Case{R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", overloaded,
             "Overloaded"},
        Case{std::string(message) + "x", malformed_reply, "no JSON"}}) {
    for (const Api api : {Api::chat, Api::anthropic_messages}) {
      Answer answer;
      const auto fault = decode_anthropic_body(api, ok, one.body, answer);
      ASSERT_TRUE(fault) << one.body;
      EXPECT_EQ(name(fault->kind), name(one.kind)) << one.body;
      EXPECT_NE(fault->message.find(one.in_message), std::string::npos) << fault->message;
      EXPECT_TRUE(answer.body.empty());
    }
  }
  for (std::size_t size = 0; size < message.size(); ++size) {
    Answer answer;
    EXPECT_TRUE(decode_anthropic_body(Api::chat, ok, message.substr(0, size), answer)) << size;
  }
}

}  // namespace
}  // namespace batchrun
