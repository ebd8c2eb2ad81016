#include "io/result.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

RowPtr row_of(const std::string& text, std::uint64_t line = 17) {
  auto parsed = parse_row(text, line);
  return std::get<RowPtr>(std::move(parsed));
}

void expect_one_json_line(const std::string& line) {
  ASSERT_FALSE(line.empty());
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse(simdjson::padded_string(line)).error(), simdjson::SUCCESS) << line;
}

Answer an_answer(const std::string& body) {
  Answer answer;
  answer.body = body;
  answer.usage = {21, 0, 64, 0, true};
  return answer;
}

const RowFigures figures{1, "groq", "groq-2", "llama-3.1-8b-instant", 3, 88, 612};

TEST(ResultLine, IsExactlyWhatReadersExpect) {
  auto row = row_of(R"({"custom_id":"r1","prompt":"x"})");
  row->identity.content_hash = 0x9f2c01ab;
  std::string out = "before\n";
  append_result_line(out, *row, an_answer(R"({"object":"chat.completion"})"), 200, "req_1", figures);
  EXPECT_EQ(
      out,
      "before\n"
      R"({"id":"br-17-9f2c01ab","custom_id":"r1","response":{"status_code":200,"request_id":"req_1",)"
      R"("body":{"object":"chat.completion"}},"error":null,"batchrun":{"ok":true,"row":17,"attempts":1,)"
      R"("provider":"groq","key":"groq-2","model":"llama-3.1-8b-instant","input_tokens":21,"output_tokens":64,)"
      R"("queue_ms":3,"first_chunk_ms":88,"latency_ms":612}})"
      "\n");
}

TEST(ResultLine, CarriesMetadataAndSaysThatUsageIsEstimated) {
  auto row = row_of("{\"id\":\"a\\\"\\n\",\"prompt\":\"x\",\"metadata\":{\"user_id\":\r\"u\"}}");
  Answer answer = an_answer("{\"a\":\n[1,\r\n2]}");
  answer.usage.known = false;
  std::string out;
  append_result_line(out, *row, answer, 200, "r\xFF", figures);
  expect_one_json_line(out);
  EXPECT_NE(out.find(R"("usage_estimated":true)"), std::string::npos);
  EXPECT_NE(out.find(R"("metadata":{"user_id": "u"}})"), std::string::npos);
  EXPECT_NE(out.find(R"("custom_id":"a\"\n")"), std::string::npos);
}

TEST(ErrorLine, HoldsTheRowTheReplyAndEveryAttempt) {
  const std::string text = R"({"custom_id":"r1","prompt":"x"})";
  RowFailure failure{"all_keys_failed",
                     "no key is left",
                     {{"groq", "groq-1", "m", 500, "server_error", "oops \x1b", 12}},
                     500,
                     "req",
                     "{\"error\":\n{}}"};
  std::string out;
  append_error_line(out, *row_of(text), failure, figures);
  expect_one_json_line(out);
  EXPECT_NE(
      out.find(
          R"("response":{"status_code":500,"request_id":"req","body":{"error": {}}},"error":{"code":"all_keys_failed",)"
          R"("message":"no key is left","attempts":[{"provider":"groq","key":"groq-1","model":"m","status":500,)"
          R"("fault":"server_error","message":"oops \u001b","at_ms":12}]},"request":)" +
          text + R"(,"batchrun":{"ok":false,"row":17,)"),
      std::string::npos)
      << out;
}

TEST(ErrorLine, TakesAnyReplyAsItsBody) {
  const std::pair<std::string, std::string> table[] = {
      {"", R"("body":null})"},
      {"<html>\n\xFF</html>", "\"body\":\"<html>\\n\xEF\xBF\xBD</html>\"}"},
      {"{\"cut\":", R"("body":"{\"cut\":"})"},
      {" [1]\n", R"("body":[1]})"},
  };
  for (const auto& [body, expected] : table) {
    std::string out;
    append_error_line(out, *row_of(R"({"prompt":"x"})"), {"c", "m", {}, 502, "", body}, {});
    expect_one_json_line(out);
    EXPECT_NE(out.find(expected), std::string::npos) << out;
  }
  std::string out;
  append_error_line(out, *row_of(R"({"prompt":"x"})"),
                    {"c", "m", {}, 502, "", "[\"" + std::string(100'000, 'x') + "\"]"}, {});
  expect_one_json_line(out);
  EXPECT_LT(out.size(), 70'000u);
  out.clear();
  append_error_line(out, *row_of(R"({"prompt":"x"})"), {"c", "m", {}, 0, "", ""}, {});
  EXPECT_NE(out.find(R"("response":null)"), std::string::npos);
}

TEST(RefusalLine, GivesJsonBackAsJsonAndAnythingElseAsText) {
  for (const char* const text : {"{\"prompt\":", "{\"prompt\":7}", "\xFF\"", "[1]", "{\"query\":\r1}"}) {
    auto parsed = parse_row(text, 3);
    const RowError& refusal = std::get<RowError>(parsed);
    std::string out;
    append_refusal_line(out, refusal);
    expect_one_json_line(out);
    EXPECT_TRUE(out.starts_with("{\"id\":\"br-3-")) << out;
    EXPECT_NE(out.find(refusal.text_is_json ? R"("request":{)" : R"("request":")"), std::string::npos) << out;
    EXPECT_NE(out.find(R"("batchrun":{"ok":false,"row":3,"attempts":0)"), std::string::npos) << out;
  }
}

}  // namespace
}  // namespace batchrun
