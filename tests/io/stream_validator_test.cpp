#include "io/stream_validator.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <memory>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using Pieces = std::vector<std::string_view>;

const HeadFields event_stream = {{"Content-Type", "text/event-stream; charset=utf-8"},
                                 {"x-request-id", "req_1"}};
const HeadFields json = {{"Content-Type", "application/json"}};

Fault wire_fault(FaultKind kind) {
  Fault fault;
  fault.kind = kind;
  fault.message = "wire";
  return fault;
}

// What came of a reply, in one comparable text; and the flows it answered, for those who ask.
struct Seen {
  std::string verdict;
  std::vector<Flow> flows;
};

std::string show(const Reply& reply) {
  std::string text = std::to_string(reply.status) + " " + reply.request_id + " ";
  if (reply.fault) {
    text += std::string(name(reply.fault->kind)) + " " + std::to_string(reply.fault->status) + " " +
            reply.fault->message;
    EXPECT_TRUE(reply.answer.body.empty());
  } else {
    text += "answer " + reply.answer.body + " " + reply.answer.model + " " + reply.answer.finish_reason;
    const Usage& usage = reply.answer.usage;
    text += " " + std::to_string(usage.input_tokens) + "+" + std::to_string(usage.output_tokens) +
            (usage.known ? "" : "?");
  }
  return text + (reply.error_body.empty() ? "" : " body " + reply.error_body);
}

struct Script {
  DialectKind kind = DialectKind::openai;
  bool streamed = true;
  int status = 200;
  HeadFields fields = event_stream;
  std::optional<FaultKind> ending;  // what the wire says at the end
  ReplyCaps caps = {};
};

// Plays a reply as the transport does: stops when told, each piece in memory of its own.
Seen play(const Script& script, const Pieces& pieces) {
  const auto dialect = make_dialect(script.kind);
  StreamValidator validator(*dialect, Api::chat, script.streamed, script.caps);
  Seen seen;
  {
    const ResponseHead head = reply_head(script.status, script.fields);
    seen.flows.push_back(validator.on_head(head));
  }
  for (const std::string_view piece : pieces) {
    if (seen.flows.back() == Flow::done || seen.flows.back() == Flow::stop) break;
    const auto octets = std::make_unique<std::string>(piece);
    seen.flows.push_back(validator.on_body(*octets));
  }
  Ending ending;
  const bool told_to_end = seen.flows.back() == Flow::done || seen.flows.back() == Flow::stop;
  if (script.ending && !told_to_end) ending.fault = wire_fault(*script.ending);
  seen.verdict = show(validator.conclude(ending));
  return seen;
}

// Plays the body whole, byte by byte and cut at every place; the verdict must be the same.
std::string verdict(const Script& script, std::string_view body) {
  const std::string whole = play(script, {body}).verdict;
  Pieces bytes;
  for (std::size_t i = 0; i < body.size(); ++i) bytes.push_back(body.substr(i, 1));
  EXPECT_EQ(play(script, bytes).verdict, whole) << "byte by byte";
  for (std::size_t i = 0; i <= body.size(); ++i) {
    const std::string cut = play(script, {body.substr(0, i), body.substr(i)}).verdict;
    EXPECT_EQ(cut, whole) << "cut at " << i;
    if (cut != whole) break;
  }
  return whole;
}

constexpr std::string_view role =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x7Kq"})"
    "\n\n";
constexpr std::string_view par =
    "data: "
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Par\"},\"finish_reason\":null}],\"usage\":null}\n\n";
constexpr std::string_view is =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"is "
    "\xE2\x82\xAC\"},\"finish_reason\":null}]}\n\n";
constexpr std::string_view stop =
    "data: "
    "{\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}"
    "\n\n";
constexpr std::string_view usage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":14,\"completion_tokens\":3,\"total_tokens\":17}}\n\n";
constexpr std::string_view done = "data: [DONE]\n\n";
constexpr std::string_view error =
    R"(data: {"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}})"
    "\n\n";

template <class... Parts>
std::string join(const Parts&... parts) {
  std::string text;
  (text.append(parts), ...);
  return text;
}

const std::string paris =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1763800000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Paris )"
    "\xE2\x82\xAC"
    R"(","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":14,"completion_tokens":3,"total_tokens":17}})";

