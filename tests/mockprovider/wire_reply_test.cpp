#include "bench/mockprovider/wire_reply.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

using namespace std::chrono_literals;
using After = WireReply::After;

ReplyDraft plain_draft() {
  ReplyDraft draft;
  draft.fields = "x-request-id: 1\r\n";
  draft.body = R"({"answer":"a fairly long one"})";
  return draft;
}

ReplyDraft stream_draft() {
  ReplyDraft draft;
  draft.streamed = true;
  draft.content_type = "text/event-stream; charset=utf-8";
  draft.events.data = {R"({"r":1,"c":1})", R"({"a":1,"b":2})", R"({"b":1,"c":2})", R"({"f":1,"g":2})",
                       "[DONE]"};
  draft.events.first_content = 1;
  draft.events.contents = 2;
  draft.events.finish = 3;
  draft.events.end_mark = 4;
  return draft;
}

WireReply written(const ReplyDraft& draft, FaultRule rule) {
  WireReply out;
  write_reply(out, draft, &rule, nullptr, true);
  return out;
}

WireReply written(const ReplyDraft& draft) {
  WireReply out;
  write_reply(out, draft, nullptr, nullptr, true);
  return out;
}

const std::string stream_wire =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
    "15\r\ndata: {\"r\":1,\"c\":1}\n\n\r\n"
    "15\r\ndata: {\"a\":1,\"b\":2}\n\n\r\n"
    "15\r\ndata: {\"b\":1,\"c\":2}\n\n\r\n"
    "15\r\ndata: {\"f\":1,\"g\":2}\n\n\r\n"
    "e\r\ndata: [DONE]\n\n\r\n"
    "0\r\n\r\n";

TEST(WireReply, PlainRepliesHaveALength) {
  const WireReply reply = written(plain_draft());
  EXPECT_EQ(
      reply.bytes,
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 30\r\nx-request-id: 1\r\n\r\n"
      "{\"answer\":\"a fairly long one\"}");
  EXPECT_EQ(reply.after, After::keep_open);
  EXPECT_TRUE(reply.pauses.empty());
}

TEST(WireReply, StreamsAreChunksOfOneEventEach) {
  EXPECT_EQ(written(stream_draft()).bytes, stream_wire);
}

TEST(WireReply, ClosesWhenTheClientAskedForIt) {
  WireReply out;
  write_reply(out, plain_draft(), nullptr, nullptr, false);
  EXPECT_EQ(out.after, After::close);
  EXPECT_NE(out.bytes.find("connection: close\r\n"), std::string::npos);
}

TEST(WireReply, PausesComeBeforeTheFirstByteAndBetweenChunks) {
  const Distribution first{.a_ms = 100}, between{.a_ms = 10};
  Random random(1);
  const Pace pace{&first, &between, &random, 5};
  WireReply out;
  write_reply(out, stream_draft(), nullptr, &pace, true);
  ASSERT_EQ(out.pauses.size(), 2u);
  EXPECT_EQ(out.pauses[0].at, 0u);
  EXPECT_EQ(out.pauses[0].wait, Moment(100ms));
  EXPECT_EQ(out.bytes.substr(out.pauses[1].at, 14), "15\r\ndata: {\"b\"");
  write_reply(out, plain_draft(), nullptr, &pace, true);
  ASSERT_EQ(out.pauses.size(), 1u);
  EXPECT_EQ(out.pauses[0].wait, Moment(140ms)) << "a plain answer takes as long as its stream of 5 chunks";
}

TEST(WireReply, CutsAreWhereTheirNamesSay) {
  for (const ReplyDraft& draft : {plain_draft(), stream_draft()}) {
    const std::string whole = written(draft).bytes;
    const std::size_t head = whole.find("\r\n\r\n") + 4;
    const struct {
      FaultKind kind;
      After after;
      std::size_t least, most;
    } cases[] = {{FaultKind::reset_before_head, After::reset, 0, 0},
                 {FaultKind::close_before_head, After::close, 0, 0},
                 {FaultKind::stall_before_head, After::hold, 0, 0},
                 {FaultKind::reset_in_head, After::reset, 1, head - 1},
                 {FaultKind::reset_in_body, After::reset, head + 1, whole.size() - 1},
                 {FaultKind::stall_before_first_chunk, After::hold, head, head},
                 {FaultKind::stall_mid_stream, After::hold, head + 1, whole.size() - 1}};
    for (const auto& c : cases) {
      const WireReply reply = written(draft, {.kind = c.kind});
      EXPECT_EQ(reply.after, c.after) << name(c.kind);
      EXPECT_GE(reply.bytes.size(), c.least) << name(c.kind);
      EXPECT_LE(reply.bytes.size(), c.most) << name(c.kind);
      EXPECT_TRUE(whole.starts_with(reply.bytes)) << name(c.kind);
    }
  }
}

