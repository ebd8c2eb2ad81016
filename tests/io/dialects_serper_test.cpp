#include "io/dialects/serper.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "io/row_reader.h"
#include "tests/support/replay.h"

namespace batchrun {
namespace {

const Credential credential("0123456789abcdef");

Endpoint endpoint() {
  Endpoint result;
  result.origin.host = "google.serper.dev";
  return result;
}

RowPtr row_of(const std::string& line) {
  auto row = parse_row(line, 1);
  EXPECT_TRUE(std::holds_alternative<RowPtr>(row)) << line;
  return std::move(std::get<RowPtr>(row));
}

std::string minified(std::string_view json) {
  simdjson::dom::parser parser;
  return simdjson::minify(parser.parse(json.data(), json.size()).value());
}

Recording found(std::string body, int status = 200) {
  Recording recording;
  recording.kind = DialectKind::serper;
  recording.api = Api::search;
  recording.streamed = false;
  recording.status = status;
  recording.fields = {{"content-type", "application/json"}};
  recording.body = std::move(body);
  return recording;
}

TEST(Serper, ServesSearchesOnly) {
  const auto dialect = make_dialect(DialectKind::serper);
  for (int i = 0; i <= static_cast<int>(Api::search); ++i) {
    EXPECT_EQ(dialect->serves(static_cast<Api>(i), Endpoint()), static_cast<Api>(i) == Api::search);
    EXPECT_FALSE(dialect->streams(static_cast<Api>(i)));
  }
  EXPECT_EQ(dialect->honours(endpoint()), FeatureSet(Feature::serper_parameter));
}

TEST(Serper, PostsTheQueryAndItsParameters) {
  const auto dialect = make_dialect(DialectKind::serper);
  const Endpoint where = endpoint();
  const RowPtr row = row_of(
      R"({"id":"q1","query":"caf\u00e9 \"x\"","num":10,"location":"Austin, Texas","gl":"us","h\u006c":"en","page":2,"tbs":"qdr:d","autocorrect":false,)"
      R"("tags":["a"],"metadata":{"user_id":"u"},"provider":"serper","priority":1,"device":null})");
  const Request request = dialect->encode(*row, "", false, where, credential);
  EXPECT_EQ(minified(request.body),
            "{\"q\":\"caf\xC3\xA9 \\\"x\\\"\",\"num\":10,\"location\":\"Austin, "
            "Texas\",\"gl\":\"us\",\"hl\":\"en\","
            "\"page\":2,\"tbs\":\"qdr:d\",\"autocorrect\":false}");
  EXPECT_EQ(
      request.head,
      "POST /search HTTP/1.1\r\nHost: google.serper.dev\r\nUser-Agent: batchrun/0.1\r\nAccept: "
      "application/json\r\nAccept-Encoding: identity\r\nContent-Type: application/json\r\nContent-Length: " +
          std::to_string(request.body.size()) + "\r\nX-API-KEY: 0123456789abcdef\r\n\r\n");
}

TEST(Serper, KeepsTheResultsAsTheyCame) {
  const std::string body =
      R"({"searchParameters":{"q":"coffee","gl":"us","hl":"en","type":"search","num":10,"engine":"google"},"knowledgeGraph":{"title":"Coffee","type":"Drink"},)"
      "\n"
      R"("organic":[{"title":"Coffee","link":"https://example.org/coffee","snippet":"A drink.","position":1}],"peopleAlsoAsk":[],"relatedSearches":[{"query":"coffee beans"}],"credits":2})";
  const Reply reply = replay(found(body));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  EXPECT_EQ(minified(reply.answer.body), minified(body));
  EXPECT_EQ(reply.answer.body.find('\n'), std::string::npos);
  EXPECT_EQ(reply.answer.usage.searches, 2u);
  EXPECT_TRUE(reply.answer.usage.known);
  const Reply none = replay(found(R"({"searchParameters":{"q":"qqq"},"organic":[]})"));
  ASSERT_FALSE(none.fault);
  EXPECT_EQ(none.answer.usage.searches, 1u);
}

TEST(Serper, SaysWhyASearchFailed) {
  struct Case {
    int status;
    const char* body;
    FaultKind kind;
  };
  const Case table[] = {
      {403, R"({"message":"Unauthorized.","statusCode":403})", FaultKind::unauthorized},
      {400, R"({"message":"Not enough credits","statusCode":400})", FaultKind::quota_exhausted},
      {400, R"({"message":"Missing query parameter","statusCode":400})", FaultKind::bad_request},
      {401, "", FaultKind::unauthorized},
      {403, "<html><title>Attention</title>", FaultKind::server_error},
      {429, R"({"message":"Too many requests","statusCode":429})", FaultKind::rate_limited},
      {429, "", FaultKind::rate_limited},
      {500, R"({"message":"Internal Server Error","statusCode":500})", FaultKind::server_error},
      {502, "<html>", FaultKind::server_error},
      {503, "", FaultKind::overloaded},
      {200, R"({"message":"Not enough credits","statusCode":400})", FaultKind::quota_exhausted},
      {200, R"({"message":"Oops","statusCode":500})", FaultKind::server_error},
      {200, "{}", FaultKind::malformed_reply},
      {200, "", FaultKind::malformed_reply},
      {200, "[]", FaultKind::malformed_reply},
      {200, "<html>", FaultKind::malformed_reply},
      {200, "{\"organic\":[", FaultKind::malformed_reply},
  };
  for (const Case& one : table) {
    const Reply reply = replay(found(one.body, one.status));
    ASSERT_TRUE(reply.fault) << one.body;
    EXPECT_EQ(name(reply.fault->kind), name(one.kind)) << one.status << one.body;
  }
}

// A search without a query: the key is judged before it.
TEST(Serper, TriesAKeyWithoutSpendingOnIt) {
  const auto dialect = make_dialect(DialectKind::serper);
  const Endpoint where = endpoint();
  const Request probe = dialect->encode_probe(where, credential);
  EXPECT_EQ(probe.body, "{}");
  EXPECT_TRUE(probe.head.starts_with("POST /search HTTP/1.1\r\n"));
  EXPECT_NE(probe.head.find("X-API-KEY: 0123456789abcdef\r\n"), std::string::npos);
  const auto judge = [&](int status, std::string_view body) {
    return dialect->judge_probe(reply_head(status), body);
  };
  EXPECT_FALSE(judge(400, R"({"message":"Missing query parameter","statusCode":400})"));
  EXPECT_FALSE(judge(200, "{}"));
  EXPECT_EQ(judge(403, R"({"message":"Unauthorized.","statusCode":403})").value().kind,
            FaultKind::unauthorized);
  EXPECT_EQ(judge(400, R"({"message":"Not enough credits","statusCode":400})").value().kind,
            FaultKind::quota_exhausted);
  EXPECT_EQ(judge(404, "").value().kind, FaultKind::bad_request);
  EXPECT_EQ(judge(503, "").value().kind, FaultKind::overloaded);
}

}  // namespace
}  // namespace batchrun