TEST(StreamValidator, AWholeStreamIsAnAnswer) {
  const std::string expected = "200 req_1 answer " + paris + " gpt-4o-mini-2024-07-18 stop 14+3";
  EXPECT_EQ(verdict({}, join(role, par, is, stop, usage, done)), expected);
  // Without [DONE], without the last blank line, with comments, with lines ended otherwise: the same.
  EXPECT_EQ(verdict({}, join(role, par, is, stop, usage)), expected);
  std::string bare = join(role, par, is, stop, usage);
  bare.resize(bare.size() - 2);
  EXPECT_EQ(verdict({}, bare), expected);
  EXPECT_EQ(verdict({}, join(": OPENROUTER PROCESSING\n\n", role, ": OPENROUTER PROCESSING\n\n", par, is,
                             stop, usage, done)),
            expected);
  for (const std::string_view end : {"\r\n", "\r"}) {
    std::string text;
    for (const char c : join(role, par, is, stop, usage, done))
      text += c == '\n' ? std::string(end) : std::string(1, c);
    EXPECT_EQ(verdict({}, text), expected);
  }
}

TEST(StreamValidator, AzuresFirstChunkHasNoChoice) {
  const std::string first =
      R"(data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]})"
      "\n\n";
  EXPECT_EQ(verdict({}, join(first, role, par, is, stop, usage, done)),
            "200 req_1 answer " + paris + " gpt-4o-mini-2024-07-18 stop 14+3");
}

TEST(StreamValidator, GroqsUsageComesWithTheEnd) {
  Script script;
  script.kind = DialectKind::groq;
  const std::string end =
      R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"req_01","usage":{"queue_time":0.01,"prompt_tokens":14,"completion_tokens":3}}})"
      "\n\n";
  EXPECT_TRUE(verdict(script, join(role, par, end, done)).ends_with(" stop 14+3"));
}

TEST(StreamValidator, CerebrasChunksHaveNulls) {
  Script script;
  script.kind = DialectKind::cerebras;
  const std::string nulls = R"(data: {"id":"c","choices":null,"usage":null})"
                            "\n\n"
                            R"(data: {"choices":[{"index":0,"delta":null}],"usage":null})"
                            "\n\n";
  EXPECT_TRUE(verdict(script, join(nulls, role, par, stop, usage, done)).ends_with(" stop 14+3"));
}

TEST(StreamValidator, ToolCallsAreContent) {
  const std::string call =
      R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\""}}]}}]})"
      "\n\n"
      R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]})"
      "\n\n"
      R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})"
      "\n\n";
  const std::string result = verdict({}, join(role, call, done));
  EXPECT_NE(result.find(R"("content":null)"), std::string::npos) << result;
  EXPECT_NE(result.find(R"("function":{"name":"f","arguments":"{\"a\":1}"})"), std::string::npos) << result;
  EXPECT_TRUE(result.ends_with(" tool_calls 0+0?")) << result;
}

TEST(StreamValidator, MissingUsageIsNotKnown) {
  EXPECT_TRUE(verdict({}, join(role, par, stop, done)).ends_with(" stop 0+0?"));
}

TEST(StreamValidator, TheEndRules) {
  // The end mark without a finish reason, but with content: an answer.
  EXPECT_NE(verdict({}, join(role, par, done)).find(R"("content":"Par")"), std::string::npos);
  EXPECT_NE(verdict({}, join(role, par, done)).find(R"("finish_reason":null)"), std::string::npos);
  // Empty text with a finish reason: an answer.
  EXPECT_NE(verdict({}, join(role, stop, done)).find(R"("content":"")"), std::string::npos);
  // Neither: no answer.
  const std::string truncated =
      "200 req_1 truncated_reply 200 the stream ended without a finish reason or an end mark";
  EXPECT_EQ(verdict({}, join(role, par, is)), truncated);
  EXPECT_EQ(verdict({}, join(role)), truncated);
  EXPECT_EQ(verdict({}, ""), truncated);
  EXPECT_EQ(verdict({}, ": comment\n\n"), truncated);
  EXPECT_EQ(verdict({}, join(role, usage)), truncated);
  // The end mark alone: no answer either.
  const std::string empty = "200 req_1 truncated_reply 200 the stream ended without an answer";
  EXPECT_EQ(verdict({}, join(done)), empty);
  EXPECT_EQ(verdict({}, join(role, usage, done)), empty);
  // One of two choices unfinished.
  const std::string second = "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"x\"}}]}\n\n";
  EXPECT_EQ(verdict({}, join(role, par, second, stop)), truncated);
}