TEST(WireReply, AStallWithAnEndIsAPause) {
  const WireReply reply = written(stream_draft(), {.kind = FaultKind::stall_mid_stream, .seconds = 2});
  EXPECT_EQ(reply.bytes, stream_wire);
  EXPECT_EQ(reply.after, After::keep_open);
  ASSERT_EQ(reply.pauses.size(), 1u);
  EXPECT_EQ(reply.pauses[0].wait, Moment(2s));
  EXPECT_EQ(reply.bytes.substr(reply.pauses[0].at, 14), "15\r\ndata: {\"b\"");
}

TEST(WireReply, MidStreamFaultsKeepTheChunksBefore) {
  const WireReply reply = written(stream_draft(), {.kind = FaultKind::reset_in_body, .after_chunks = 1});
  EXPECT_NE(reply.bytes.find("{\"a\":1,\"b\":2}\n\n"), std::string::npos);
  EXPECT_EQ(reply.bytes.find("{\"b\":1,\"c\":2}\n\n"), std::string::npos);
}

TEST(WireReply, FramingIsBroken) {
  for (const ReplyDraft& draft : {plain_draft(), stream_draft()}) {
    const WireReply cut = written(draft, {.kind = FaultKind::truncated_chunked});
    EXPECT_NE(cut.bytes.find("transfer-encoding: chunked"), std::string::npos);
    EXPECT_FALSE(cut.bytes.ends_with("0\r\n\r\n"));
    EXPECT_EQ(cut.after, After::close);
    const WireReply bad = written(draft, {.kind = FaultKind::bad_chunk_size});
    EXPECT_TRUE(bad.bytes.ends_with("zz\r\nnot a chunk\r\n"));
    const WireReply both = written(draft, {.kind = FaultKind::conflicting_lengths});
    EXPECT_NE(both.bytes.find("transfer-encoding: chunked"), std::string::npos);
    EXPECT_NE(both.bytes.find("content-length: "), std::string::npos);
  }
}

TEST(WireReply, LengthsAreWrongByAsMuchAsAsked) {
  EXPECT_NE(written(plain_draft(), {.kind = FaultKind::wrong_content_length}).bytes.find("length: 40\r\n"),
            std::string::npos);
  const WireReply shorter = written(plain_draft(), {.kind = FaultKind::wrong_content_length, .bytes = -5});
  EXPECT_NE(shorter.bytes.find("length: 25\r\n"), std::string::npos);
  EXPECT_TRUE(shorter.bytes.ends_with("long one\"}"));
  EXPECT_EQ(shorter.after, After::close);
}

