#include "io/dialects/gemini.h"

#include <gtest/gtest.h>

#include "io/row_reader.h"
#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

TEST(GeminiDialect, ServesChatsAndItsOwnInterface) {
  const auto dialect = make_dialect(DialectKind::gemini);
  for (const Api api : {Api::chat, Api::responses, Api::embeddings, Api::anthropic_messages,
                        Api::gemini_generate, Api::ollama_chat, Api::search}) {
    EXPECT_EQ(dialect->serves(api, Endpoint()), api == Api::chat || api == Api::gemini_generate) << name(api);
    EXPECT_EQ(dialect->streams(api), api == Api::chat) << name(api);
  }
}

TEST(GeminiDialect, ReachesItsRules) {
  const auto dialect = make_dialect(DialectKind::gemini);
  const Endpoint endpoint;
  const auto row = std::get<RowPtr>(parse_row(R"({"prompt":"hi"})", 1)).release();
  const RowPtr owner(row);
  EXPECT_NE(dialect->encode(*row, "m", true, endpoint, Credential("k")).head.find("streamGenerateContent"),
            std::string::npos);
  EXPECT_TRUE(dialect->honours(endpoint).has(Feature::top_k));
  EXPECT_FALSE(dialect->honours(endpoint).has(Feature::serper_parameter));
  const std::string_view refused =
      R"({"error":{"code":400,"message":"x","details":[{"reason":"API_KEY_INVALID"}]}})";
  EXPECT_EQ(dialect->classify(reply_head(400), refused).kind, FaultKind::unauthorized);
  EXPECT_EQ(dialect->judge_probe(reply_head(400), refused).value_or(Fault()).kind, FaultKind::unauthorized);
  EXPECT_FALSE(dialect->judge_probe(reply_head(200), R"({"models":[]})"));
  EXPECT_FALSE(dialect->limits(reply_head(200, {{"x-ratelimit-limit-requests", "10"}})).any);
  EXPECT_EQ(dialect->request_id(reply_head(200)), "");
}

}  // namespace
}  // namespace batchrun
