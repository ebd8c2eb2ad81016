#include <gtest/gtest.h>

#include "io/dialect.h"
#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

TEST(OpenAiDialect, NamesTheRequestForSupport) {
  const auto dialect = make_dialect(DialectKind::openai);
  EXPECT_EQ(dialect->request_id(reply_head(200, {{"X-Request-Id", "req_1"}, {"X-Generation-Id", "gen-1"}})),
            "req_1");
  EXPECT_EQ(dialect->request_id(reply_head(200, {{"X-Generation-Id", "gen-1"}})), "gen-1");
  EXPECT_EQ(dialect->request_id(reply_head(200)), "");
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

}  // namespace
}  // namespace batchrun
