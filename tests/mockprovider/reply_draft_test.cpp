#include "bench/mockprovider/reply_draft.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace batchrun::mock {
namespace {

namespace json = boost::json;

ReplyDraft stream_draft() {
  ReplyDraft draft;
  draft.streamed = true;
  draft.events.data = {R"({"id":"1","choices":[{"delta":{"role":"assistant","content":""}}]})",
                       R"({"id":"1","choices":[{"delta":{"content":"a"}}]})",
                       R"({"id":"1","choices":[{"delta":{"content":"b"}}]})",
                       R"({"id":"1","choices":[{"delta":{"content":"c"}}]})",
                       R"({"id":"1","choices":[{"delta":{},"finish_reason":"stop"}]})",
                       "[DONE]"};
  draft.events.first_content = 1;
  draft.events.contents = 3;
  draft.events.finish = 4;
  draft.events.end_mark = 5;
  return draft;
}

const Dialect& openai() {
  return dialect_of(Flavour::openai);
}

ReplyDraft spoiled(FaultRule rule) {
  ReplyDraft draft = stream_draft();
  spoil_events(draft, rule, {}, openai_chat(), openai());
  return draft;
}

bool ends_with_mark(const ReplyDraft& draft) {
  return !draft.events.data.empty() && draft.events.data.back() == "[DONE]";
}

TEST(ReplyDraft, ErrorsComeWhereTheyAreTold) {
  const ReplyDraft first = spoiled({.kind = FaultKind::error_first_event});
  ASSERT_EQ(first.events.data.size(), 1u);
  EXPECT_TRUE(json::parse(first.events.data[0]).as_object().contains("error"));
  const ReplyDraft later = spoiled({.kind = FaultKind::error_mid_stream, .after_chunks = 2});
  ASSERT_EQ(later.events.data.size(), 4u);
  EXPECT_TRUE(json::parse(later.events.data[3]).as_object().contains("error"));
  EXPECT_FALSE(ends_with_mark(later));
}

TEST(ReplyDraft, EndsAreTakenAway) {
  EXPECT_EQ(spoiled({.kind = FaultKind::eof_without_done, .after_chunks = 1}).events.data.size(), 2u);
  EXPECT_FALSE(ends_with_mark(spoiled({.kind = FaultKind::eof_without_done})));
  EXPECT_EQ(spoiled({.kind = FaultKind::done_without_finish}).events.data.size(), 5u);
  EXPECT_TRUE(ends_with_mark(spoiled({.kind = FaultKind::done_without_finish})));
  EXPECT_EQ(spoiled({.kind = FaultKind::finish_without_done}).events.data.size(), 5u);
  EXPECT_FALSE(ends_with_mark(spoiled({.kind = FaultKind::finish_without_done})));
  EXPECT_FALSE(ends_with_mark(spoiled({.kind = FaultKind::finish_keeps_open})));
}

TEST(ReplyDraft, EventsAreSpoiled) {
  json::error_code ec;
  json::parse(spoiled({.kind = FaultKind::malformed_json_event}).events.data[2], ec);
  EXPECT_TRUE(ec);
  json::parse(spoiled({.kind = FaultKind::invalid_utf8_event}).events.data[2], ec);
  EXPECT_TRUE(ec);
  EXPECT_GT(spoiled({.kind = FaultKind::huge_event, .bytes = 5000}).events.data[2].size(), 5000u);
  EXPECT_GT(spoiled({.kind = FaultKind::deep_nesting_event}).events.data[2].size(), 200'000u);
  const ReplyDraft azure = spoiled({.kind = FaultKind::choices_empty_first});
  EXPECT_TRUE(json::parse(azure.events.data[0]).at("choices").as_array().empty());
  EXPECT_EQ(azure.events.data.size(), 7u);
}

TEST(ReplyDraft, AfterMoreChunksThanThereAreMeansTheLast) {
  const ReplyDraft draft = stream_draft();
  EXPECT_EQ(event_after(draft.events, 0), 1u);
  EXPECT_EQ(event_after(draft.events, 99), 3u);
  EXPECT_EQ(event_after(StreamEvents{}, 1), 0u);
}

TEST(ReplyDraft, RetryAfterTakesEveryForm) {
  const struct {
    RetryAfter form;
    const char* fields;
  } cases[] = {{RetryAfter::integer, "retry-after: 3\r\n"},
               {RetryAfter::fraction, "retry-after: 2.500\r\n"},
               {RetryAfter::date, "retry-after: Thu, 01 Jan 1970 00:00:03 GMT\r\n"},
               {RetryAfter::milliseconds, "retry-after-ms: 2500\r\n"},
               {RetryAfter::none, ""},
               {RetryAfter::zero, "retry-after: 0\r\n"},
               {RetryAfter::huge, "retry-after: 1000000000\r\n"},
               {RetryAfter::negative, "retry-after: -5\r\n"},
               {RetryAfter::garbage, "retry-after: soon\r\n"}};
  for (const auto& c : cases) {
    ReplyDraft draft;
    replace_with_fault(draft, {.kind = FaultKind::rate_limit_429, .seconds = 2.5, .retry_after = c.form}, {},
                       openai(), 0);
    EXPECT_EQ(draft.status, 429);
    EXPECT_EQ(draft.fields, c.fields);
  }
}

TEST(ReplyDraft, RepliesAreReplaced) {
  const struct {
    FaultRule rule;
    int status;
    const char* part;
  } cases[] = {
      {{.kind = FaultKind::status_500}, 500, "server_error"},
      {{.kind = FaultKind::status_502_html}, 502, "<html>"},
      {{.kind = FaultKind::status_503_empty}, 503, ""},
      {{.kind = FaultKind::status_529}, 529, "overloaded"},
      {{.kind = FaultKind::status, .code = 408}, 408, "error"},
      {{.kind = FaultKind::overloaded}, 503, "server_is_overloaded"},
      {{.kind = FaultKind::request_too_large}, 429, "Request too large for"},
      {{.kind = FaultKind::quota_exhausted, .variant = "billing_not_active"}, 429, "billing_not_active"},
      {{.kind = FaultKind::html_200}, 200, "<!DOCTYPE html>"},
      {{.kind = FaultKind::empty_200}, 200, ""},
      {{.kind = FaultKind::error_200}, 200, "\"error\""},
      {{.kind = FaultKind::redirect_302}, 302, ""},
      {{.kind = FaultKind::quota_exhausted}, 429, "insufficient_quota"},
      {{.kind = FaultKind::unauthorized}, 401, "invalid_api_key"},
      {{.kind = FaultKind::model_not_found}, 404, "model_not_found"},
      {{.kind = FaultKind::bad_request}, 400, "invalid_request_error"},
      {{.kind = FaultKind::context_too_long}, 400, "context_length_exceeded"},
      {{.kind = FaultKind::content_filter_400}, 400, "content_filter"}};
  for (const auto& c : cases) {
    ReplyDraft draft = stream_draft();
    replace_with_fault(draft, c.rule, {.key = "sk-123456789", .model = "m"}, openai(), 0);
    EXPECT_EQ(draft.status, c.status) << name(c.rule.kind);
    EXPECT_FALSE(draft.streamed) << name(c.rule.kind);
    EXPECT_NE(draft.body.find(c.part), std::string::npos) << name(c.rule.kind) << draft.body;
  }
}

TEST(ReplyDraft, DialectsWithTheDelayInTheBodyGetItThere) {
  const struct {
    RetryAfter form;
    const char* part;
  } cases[] = {{RetryAfter::integer, "\"retryDelay\":\"3s\""},
               {RetryAfter::fraction, "\"retryDelay\":\"2.500s\""},
               {RetryAfter::zero, "\"retryDelay\":\"0s\""},
               {RetryAfter::negative, "\"retryDelay\":\"-5s\""},
               {RetryAfter::garbage, "\"retryDelay\":\"soons\""},
               {RetryAfter::huge, "\"retryDelay\":\"1000000000s\""}};
  for (const auto& c : cases) {
    ReplyDraft draft;
    replace_with_fault(draft, {.kind = FaultKind::rate_limit_429, .seconds = 2.5, .retry_after = c.form}, {},
                       dialect_of(Flavour::gemini), 0);
    EXPECT_EQ(draft.fields, "");
    EXPECT_NE(draft.body.find(c.part), std::string::npos) << draft.body;
  }
  ReplyDraft silent;
  replace_with_fault(silent, {.kind = FaultKind::rate_limit_429, .retry_after = RetryAfter::none}, {},
                     dialect_of(Flavour::gemini), 0);
  EXPECT_EQ(silent.body.find("RetryInfo"), std::string::npos);
}

TEST(ReplyDraft, NestingKeepsAnEventsNameAndMember) {
  ReplyDraft draft = stream_draft();
  draft.events.form = {.named = true, .content_member = "delta"};
  draft.events.data[2] = R"({"type":"content_block_delta","index":0})";
  spoil_events(draft, {.kind = FaultKind::deep_nesting_event}, {}, anthropic_messages(),
               dialect_of(Flavour::anthropic));
  EXPECT_TRUE(draft.events.data[2].starts_with(R"({"type":"content_block_delta","delta":[[)"));
}

TEST(ReplyDraft, ShouldRetryIsAField) {
  ReplyDraft draft;
  replace_with_fault(draft, {.kind = FaultKind::status_500, .should_retry = false}, {}, openai(), 0);
  EXPECT_EQ(draft.fields, "x-should-retry: false\r\n");
}

}  // namespace
}  // namespace batchrun::mock