TEST(WireReply, InterimRepliesComeFirst) {
  const WireReply reply = written(plain_draft(), {.kind = FaultKind::continue_100, .after_chunks = 2});
  EXPECT_TRUE(reply.bytes.starts_with(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(
      written(plain_draft(), {.kind = FaultKind::early_hints_103}).bytes.starts_with("HTTP/1.1 103 "));
}

TEST(WireReply, Http10EndsAtTheClose) {
  for (const ReplyDraft& draft : {plain_draft(), stream_draft()}) {
    const WireReply reply = written(draft, {.kind = FaultKind::http10_close});
    EXPECT_TRUE(reply.bytes.starts_with("HTTP/1.0 200 OK\r\n"));
    EXPECT_EQ(reply.bytes.find("content-length"), std::string::npos);
    EXPECT_EQ(reply.bytes.find("chunked"), std::string::npos);
    EXPECT_EQ(reply.after, After::close);
  }
}

TEST(WireReply, EndsAfterTheReplyAreAsTold) {
  const WireReply closes = written(plain_draft(), {.kind = FaultKind::keepalive_close});
  EXPECT_EQ(closes.bytes, written(plain_draft()).bytes);
  EXPECT_EQ(closes.after, After::close);
  const WireReply open = written(stream_draft(), {.kind = FaultKind::done_keeps_open});
  EXPECT_TRUE(open.bytes.ends_with("[DONE]\n\n\r\n"));
  EXPECT_EQ(open.after, After::hold);
  const WireReply unended = written(stream_draft(), {.kind = FaultKind::finish_keeps_open});
  EXPECT_FALSE(unended.bytes.ends_with("0\r\n\r\n"));
  EXPECT_EQ(unended.after, After::hold);
}

TEST(WireReply, HugeHeadersAndGzipAreWhatTheySay) {
  EXPECT_GT(written(plain_draft(), {.kind = FaultKind::huge_headers, .bytes = 40'000}).bytes.size(), 40'000u);
  const WireReply zipped = written(plain_draft(), {.kind = FaultKind::gzip_body});
  EXPECT_NE(zipped.bytes.find("content-encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(zipped.bytes.find("\r\n\r\n\x1f\x8b"), std::string::npos);
}

TEST(WireReply, StreamTextHasVariants) {
  ReplyDraft draft = stream_draft();
  draft.events.form.line_end = "\r\n";
  draft.comments = true;
  draft.multi_line_data = true;
  draft.final_blank_line = false;
  const std::string bytes = written(draft).bytes;
  EXPECT_NE(bytes.find(": OPENROUTER PROCESSING\r\n\r\ndata: {\"a\":1,\r\ndata: \"b\":2}\r\n\r\n"),
            std::string::npos)
      << bytes;
  EXPECT_NE(bytes.find("data: [DONE]\r\n\r\n0\r\n"), std::string::npos)
      << "one line end, then the chunk's own";
}

std::string body_of(const ReplyDraft& draft) {
  const std::string bytes = written(draft, {.kind = FaultKind::http10_close}).bytes;
  return bytes.substr(bytes.find("\r\n\r\n") + 4);
}

TEST(WireReply, StreamsHaveTheirFramings) {
  ReplyDraft draft = stream_draft();
  draft.events.data = {R"({"type":"a"})", R"({"type": "b"})"};
  draft.events.form.named = true;
  EXPECT_EQ(body_of(draft), "event: a\ndata: {\"type\":\"a\"}\n\nevent: b\ndata: {\"type\": \"b\"}\n\n");
  draft.events.form = {.framing = StreamForm::Framing::ndjson};
  EXPECT_EQ(body_of(draft), "{\"type\":\"a\"}\n{\"type\": \"b\"}\n");
  draft.final_blank_line = false;
  EXPECT_EQ(body_of(draft), "{\"type\":\"a\"}\n{\"type\": \"b\"}");
  draft.events.form = {.framing = StreamForm::Framing::array};
  EXPECT_EQ(body_of(draft), "[{\"type\":\"a\"},\r\n{\"type\": \"b\"}]");
  draft.events.broken_off = true;
  draft.events.tail = "[{}]";
  EXPECT_EQ(body_of(draft), "[{\"type\":\"a\"},\r\n{\"type\": \"b\"}[{}]");
}

TEST(WireReply, APreambleGoesOutBeforeTheWait) {
  const Distribution first{.a_ms = 100}, between{};
  Random random(1);
  const Pace pace{&first, &between, &random, 1};
  ReplyDraft draft = stream_draft();
  draft.events.preamble = ": wait\n\n";
  WireReply out;
  write_reply(out, draft, nullptr, &pace, true);
  ASSERT_EQ(out.pauses.size(), 1u);
  EXPECT_TRUE(out.bytes.substr(0, out.pauses[0].at).ends_with("8\r\n: wait\n\n\r\n")) << out.bytes;
}

TEST(WireReply, KeepAlivesComeBeforeEndlessSilence) {
  for (const std::uint32_t after : {0u, 1u}) {
    ReplyDraft draft = stream_draft();
    draft.keep_alive = ": alive\n\n";
    const WireReply reply =
        written(draft, {.kind = FaultKind::keep_alives, .after_chunks = after, .interval_ms = 5, .count = 2});
    EXPECT_EQ(reply.after, After::hold);
    EXPECT_TRUE(reply.bytes.ends_with("9\r\n: alive\n\n\r\n9\r\n: alive\n\n\r\n")) << reply.bytes;
    EXPECT_EQ(reply.bytes.find("{\"a\":1") == reply.bytes.npos, after == 0);
    EXPECT_EQ(reply.bytes.find("{\"b\":1"), reply.bytes.npos);
    ASSERT_EQ(reply.pauses.size(), 2u);
    EXPECT_EQ(reply.pauses[1].wait, Moment(5ms));
  }
}

TEST(WireReply, DripAndSliceGoByteByByte) {
  const WireReply drip =
      written(plain_draft(), {.kind = FaultKind::drip, .interval_ms = 5, .from_body = true});
  EXPECT_EQ(drip.slice, 1u);
  EXPECT_EQ(drip.slice_interval, Moment(5ms));
  EXPECT_EQ(drip.slice_from, drip.bytes.find("{"));
  EXPECT_EQ(written(plain_draft(), {.kind = FaultKind::slice}).slice_interval, Moment::zero());
}

}  // namespace
}  // namespace batchrun::mock