// Cut anywhere, a stream is an answer only once its finish reason has come whole.
TEST(StreamValidator, NoCutStreamIsAnAnswer) {
  const std::string text = join(role, par, is, stop, usage, done);
  const std::size_t finished =
      join(role, par, is, stop).size() - 2;  // the flush at the end needs no blank line
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string result = play({}, {std::string_view(text).substr(0, size)}).verdict;
    const bool answer = result.find(" answer ") != std::string::npos;
    EXPECT_TRUE(!answer || size >= finished) << size << result;
    EXPECT_TRUE(answer || size < text.size()) << size << result;
  }
}

TEST(StreamValidator, AnErrorEventIsAFaultBeforeAndAfterTheGate) {
  const std::string expected = "200 req_1 server_error 200 The server had an error";
  EXPECT_EQ(verdict({}, join(error)), expected);
  EXPECT_EQ(verdict({}, join(role, error)), expected);
  EXPECT_EQ(verdict({}, join(role, par, error)), expected);
  EXPECT_EQ(verdict({}, join(role, par, error, done)), expected);
  EXPECT_EQ(verdict({}, join(role, par, is, stop, error)), expected);
  Script groq;
  groq.kind = DialectKind::groq;
  EXPECT_EQ(verdict(groq, join(role, par,
                               R"(data: {"x_groq":{"error":"over capacity"}})"
                               "\n\n")),
            "200 req_1 server_error 200 over capacity");
  Script cerebras;
  cerebras.kind = DialectKind::cerebras;
  EXPECT_EQ(verdict(cerebras, join(role, par, "event: error\n",
                                   R"(data: {"error":{"message":"slow"},"status_code":429})"
                                   "\n\n")),
            "200 req_1 rate_limited 200 slow");
}

TEST(StreamValidator, AMalformedEventIsAFault) {
  EXPECT_TRUE(verdict({}, join(role, par, "data: {\"choices\":[\n\n", stop, done))
                  .starts_with("200 req_1 malformed_reply 200"));
  EXPECT_TRUE(verdict({}, join("data: \xFF\n\n")).starts_with("200 req_1 malformed_reply 200"));
}

TEST(StreamValidator, FlowsSayWhenTheGateOpens) {
  const auto flows = play({}, {role, ": ping\n\n", usage, par, stop, done}).flows;
  EXPECT_EQ(flows, (std::vector{Flow::awaiting, Flow::awaiting, Flow::awaiting, Flow::awaiting,
                                Flow::committed, Flow::finished, Flow::done}));
  EXPECT_EQ(play({}, {role, error, par}).flows, (std::vector{Flow::awaiting, Flow::awaiting, Flow::stop}));
}

TEST(StreamValidator, TheEndMarkEndsItWhateverFollows) {
  const std::string expected = "200 req_1 answer " + paris + " gpt-4o-mini-2024-07-18 stop 14+3";
  EXPECT_EQ(verdict({}, join(role, par, is, stop, usage, done, error, "garbage")), expected);
  // The server keeps the connection open until our deadline: the transport was told `done` before.
  Script script;
  script.ending = FaultKind::timeout_idle;
  EXPECT_EQ(verdict(script, join(role, par, is, stop, usage, done)), expected);
}

TEST(StreamValidator, AWireFaultBeforeTheEndIsTheVerdict) {
  for (const FaultKind kind : {FaultKind::connect, FaultKind::timeout_first_chunk, FaultKind::timeout_idle,
                               FaultKind::truncated_reply, FaultKind::cancelled}) {
    Script script;
    script.ending = kind;
    const std::string expected = "200 req_1 " + std::string(name(kind)) + " 200 wire";
    EXPECT_EQ(verdict(script, join(role, par)), expected);
    EXPECT_EQ(verdict(script, join(role, par, is, stop)), expected);  // no end mark, and not a clean end
    EXPECT_EQ(verdict(script, ""), expected);
    script.streamed = false;
    script.fields = json;
    EXPECT_EQ(verdict(script, R"({"choices":[{"message":{"content":"x"}}]})"),
              "200  " + std::string(name(kind)) + " 200 wire");
  }
}

