#include "io/dialects/reply_fault.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using enum FaultKind;

TEST(ReplyFault, JudgesByTheStatus) {
  struct Case {
    int status;
    FaultKind kind;
  };
  for (const Case& one :
       {Case{301, bad_request}, Case{400, bad_request}, Case{401, unauthorized}, Case{402, quota_exhausted},
        Case{403, unauthorized}, Case{404, bad_request}, Case{408, server_error}, Case{409, server_error},
        Case{413, bad_request}, Case{422, bad_request}, Case{425, server_error}, Case{429, rate_limited},
        Case{499, server_error}, Case{500, server_error}, Case{502, server_error}, Case{503, overloaded},
        Case{524, server_error}, Case{529, overloaded}, Case{600, malformed_reply}}) {
    const ResponseHead head = reply_head(one.status);
    EXPECT_EQ(kind_by_status(read_error_reply(&head, "{}")), one.kind) << one.status;
  }
  const ResponseHead cdn = reply_head(403);
  EXPECT_EQ(kind_by_status(read_error_reply(&cdn, "<html>")), server_error);
}

TEST(ReplyFault, WordsStandForAStatusWhenThereIsNone) {
  const ResponseHead fine = reply_head(200);
  struct Case {
    std::string_view body;
    int status;
  };
  for (const Case& one :
       {Case{R"({"error":{"code":418}})", 418}, Case{R"({"error":{"type":"rate_limit_error"}})", 429},
        Case{R"({"error":{"type":"overloaded_error"}})", 503},
        Case{R"({"error":{"type":"authentication_error"}})", 401},
        Case{R"({"error":{"type":"permission_error"}})", 403},
        Case{R"({"error":{"type":"not_found_error"}})", 404},
        Case{R"({"error":{"type":"invalid_request_error"}})", 400}, Case{R"({"error":"text"})", 500},
        Case{"", 500}}) {
    EXPECT_EQ(read_error_reply(nullptr, one.body).status, one.status) << one.body;
    EXPECT_EQ(read_error_reply(&fine, one.body).status, one.status) << one.body;
    const ResponseHead failed = reply_head(404);
    EXPECT_EQ(read_error_reply(&failed, one.body).status, 404) << one.body;
  }
}

TEST(ReplyFault, WaitsAsLongAsTheServerSays) {
  ServerLimits used_up;
  used_up[Dimension::requests_per_minute] = {10, 0, std::chrono::seconds(7)};
  used_up[Dimension::tokens_per_minute] = {10, 0, std::chrono::seconds(9)};
  used_up[Dimension::tokens_per_day] = {10, 3, std::chrono::seconds(900)};
  constexpr std::string_view said = R"({"error":{"message":"Please try again in 3s."}})";
  struct Case {
    HeadFields fields;
    std::string_view body;
    std::optional<Duration> wait;
  };
  for (const Case& one : {
           Case{{{"retry-after-ms", "1500"}, {"retry-after", "2"}}, said, std::chrono::milliseconds(1500)},
           Case{{{"retry-after-ms", "0"}, {"retry-after", "2"}}, said, std::chrono::seconds(2)},
           Case{{}, said, std::chrono::seconds(3)},
           Case{{}, "", std::chrono::seconds(9)},
       }) {
    const ResponseHead head = reply_head(429, one.fields);
    EXPECT_EQ(fault_of(read_error_reply(&head, one.body), rate_limited, used_up).retry_after, one.wait);
  }
  const ResponseHead head = reply_head(429);
  EXPECT_FALSE(fault_of(read_error_reply(&head, ""), rate_limited, {}).retry_after);
  // Only a rate limit waits for what a message or a limit says.
  EXPECT_FALSE(fault_of(read_error_reply(&head, said), server_error, used_up).retry_after);
}

