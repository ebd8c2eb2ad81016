// Sizes of bodies in a provider's own words: by way of the parser, as they come in a run.
#include "io/native_body.h"

#include <gtest/gtest.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

Row native(const std::string& url, const std::string& body) {
  auto row = parse_row(R"({"url":")" + url + R"(","body":)" + body + "}", 1);
  if (!std::holds_alternative<RowPtr>(row)) {
    ADD_FAILURE() << std::get<RowError>(row).message;
    return {};
  }
  return std::move(*std::get<RowPtr>(row));
}

TEST(NativeBody, SaysHowLongTheAnswerMayBeInItsOwnWords) {
  EXPECT_EQ(native("/v1/messages", R"({"model":"m","max_tokens":7})").max_output_tokens, 7u);
  EXPECT_EQ(native("/v1/responses", R"({"model":"m","max_output_tokens":8})").max_output_tokens, 8u);
  EXPECT_EQ(native("/v1beta/models/m:generateContent", R"({"generationConfig":{"maxOutputTokens":9}})")
                .max_output_tokens,
            9u);
  EXPECT_EQ(native("/api/chat", R"({"model":"m","options":{"num_predict":10}})").max_output_tokens, 10u);
  EXPECT_EQ(native("/api/chat", R"({"model":"m","options":{"num_predict":-1}})").max_output_tokens, 0u);
}

TEST(NativeBody, CountsTextAndNotImages) {
  const Row text = native("/v1/messages", R"({"model":"mm","messages":[{"role":"user","content":"12345"}]})");
  EXPECT_EQ(text.content_bytes, 2u + 4u + 5u);  // values of strings; the few that are no text do not matter
  const std::string tools = R"([{"input_schema":{"properties":{"a_name":{},"another":{}}}}])";
  EXPECT_GE(native("/v1/messages", R"({"messages":[],"tools":)" + tools + "}").content_bytes, tools.size());
  const std::string base64(100'000, 'A');
  const Row image = native("/v1/messages", R"({"model":"mm","messages":[{"data":")" + base64 + R"("}]})");
  EXPECT_LT(image.content_bytes, 10'000u);
  std::string words;
  for (int i = 0; i < 20'000; ++i) words += "word ";
  EXPECT_GE(native("/v1/embeddings", R"({"model":"m","input":")" + words + "\"}").content_bytes, 100'000u);
}

}  // namespace
}  // namespace batchrun