TEST(StreamValidator, AFaultBeforeAnyHeadHasNoStatus) {
  const auto dialect = make_dialect(DialectKind::openai);
  Ending ending;
  ending.fault = wire_fault(FaultKind::connect);
  EXPECT_EQ(show(StreamValidator(*dialect, Api::chat, true).conclude(ending)), "0  connect 0 wire");
  EXPECT_EQ(show(StreamValidator(*dialect, Api::chat, true).conclude(Ending())),
            "0  truncated_reply 0 the connection ended before a reply");
}

TEST(StreamValidator, AStatusOutweighsWhatTheWireDoesAfterIt) {
  Script script;
  script.status = 429;
  script.fields = {{"content-type", "application/json"}, {"retry-after", "2"}};
  const std::string body =
      R"({"error":{"message":"Rate limit reached","type":"tokens","code":"rate_limit_exceeded"}})";
  EXPECT_EQ(verdict(script, body), "429  rate_limited 429 Rate limit reached body " + body);
  script.ending = FaultKind::truncated_reply;
  EXPECT_EQ(verdict(script, body.substr(0, 20)),
            "429  rate_limited 429 HTTP 429: {\"error\":{\"message\": body " + body.substr(0, 20));
  script.status = 503;
  EXPECT_EQ(verdict(script, ""), "503  overloaded 503 HTTP 503 with an empty body");
}

// Gemini answers 400 to a bad key, too, and only the body tells. Wherever it is cut, the row may go on.
TEST(StreamValidator, NoRowIsGivenUpForAnErrorThatWasCutShort) {
  const std::string body =
      R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":)"
      R"("API_KEY_INVALID","domain":"googleapis.com"}]}})";
  const auto dialect = make_dialect(DialectKind::gemini);
  for (const FaultKind wire : {FaultKind::truncated_reply, FaultKind::timeout_idle, FaultKind::cancelled}) {
    for (std::size_t size = 0; size <= body.size(); ++size) {
      StreamValidator validator(*dialect, Api::chat, false);
      validator.on_head(reply_head(400, {{"content-type", "application/json"}}));
      validator.on_body(body.substr(0, size));
      Ending ending;
      if (size < body.size()) ending.fault = wire_fault(wire);
      const Reply reply = validator.conclude(ending);
      EXPECT_TRUE(traits(reply.fault->kind).retryable) << "cut after " << size;
      EXPECT_EQ(reply.status, 400);
      EXPECT_EQ(reply.fault->kind, size < body.size() ? wire : FaultKind::unauthorized);
    }
  }
}

TEST(StreamValidator, KeepsLimitsAndRetryAfterOfAnError) {
  const auto dialect = make_dialect(DialectKind::openai);
  StreamValidator validator(*dialect, Api::chat, true);
  EXPECT_EQ(
      validator.on_head(reply_head(429, {{"retry-after", "3"}, {"x-ratelimit-remaining-requests", "0"}})),
      Flow::awaiting);
  const Reply reply = validator.conclude(Ending());
  EXPECT_EQ(reply.fault->retry_after, Duration(std::chrono::seconds(3)));
  EXPECT_TRUE(reply.limits.any);
  EXPECT_EQ(reply.limits[Dimension::requests_per_minute].remaining, 0.0);
}

TEST(StreamValidator, OfALongErrorBodyTheStartIsKept) {
  Script script;
  script.status = 500;
  script.fields = {{"content-type", "text/html"}};
  script.caps.error_body_bytes = 10;
  EXPECT_EQ(verdict(script, "0123456789abcdef"),
            "500  server_error 500 HTTP 500: 0123456789 body 0123456789");
  script.caps.body_bytes = 12;
  EXPECT_EQ(play(script, {"0123456789", "abcdef"}).flows.back(), Flow::done);
}