TEST(ReplyFault, ObeysShouldRetry) {
  const ResponseHead no = reply_head(500, {{"x-should-retry", "false"}});
  const ResponseHead yes = reply_head(400, {{"x-should-retry", "true"}});
  const auto kind = [](const ResponseHead& head, FaultKind verdict) {
    return fault_of(read_error_reply(&head, ""), verdict, {}).kind;
  };
  EXPECT_EQ(kind(no, server_error), bad_request);
  EXPECT_EQ(kind(no, overloaded), bad_request);
  EXPECT_EQ(kind(no, rate_limited), exceeds_window);
  EXPECT_EQ(kind(no, unauthorized), unauthorized);
  EXPECT_EQ(kind(yes, bad_request), server_error);
  EXPECT_EQ(kind(yes, unauthorized), unauthorized);
}

TEST(ReplyFault, NamesTheLimitInTheMessage) {
  const ResponseHead head = reply_head(429);
  const auto dimension = [&](std::string_view body) {
    return fault_of(read_error_reply(&head, body), rate_limited, {}).dimension;
  };
  EXPECT_EQ(dimension(R"({"error":"rate limit of 30,000 input tokens per minute"})"),
            Dimension::input_tokens_per_minute);
  EXPECT_EQ(dimension(R"({"error":"8,000 output tokens per minute"})"), Dimension::output_tokens_per_minute);
  EXPECT_EQ(dimension(R"({"error":"50 requests per minute"})"), Dimension::requests_per_minute);
  EXPECT_EQ(dimension(R"j({"error":"on tokens per day (TPD)"})j"), Dimension::tokens_per_day);
  EXPECT_EQ(dimension(R"({"error":"slow down"})"), std::nullopt);
}

TEST(ReplyFault, TellsPeopleWhatCame) {
  struct Case {
    ResponseHead head;
    std::string_view body, message;
  };
  for (const Case& one :
       {Case{reply_head(500), R"({"error":{"message":"m","code":"c"}})", "m"},
        Case{reply_head(500), R"({"error":{"code":"c","type":"t"}})", "c"},
        Case{reply_head(500), R"({"error":{"type":"t"}})", "t"},
        Case{reply_head(502), "<html><title>502 Bad Gateway</title>", "HTTP 502: 502 Bad Gateway"},
        Case{reply_head(502), "", "HTTP 502 with an empty body"},
        Case{reply_head(502), "gone", "HTTP 502: gone"},
        Case{reply_head(302, {{"location", "https://u@login.example/x?key=1"}}), "",
             "unexpected redirect to login.example"},
        Case{reply_head(302, {{"location", "/x?key=1"}}), "", "unexpected redirect within the same host"}}) {
    EXPECT_EQ(fault_of(read_error_reply(&one.head, one.body), server_error, {}).message, one.message);
  }
  EXPECT_EQ(fault_of(read_error_reply(nullptr, ""), server_error, {}).message,
            "error event with an empty body");
}

TEST(ReplyFault, SaysWhyABodyIsNoAnswer) {
  const ReplyJson none{nullptr, {}, "x"};
  EXPECT_EQ(wrong_body("", none)->message, "the reply is empty");
  EXPECT_EQ(wrong_body("<p>hi", none)->message, "the reply is HTML, not an answer: <p>hi");
  EXPECT_EQ(wrong_body("{", none)->message, "the reply is no JSON: x");
  EXPECT_EQ(wrong_body("[]", scan_reply("[]"))->message, "the reply is no JSON object");
  EXPECT_FALSE(wrong_body("{}", scan_reply("{}")));
  EXPECT_EQ(wrong_event(none)->message, "an event is no JSON: x");
  EXPECT_EQ(wrong_event(scan_reply("1"), "a line")->message, "a line is no JSON object");
  EXPECT_EQ(with_status(malformed("odd"), 200).status, 200);
  EXPECT_EQ(malformed("odd").kind, FaultKind::malformed_reply);
}

}  // namespace
}  // namespace batchrun
