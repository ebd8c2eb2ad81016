#include <gtest/gtest.h>

#include "io/row_reader.h"
#include "tests/io/json_samples.h"

namespace batchrun {
namespace {

Row parsed(const std::string& text) {
  auto result = parse_row(text, 7);
  if (auto* row = std::get_if<RowPtr>(&result)) {
    Row out;
    std::swap(out, **row);
    return out;
  }
  ADD_FAILURE() << text << ": " << std::get<RowError>(result).message;
  return {};
}

RowError refused(const std::string& text) {
  auto result = parse_row(text, 7);
  if (auto* error = std::get_if<RowError>(&result)) return *error;
  ADD_FAILURE() << "not refused: " << text;
  return {};
}

constexpr const char* batch_line =
    R"({"custom_id":"r1","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini",)"
    R"("messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi \u00e9\n"}],"max_tokens":64,"n":3}})";

TEST(ParseRow, ReadsAnOpenAiBatchLine) {
  auto result = parse_row(batch_line, 7);
  const Row& row = *std::get<RowPtr>(result);
  EXPECT_EQ(row.line, 7u);
  EXPECT_EQ(row.text, batch_line);
  EXPECT_EQ(row.shape, RowShape::body);
  EXPECT_TRUE(row.body.starts_with(R"({"model":"gpt-4o-mini")"));
  EXPECT_TRUE(row.body.ends_with(R"("n":3})"));
  EXPECT_GE(row.body.data(), row.text.data());
  EXPECT_LE(row.body.data() + row.body.size(), row.text.data() + row.text.size());
  EXPECT_EQ(row.custom_id, "r1");
  EXPECT_TRUE(row.id_given);
  EXPECT_EQ(row.model, "gpt-4o-mini");
  EXPECT_EQ(row.content_bytes, 9u + 6u);  // é is two bytes, LF one
  EXPECT_EQ(row.message_count, 2u);
  EXPECT_EQ(row.max_output_tokens, 64u);
  EXPECT_EQ(row.choices, 3u);
}

TEST(ParseRow, ReadsABareBodyWithItsOwnMembers) {
  const Row row = parsed(
      R"({"id":"b\n1","provider":"groq","route":"small","tags":["a","b"],"metadata":{"user_id":"u"},"model":"groq/llama",)"
      R"("messages":[{"role":"user","content":[{"type":"text","text":"abc"},{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"de"}]}],"max_completion_tokens":5,"max_tokens":9})");
  EXPECT_EQ(row.custom_id, "b\n1");
  EXPECT_EQ(row.provider, "groq");
  EXPECT_EQ(row.route, "small");
  EXPECT_EQ(row.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(row.model, "groq/llama");
  EXPECT_EQ(row.content_bytes, 5u + 3000u) << "an image is charged too";
  EXPECT_EQ(row.max_output_tokens, 5u);
  auto whole = parse_row(R"({"messages":[{"content":"x"}],"metadata":{"a":[1]}})", 1);
  const Row& bare = *std::get<RowPtr>(whole);
  EXPECT_EQ(bare.body, bare.text);
  EXPECT_EQ(bare.metadata, R"({"a":[1]})");
}

// A cap on cost counts a token for each byte of them.
TEST(ParseRow, CountsWhatTheModelReadsBesideTheMessages) {
  const std::string tools = R"([{"type":"function","function":{"name":"f","parameters":{"a":[1,2]}}}])";
  const std::string format = R"({"type":"json_schema","json_schema":{"name":"n","schema":{}}})";
  const std::string calls = R"([{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}])";
  EXPECT_EQ(parsed(R"({"messages":[{"role":"user","content":"abc"}],"tools":)" + tools +
                   R"(,"response_format":)" + format + "}")
                .content_bytes,
            3u + tools.size() + format.size());
  EXPECT_EQ(parsed(R"({"prompt":"abc","tools":)" + tools + "}").content_bytes, 3u + tools.size());
  EXPECT_EQ(parsed(R"({"messages":[{"role":"assistant","content":null,"tool_calls":)" + calls + "}]}")
                .content_bytes,
            calls.size());
}

TEST(ParseRow, ReadsAPromptRow) {
  const Row row = parsed(
      R"({"prompt":"What is\u0020up?","system":"Be brief.","model":"m","max_tokens":8,"temperature":0.2})");
  EXPECT_EQ(row.shape, RowShape::prompt);
  EXPECT_EQ(row.prompt, "What is up?");
  EXPECT_EQ(row.system, "Be brief.");
  EXPECT_EQ(row.model, "m");
  EXPECT_EQ(row.max_output_tokens, 8u);
  EXPECT_EQ(row.content_bytes, 20u);
  EXPECT_EQ(row.message_count, 2u);
  EXPECT_FALSE(row.id_given);
  EXPECT_TRUE(row.custom_id.starts_with("row-"));
  EXPECT_EQ(row.custom_id.size(), 20u);
}

TEST(ParseRow, ReadsASearch) {
  const Row row = parsed(R"({"id":"q1","query":"coffee","num":10,"location":"Rome"})");
  EXPECT_EQ(row.shape, RowShape::search);
  EXPECT_EQ(row.api, Api::search);
  EXPECT_EQ(row.prompt, "coffee");
  EXPECT_EQ(row.custom_id, "q1");
}

TEST(ParseRow, ReadsABodyInAProvidersOwnWords) {
  const Row messages = parsed(
      R"({"id":"r","url":"/v1/messages","body":{"model":"c","max_tokens":9,"messages":[]},"metadata":{"a":1}})");
  EXPECT_EQ(messages.api, Api::anthropic_messages);
  EXPECT_EQ(messages.shape, RowShape::body);
  EXPECT_EQ(messages.body, R"({"model":"c","max_tokens":9,"messages":[]})");
  EXPECT_EQ(messages.model, "c");
  EXPECT_EQ(messages.max_output_tokens, 9u);
  EXPECT_TRUE(messages.needs.empty());
  const Row gemini = parsed(R"({"url":"/v1beta/models/g-2:generateContent","body":{"contents":[]}})");
  EXPECT_EQ(gemini.api, Api::gemini_generate);
  EXPECT_EQ(gemini.model, "g-2");
  const Row other = parsed(R"({"url":"/v1beta/models/g-3:generateContent","body":{"contents":[]}})");
  EXPECT_NE(gemini.identity.content_hash, other.identity.content_hash) << "another model is another question";
}

TEST(ParseRow, TakesNullAsAbsentWhereThatIsHarmless) {
  const Row row = parsed(
      R"({"prompt":"x","system":null,"model":null,"provider":null,"route":null,"tags":null,"metadata":null})");
  EXPECT_TRUE(row.model.empty() && row.system.empty() && row.metadata.empty() && row.tags.empty());
}

// As tables are exported: a column for each word, null where a row has none.
TEST(ParseRow, TakesNullAsAbsentForTheShapeToo) {
  const std::string all =
      R"("custom_id":null,"url":null,"body":null,"messages":null,"system":null,"seed":null)";
  const Row prompt = parsed("{\"prompt\":\"x\",\"query\":null," + all + "}");
  EXPECT_EQ(prompt.shape, RowShape::prompt);
  EXPECT_FALSE(prompt.id_given);
  EXPECT_TRUE(prompt.needs.empty());
  EXPECT_EQ(parsed("{\"query\":\"x\",\"prompt\":null," + all + "}").shape, RowShape::search);
}

TEST(ParseRow, ARefusedRowKeepsItsId) {
  for (const char* text :
       {R"({"prompt":"x","host":"evil","id":"mine"})", R"({"n":1,"n":2,"custom_id":"mine"})",
        R"({"custom_id":"mine","tags":"t","prompt":"x"})"}) {
    const RowError error = refused(text);
    EXPECT_EQ(error.custom_id, "mine") << text;
    EXPECT_TRUE(error.id_given);
  }
}

TEST(ParseRow, KeepsNumbersItHasNoTypeFor) {
  const Row row = parsed(R"({"prompt":"x","seed":123456789012345678901234567890,"max_tokens":1e400,"n":-1})");
  EXPECT_EQ(row.max_output_tokens, 0u);
  EXPECT_EQ(row.choices, 1u);
}

TEST(ParseRow, RefusesWithPlaceAndReason) {
  struct Case {
    std::string text;
    std::uint32_t column;
    std::string message;  // a part of it
  };
  const std::string chat = R"("messages":[{"role":"user","content":"x"}])";
  const Case table[] = {
      {"[]", 1, "must be a JSON object"},
      {"  3", 3, "must be a JSON object"},
      {"null", 1, "must be a JSON object"},
      {"{\"prompt\":\"hi}", 11, "string is not closed"},
      {"{\"prompt\":\"hi\"", 15, "expected ',' or '}'"},
      {"{\"prompt\":\"\xFF\"}", 12, "not valid UTF-8"},
      {std::string("{\"prompt\":\"\0\"}", 14), 12, "control character"},
      {R"({"prompt":"x","prompt":"y"})", 15, "'prompt' is given twice"},
      {R"({"prompt":"x","\u0070rompt":"y"})", 15, "'prompt' is given twice"},
      {R"({"body":{)" + chat + R"(,"model":"a","model":"b"}})", 65, "'model' is given twice"},
      {R"({"custom_id":7,"prompt":"x"})", 14, "custom_id must be a string"},
      {R"({"id":7,"prompt":"x"})", 7, "id must be a string"},
      {R"({"custom_id":"","prompt":"x"})", 14, "must not be empty"},
      {R"({"custom_id":")" + std::string(513, 'i') + R"(","prompt":"x"})", 14, "longer than 512 bytes"},
      {R"({"prompt":7})", 11, "prompt must be a string"},
      {R"({"prompt":"x","model":7})", 23, "model must be a string"},
      {R"({"prompt":"x","tags":"t"})", 22, "tags must be an array of strings"},
      {R"({"prompt":"x","tags":[1]})", 23, "tags must be an array of strings"},
      {R"({"prompt":"x","metadata":"u"})", 26, "metadata must be an object"},
      {R"({"prompt":"x",)" + chat + "}", 11, "not both"},
      {R"({"prompt":"x","query":"y"})", 23, "either for a model or a search"},
      {R"({"query":"y",)" + chat + "}", 10, "either for a model or a search"},
      {R"({"system":"s",)" + chat + "}", 11, "a message, {\"role\":\"system\""},
      {R"({"body":{"system":"s",)" + chat + "}}", 19, "a message, {\"role\":\"system\""},
      {R"({"max_tokens":5,"body":{)" + chat + "}}", 15, "max_tokens stands beside the body"},
      {R"({"prompt":"x","body":{)" + chat + "}}", 11, "prompt stands beside the body"},
      {R"({"url":"/v1/messages","temperature":1,"body":{}})", 37, "temperature stands beside the body"},
      {R"({"messages":[{"role":5,"content":"x"}]})", 22, "role must be a string"},
      {R"({"messages":[{"content":5}]})", 25, "content must be a string or an array of parts"},
      {R"({"messages":[{"content":{"text":"x"}}]})", 25, "content must be a string or an array of parts"},
      {R"({"messages":[{"content":["x"]}]})", 26, "a part of content must be an object"},
      {R"({"messages":[{"content":[{"type":"text","text":5}]}]})", 48, "text must be a string"},
      {R"({"query":""})", 10, "query must not be empty"},
      {R"({"query":7})", 10, "query must be a string"},
      {R"({"contents":[]})", 13, "needs a url and a body; urls are /v1/chat/completions,"},
      {R"({"a":1})", 0, "no body, messages, prompt or query; a row is an OpenAI Batch line"},
      {R"({"method":"POST","url":"/v1/chat/completions"})", 0, "no body"},
      {R"({"method":"GET","body":{)" + chat + "}}", 11, "method must be \"POST\""},
      {R"({"body":"x"})", 9, "body must be an object"},
      {R"({"body":{"model":"m"}})", 0, "no messages"},
      {R"({"messages":{}})", 13, "messages must be an array"},
      {R"({"messages":[]})", 13, "messages must not be empty"},
      {R"({"messages":["x"]})", 14, "a message must be an object"},
      {R"({"model":"a","body":{"model":"b",)" + chat + "}}", 30, "one model and its body another"},
      {R"({"url":"/v1/files","body":{}})", 8, "url '/v1/files' is not supported; supported are /v1/chat"},
      {R"({"url":"/v1/messages"})", 0, "no body"},
      {R"({"url":"/v1/messages","model":"a","body":{"model":"b"}})", 51, "one model and its body another"},
      {R"({"url":"/v1beta/models/a:generateContent","model":"b","body":{}})", 8,
       "one model and its url another"},
      {R"({"batchrun":{"ok":true},"response":{}})", 0, "result line of batchrun"},
      {std::string(129, '['), 129, "nested too deep"},
  };
  for (const Case& c : table) {
    const RowError error = refused(c.text);
    EXPECT_EQ(error.line, 7u);
    EXPECT_EQ(error.column, c.column) << c.text << ": " << error.message;
    EXPECT_EQ(error.code, "invalid_row");
    EXPECT_NE(error.message.find(c.message), std::string::npos) << c.text << ": " << error.message;
    EXPECT_FALSE(error.custom_id.empty());
  }
}

TEST(ParseRow, LetsNoRowChooseADestination) {
  const char* const urls[] = {"http://evil/v1/chat/completions",
                              "https://a@b/v1/chat/completions",
                              "//evil/v1/chat/completions",
                              "evil.com/v1/chat/completions",
                              "/v1/../v1/chat/completions",
                              "/v1/chat/completions?x=1",
                              "/v1/chat%2fcompletions",
                              "\\\\\\\\evil",
                              "/v1/chat/completions\\r\\nHost: evil",
                              "",
                              "/v1/chat/completions/"};
  for (const std::string url : urls) {
    refused(R"({"url":")" + url + R"(","body":{"messages":[{"content":"x"}]}})");
  }
  for (const std::string name :
       {"api_base", "base_url", "host", "Host", "headers", "api_key", "Authorization", "AUTHORIZATION",
        "extra_headers", "credentials", "api\\u005fbase", "proxy"}) {
    for (const std::string& row :
         {R"({"prompt":"x",")" + name + R"(":"y"})", R"({"messages":[{"content":"x"}],")" + name + R"(":{}})",
          R"({"body":{"messages":[{"content":"x"}],")" + name + R"(":"y"}})"}) {
      EXPECT_NE(refused(row).message.find("may not choose a host"), std::string::npos) << row;
    }
  }
  // Only as a member of the row: the same words are fine in what the model reads.
  parsed(R"({"prompt":"host: evil","response_format":{"host":"x","headers":[]}})");
}

TEST(ParseRow, ShowsNothingThatCouldHarmATerminal) {
  for (const std::string text :
       {"{\"url\":\"/\\u001b[2J\",\"body\":{}}", "{\"url\":\"/\xE2\x80\xAE\",\"body\":{}}"}) {
    for (const char c : refused(text).message) EXPECT_TRUE(c >= ' ' && c <= '~');
  }
}

TEST(ParseRow, IdentityIsTheIdAndWhatIsSent) {
  const RowIdentity base = parsed(R"({"custom_id":"a","body":{"messages":[{"content":"x"}]}})").identity;
  EXPECT_EQ(parsed(R"({"body" : {"messages":[{"content":"x"}]}, "custom_id":"a","tags":["t"]})").identity,
            base);
  EXPECT_EQ(parsed(R"({"id":"a","body":{"messages":[{"content":"x"}]}})").identity, base);
  const RowIdentity other_content =
      parsed(R"({"custom_id":"a","body":{"messages":[{"content":"y"}]}})").identity;
  EXPECT_EQ(other_content.id_hash, base.id_hash);
  EXPECT_NE(other_content.content_hash, base.content_hash);
  EXPECT_NE(
      parsed(R"({"custom_id":"a","model":"m","body":{"messages":[{"content":"x"}]}})").identity.content_hash,
      base.content_hash);
  const RowIdentity other_id = parsed(R"({"custom_id":"b","body":{"messages":[{"content":"x"}]}})").identity;
  EXPECT_NE(other_id.id_hash, base.id_hash);
  EXPECT_EQ(other_id.content_hash, base.content_hash);
}

TEST(ParseRow, TurnsRawCarriageReturnsIntoSpaces) {
  const Row row = parsed("{\"prompt\":\r\"x\"\r}\r");
  EXPECT_EQ(row.text, "{\"prompt\": \"x\" }");
}

TEST(ParseRow, ReadsTheRequestOfAnErrorLine) {
  const std::string inner = R"({"prompt":"x","max_tokens":4})";
  const std::string line =
      R"({"id":"br-3-00000000","custom_id":"row-1-2","response":null,"error":{"code":"c"},"request":)" +
      inner + R"(,"batchrun":{"ok":false}})";
  const Row row = parsed(line);
  EXPECT_EQ(row.text, inner);
  EXPECT_EQ(row.custom_id, "row-1-2");
  EXPECT_TRUE(row.id_given);
  EXPECT_EQ(row.identity.content_hash, parsed(inner).identity.content_hash);
  // The row's own id goes before that of the line.
  EXPECT_EQ(parsed(R"({"custom_id":"outer","request":{"id":"own","prompt":"x"},"batchrun":{}})").custom_id,
            "own");
  // Text that was no row is refused again, as itself and under the same id.
  const RowError again = refused(R"({"custom_id":"row-9","request":"{\"prompt\":","batchrun":{"ok":false}})");
  EXPECT_EQ(again.text, "{\"prompt\":");
  EXPECT_EQ(again.custom_id, "row-9");
  EXPECT_FALSE(again.text_is_json);
  // An error line in an error line is no row.
  refused(R"({"request":{"request":{"prompt":"x"},"batchrun":{}},"batchrun":{}})");
}

TEST(ParseRow, ARowAtTheLimitOfDepthSurvivesBeingFiledAsAnError) {
  std::string deep = R"({"prompt":"x","deep":)" + std::string(127, '[') + std::string(127, ']') + "}";
  parsed(deep);
  parsed(R"({"id":"br-1-00000000","custom_id":"a","request":)" + deep + R"(,"batchrun":{}})");
}

TEST(ParseRow, SurvivesAnything) {
  testing::JsonSamples samples(31);
  const std::string seeds[] = {batch_line,
                               R"({"id":"a","prompt":"x","tags":["t"],"metadata":{},"max_tokens":8})",
                               R"({"custom_id":"c","request":{"prompt":"x"},"batchrun":{"ok":false}})"};
  for (int round = 0; round < 20000; ++round) {
    const std::string text = samples.spoiled(seeds[static_cast<std::size_t>(round) % 3]);
    auto result = parse_row(text, 1);
    if (auto* row = std::get_if<RowPtr>(&result)) {
      EXPECT_FALSE((*row)->custom_id.empty());
      EXPECT_TRUE((*row)->shape == RowShape::prompt || !(*row)->body.empty());
    } else {
      const RowError& error = std::get<RowError>(result);
      EXPECT_FALSE(error.message.empty());
      EXPECT_LE(error.column, text.size() + 1);
    }
  }
}

}  // namespace
}  // namespace batchrun