TEST(StreamValidator, AWrongContentTypeStopsAtOnce) {
  for (const std::string_view type :
       {"text/html; charset=utf-8", "text/plain", "application/xml", "image/png"}) {
    Script script;
    const HeadFields fields = {{"content-type", type}};
    script.fields = fields;
    const Seen seen = play(script, {"<html>"});
    EXPECT_EQ(seen.flows, std::vector{Flow::stop});
    EXPECT_TRUE(seen.verdict.starts_with("200  malformed_reply 200 the reply is ")) << seen.verdict;
  }
}

TEST(StreamValidator, ACompressedReplyIsAFault) {
  for (const bool streamed : {true, false}) {
    Script script;
    script.streamed = streamed;
    script.fields = {{"content-type", "text/event-stream"}, {"content-encoding", "gzip"}};
    EXPECT_EQ(play(script, {join(role)}).flows, std::vector{Flow::stop});
    script.fields = {{"content-type", "application/json"}, {"content-encoding", "identity"}};
    EXPECT_EQ(play(script, {"{"}).flows.back(), Flow::committed);
    // Of an error only the status is read then.
    script.status = 502;
    script.fields = {{"content-encoding", "br"}};
    EXPECT_EQ(verdict(script, "\x1f\x8b"), "502  server_error 502 HTTP 502 with an empty body");
  }
}

constexpr std::string_view completion =
    R"({"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1}})";

TEST(StreamValidator, AStreamedRequestMayBeAnsweredWhole) {
  for (const std::string_view type :
       {"application/json", "Application/JSON; charset=utf-8", "application/problem+json"}) {
    Script script;
    const HeadFields fields = {{"content-type", type}};
    script.fields = fields;
    EXPECT_EQ(verdict(script, completion), "200  answer " + std::string(completion) + " m stop 2+1");
  }
  Script script;
  script.fields = json;
  EXPECT_EQ(verdict(script, R"({"error":{"code":502,"message":"down"}})"), "200  server_error 200 down");
}

TEST(StreamValidator, WithoutAContentTypeTheFirstByteDecides) {
  Script script;
  script.fields = {};
  EXPECT_EQ(verdict(script, "\n " + std::string(completion)),
            "200  answer " + std::string(completion) + " m stop 2+1");
  EXPECT_TRUE(verdict(script, join(role, par, stop, usage, done)).ends_with(" stop 14+3"));
  EXPECT_TRUE(verdict(script, join("\n", role, par, stop, usage, done)).ends_with(" stop 14+3"));
  EXPECT_TRUE(verdict(script, "<html>portal").starts_with("200  malformed_reply 200 the reply is HTML"));
  EXPECT_EQ(verdict(script, ""), "200  malformed_reply 200 the reply is empty");
}

TEST(StreamValidator, APlainReplyIsReadWhole) {
  Script script;
  script.streamed = false;
  script.fields = json;
  EXPECT_EQ(verdict(script, completion), "200  answer " + std::string(completion) + " m stop 2+1");
  EXPECT_EQ(verdict(script, "\n\n  " + std::string(completion) + "\n"),
            "200  answer " + std::string(completion) + " m stop 2+1");
  EXPECT_EQ(verdict(script, ""), "200  malformed_reply 200 the reply is empty");
  EXPECT_TRUE(verdict(script, completion.substr(0, 100)).starts_with("200  malformed_reply"));
  EXPECT_TRUE(verdict(script, "<html>portal").starts_with("200  malformed_reply 200 the reply is HTML"));
  // White space that keeps the connection open is no content.
  EXPECT_EQ(play(script, {"\n", " ", "{", "}"}).flows,
            (std::vector{Flow::awaiting, Flow::awaiting, Flow::awaiting, Flow::committed, Flow::committed}));
}

TEST(StreamValidator, ARedirectIsNeverAnAnswer) {
  Script script;
  script.status = 307;
  script.fields = {{"location", "https://evil.example/steal?x=1"}};
  EXPECT_EQ(verdict(script, ""), "307  bad_request 307 unexpected redirect to evil.example");
}

