#include "runner/cost_estimate.h"

#include <gtest/gtest.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

RowPtr row(const std::string& text) {
  auto parsed = parse_row(text, 1);
  return std::move(std::get<RowPtr>(parsed));
}

TEST(TokenBound, IsAByteATokenAndSomeAroundEachMessage) {
  const TokenBound one = token_bound(*row(R"({"prompt":"four","max_tokens":7})"));
  EXPECT_EQ(one.input, 4u + 2 * 16);
  EXPECT_EQ(one.output, 7u);
  const TokenBound two = token_bound(*row(
      R"({"messages":[{"role":"system","content":"ab"},{"role":"user","content":"cde"}],"max_tokens":7,"n":3})"));
  EXPECT_EQ(two.input, 5u + 3 * 16);
  EXPECT_EQ(two.output, 21u);
}

// The dearest there is: an image of 2048 by 768 pixels costs gpt-4o-mini 48,169 tokens.
TEST(TokenBound, HasRoomForTheDearestImage) {
  const std::string image = R"({"type":"image_url","image_url":{"url":"https://x/y.png"}})";
  const std::string start = R"({"messages":[{"role":"user","content":[{"type":"text","text":"x"})";
  const auto chat = [&](const std::string& more) { return token_bound(*row(start + more + "]}]}")).input; };
  EXPECT_LT(chat(""), 100u);
  EXPECT_GE(chat("," + image), 48'169u);
  EXPECT_GE(chat("," + image + "," + image), 2 * 48'169u);
  for (
      const char* body : {
          R"({"url":"/v1/messages","body":{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}]}})",
          R"({"url":"/v1/messages","body":{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"AAAA"}}]}]}})",
          R"({"url":"/v1beta/models/m:generateContent","body":{"contents":[{"parts":[{"inlineData":{"data":"AAAA"}}]}]}})",
          R"({"url":"/v1/responses","body":{"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://x/y.png"}]}]}})",
      }) {
    EXPECT_GE(token_bound(*row(body)).input, 48'169u) << body;
    EXPECT_LT(token_bound(*row(body)).input, 2 * 48'169u) << body;
  }
}

TEST(TokenBound, TakesAnAnswerWithoutALimitForALongOne) {
  EXPECT_EQ(token_bound(*row(R"({"prompt":"x"})")).output, 16'384u);
}

TEST(PriceOf, IsTheConfigsForASearchElseTheTables) {
  Settings settings;
  Provider provider;
  provider.price_name = "serper";
  EXPECT_EQ(price_of(settings, provider, ""), nullptr) << "no table";
  settings.prices.emplace(
      R"({"models":[{"provider":"serper","id":"*","search":0.5},{"provider":"openai","id":"m","input":1}]})",
      "prices.json", "2026-11-22");
  ASSERT_NE(price_of(settings, provider, ""), nullptr);
  EXPECT_EQ(price_of(settings, provider, "")->search, 500'000'000'000);
  provider.search_price.emplace().search = 7;
  EXPECT_EQ(price_of(settings, provider, "")->search, 7);
  Provider other;
  other.price_name = "openai";
  EXPECT_EQ(price_of(settings, other, "m")->base.input, 1'000'000);
  EXPECT_EQ(price_of(settings, other, "unheard-of"), nullptr);
}

TEST(MayBeBilled, IsARequestThatWasSentAndNotRefused) {
  using enum FaultKind;
  struct Case {
    FaultKind kind;
    int status;
    bool sent, began, billed;  // began: content had come
  };
  for (const Case& one : {
           Case{connect, 0, false, false, false},            // never there
           Case{truncated_reply, 0, false, false, false},    //
           Case{truncated_reply, 0, true, false, true},      // no head came
           Case{timeout_first_chunk, 0, true, false, true},  // somebody may be at work
           Case{timeout_first_chunk, 200, true, false, true},
           Case{timeout_idle, 200, true, true, true},
           Case{truncated_reply, 200, true, true, true},
           Case{malformed_reply, 200, true, true, true},
           Case{server_error, 200, true, true, true},  // an error event
           Case{too_large, 200, true, true, true},
           Case{cancelled, 200, true, true, true},
           Case{cancelled, 0, true, false, true},
           Case{bad_request, 200, true, true, true},  // Anthropic's pause_turn
           Case{model_stumbled, 200, true, true, true},
           Case{model_stumbled, 400, true, false, false},
           Case{server_error, 500, true, false, false},
           Case{overloaded, 503, true, false, false},
           Case{overloaded, 529, true, false, false},
           Case{rate_limited, 429, true, false, false},
           Case{unauthorized, 401, true, false, false},
           Case{bad_request, 400, true, false, false},
           Case{content_refused, 400, true, false, false},
           Case{server_error, 504, true, false, true},  // the gateway's patience, not the model's
           Case{server_error, 524, true, false, true},
           Case{overloaded, 200, true, false, false},  // said by the first event
           Case{overloaded, 200, true, true, true},
           Case{rate_limited, 200, true, false, false},
           Case{rate_limited, 200, true, true, true},
       }) {
    Fault fault;
    fault.kind = one.kind;
    fault.status = one.status;
    Ending ending;
    ending.request_sent = one.sent;
    if (one.began) ending.first_chunk = std::chrono::milliseconds(1);
    EXPECT_EQ(may_be_billed(fault, ending), one.billed) << name(one.kind) << " " << one.status;
  }
}

}  // namespace
}  // namespace batchrun