TEST(StreamValidator, CapsHoldAtTheSameByteHoweverItComes) {
  const std::string text = join(role, par, stop, usage, done);
  for (const std::size_t cap :
       {std::size_t{0}, role.size(), text.size() - 20, text.size() - 1, text.size()}) {
    Script script;
    script.caps.body_bytes = cap;
    const std::string result = verdict(script, text);
    // The end mark is known one byte before the last.
    const bool fits = cap >= text.size();
    EXPECT_EQ(result.find("too_large") == std::string::npos, fits) << cap << result;
  }
  Script plain;
  plain.streamed = false;
  plain.fields = json;
  plain.caps.body_bytes = completion.size();
  EXPECT_NE(verdict(plain, completion).find(" answer "), std::string::npos);
  plain.caps.body_bytes = completion.size() - 1;
  EXPECT_NE(verdict(plain, completion).find(" too_large "), std::string::npos);
  Script events;
  events.caps.event_bytes = 200;
  EXPECT_EQ(verdict(events, join(par, role, done)),
            "200 req_1 malformed_reply 200 an event is longer than 200 bytes");
}

TEST(StreamValidator, SaysWhenTheAnswerIsWholeButForItsEndMark) {
  const auto last = [](DialectKind kind, const Pieces& pieces) {
    Script script;
    script.kind = kind;
    return play(script, pieces).flows.back();
  };
  const std::string_view two =
      "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\n\n";
  const std::string_view two_stops =
      "data: {\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  EXPECT_EQ(last(DialectKind::openai, {role, par}), Flow::committed);
  EXPECT_EQ(last(DialectKind::openai, {role, par, stop}), Flow::finished);
  EXPECT_EQ(last(DialectKind::openai, {role, par, stop, usage}), Flow::finished);
  EXPECT_EQ(last(DialectKind::openai, {role, par, stop, two}), Flow::committed) << "one choice goes on";
  EXPECT_EQ(last(DialectKind::openai, {role, par, stop, two, two_stops}), Flow::finished);
  EXPECT_EQ(last(DialectKind::openai, {role, par, stop, par, stop}), Flow::committed)
      << "it is said each time";
  const std::string_view gemini_part =
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]}}]}\r\n\r\n";
  const std::string_view gemini_stop = "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\r\n\r\n";
  EXPECT_EQ(last(DialectKind::gemini, {gemini_part}), Flow::committed);
  EXPECT_EQ(last(DialectKind::gemini, {gemini_part, gemini_stop}), Flow::finished);
  // Only message_stop ends an answer of Anthropic's.
  const std::string_view start =
      "event: message_start\ndata: "
      "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[]}}\n\n";
  const std::string_view text =
      "event: content_block_delta\ndata: "
      "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n";
  const std::string_view turn =
      "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n";
  const std::string_view end = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  EXPECT_EQ(last(DialectKind::anthropic, {start, text, turn}), Flow::committed);
  EXPECT_EQ(last(DialectKind::anthropic, {start, text, turn, end}), Flow::done);
}

TEST(StreamValidator, AnAnswerWithoutATimeHasTheOneItsReplyBegan) {
  const std::string_view gemini =
      R"({"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}],"modelVersion":"m"})";
  const std::string_view anthropic =
      R"({"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}})";
  struct Case {
    DialectKind kind;
    bool streamed;
    std::string body;
    const char* created;
  };
  for (const Case& one :
       {Case{DialectKind::gemini, false, std::string(gemini), "\"created\":1795350000,"},
        Case{DialectKind::gemini, true, "data: " + std::string(gemini) + "\r\n\r\n",
             "\"created\":1795350000,"},
        Case{DialectKind::anthropic, false, std::string(anthropic), "\"created\":1795350000,"},
        Case{DialectKind::openai, true, join(role, par, stop, done), "\"created\":1763800000,"}}) {
    const auto dialect = make_dialect(one.kind);
    std::int64_t now = 1795350000;
    StreamValidator validator(*dialect, Api::chat, one.streamed, {}, [&] { return now++; });
    validator.on_head(reply_head(200, one.streamed ? event_stream : json));
    validator.on_body(one.body);
    const Reply reply = validator.conclude(Ending());
    EXPECT_NE(reply.answer.body.find(one.created), std::string::npos) << reply.answer.body;
  }
}

}  // namespace
}  // namespace batchrun
