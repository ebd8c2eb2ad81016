#include "io/dialects/serpapi.h"

#include <gtest/gtest.h>

#include <map>

#include "io/row_reader.h"
#include "tests/support/replay.h"

namespace batchrun {
namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";
const Credential credential(secret);

Endpoint endpoint() {
  Endpoint result;
  result.origin.host = "serpapi.com";
  return result;
}

RowPtr row_of(const std::string& line) {
  auto row = parse_row(line, 1);
  EXPECT_TRUE(std::holds_alternative<RowPtr>(row)) << line;
  return std::move(std::get<RowPtr>(row));
}

// What a server makes of a request line: the path, and each parameter with its escapes undone.
struct Target {
  std::string method, path;
  std::map<std::string, std::string> parameters;
};

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return out;
}

Target target_of(const Request& request) {
  const std::string line = request.head.substr(0, request.head.find("\r\n"));
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  EXPECT_EQ(line.substr(last), " HTTP/1.1");
  EXPECT_EQ(line.find(' ', first + 1), last) << line;
  const std::string target = line.substr(first + 1, last - first - 1);
  const std::size_t mark = target.find('?');
  Target result{line.substr(0, first), target.substr(0, mark), {}};
  for (std::size_t at = mark + 1; at < target.size();) {
    const std::size_t end = std::min(target.find('&', at), target.size());
    const std::string pair = target.substr(at, end - at);
    const std::size_t equal = pair.find('=');
    EXPECT_TRUE(
        result.parameters.emplace(decoded(pair.substr(0, equal)), decoded(pair.substr(equal + 1))).second)
        << pair;
    at = end + 1;
  }
  return result;
}

using Parameters = std::map<std::string, std::string>;

Parameters parameters_of(const std::string& line) {
  static const Endpoint where = endpoint();
  const RowPtr row = row_of(line);
  const Target target =
      target_of(make_dialect(DialectKind::serpapi)->encode(*row, "", false, where, credential));
  EXPECT_EQ(target.method, "GET");
  EXPECT_EQ(target.path, "/search.json");
  return target.parameters;
}

Recording found(std::string body, int status = 200) {
  Recording recording;
  recording.kind = DialectKind::serpapi;
  recording.api = Api::search;
  recording.streamed = false;
  recording.status = status;
  recording.fields = {{"content-type", "application/json"}, {"date", "Wed, 21 Oct 2026 07:28:00 GMT"}};
  recording.body = std::move(body);
  return recording;
}

TEST(SerpApi, ServesSearchesOnly) {
  const auto dialect = make_dialect(DialectKind::serpapi);
  for (int i = 0; i <= static_cast<int>(Api::search); ++i) {
    EXPECT_EQ(dialect->serves(static_cast<Api>(i), Endpoint()), static_cast<Api>(i) == Api::search);
    EXPECT_FALSE(dialect->streams(static_cast<Api>(i)));
  }
  EXPECT_EQ(dialect->honours(endpoint()), FeatureSet(Feature::serpapi_parameter));
}

TEST(SerpApi, AsksInTheUrl) {
  EXPECT_EQ(parameters_of(R"({"id":"q1","query":"coffee"})"),
            (Parameters{{"engine", "google"}, {"q", "coffee"}, {"api_key", secret}}));
  EXPECT_EQ(
      parameters_of(
          R"({"query":"caf\u00e9 & bar? #1 +50% \r\nHost: x","num":20,"location":"Austin, Texas","gl":"us","h\u006c":"en","no_cache":true,)"
          R"("tags":["a"],"metadata":{"a":1},"provider":"serpapi","device":null,"lat":1.5})"),
      (Parameters{{"engine", "google"},
                  {"q", "caf\xC3\xA9 & bar? #1 +50% \r\nHost: x"},
                  {"num", "20"},
                  {"location", "Austin, Texas"},
                  {"gl", "us"},
                  {"hl", "en"},
                  {"no_cache", "true"},
                  {"lat", "1.5"},
                  {"api_key", secret}}));
  EXPECT_EQ(parameters_of(R"({"query":"x","engine":"google_light"})").at("engine"), "google_light");
}

TEST(SerpApi, APageIsItsFirstResult) {
  EXPECT_EQ(parameters_of(R"({"query":"x","page":1})").count("start"), 0u);
  EXPECT_EQ(parameters_of(R"({"query":"x","page":3})").at("start"), "20");
  EXPECT_EQ(parameters_of(R"({"query":"x","page":"2","num":50})").at("start"), "50");
  EXPECT_EQ(parameters_of(R"({"query":"x","page":3})").count("page"), 0u);
  EXPECT_EQ(parameters_of(R"({"query":"x","page":"two"})").at("page"), "two");
}

TEST(SerpApi, TheKeyIsInTheHeadAndNowhereElse) {
  const auto dialect = make_dialect(DialectKind::serpapi);
  Endpoint where = endpoint();
  where.base_path = "/proxy";
  const RowPtr row = row_of(R"({"query":"x"})");
  const Request request = dialect->encode(*row, "", false, where, Credential("a/b&c=d e"));
  EXPECT_EQ(request.body, "");
  EXPECT_EQ(
      request.head,
      "GET /proxy/search.json?q=x&engine=google&api_key=a%2Fb%26c%3Dd%20e HTTP/1.1\r\nHost: serpapi.com\r\n"
      "User-Agent: batchrun/0.1\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n\r\n");
  // Whatever repeats the URL.
  const std::string url = "https://serpapi.com/search.json?q=x&api_key=" + secret;
  const Reply failed = replay(found("{\"error\":\"No such page: " + url + "&gl=us\"}", 404));
  EXPECT_EQ(failed.fault.value_or(Fault()).message,
            "No such page: https://serpapi.com/search.json?q=x&api_key=[key]&gl=us");
  const Reply redirected = replay(found("", 302));
  EXPECT_EQ(redirected.fault.value_or(Fault()).message.find("api_key"), std::string::npos);
  const Reply answered = replay(found(R"({"search_metadata":{"status":"Success","self":")" + url +
                                      R"(","next":")" + url + R"(&start=10"}})"));
  ASSERT_FALSE(answered.fault);
  EXPECT_EQ(
      answered.answer.body,
      R"({"search_metadata":{"status":"Success","self":"https://serpapi.com/search.json?q=x&api_key=[key]","next":"https://serpapi.com/search.json?q=x&api_key=[key]&start=10"}})");
}

TEST(SerpApi, KeepsTheResultsAsTheyCame) {
  const std::string body = R"({
  "search_metadata": {"id": "64a1", "status": "Success", "created_at": "2026-11-22 10:00:00 UTC", "total_time_taken": 1.05},
  "search_parameters": {"engine": "google", "q": "coffee", "gl": "us", "hl": "en"},
  "organic_results": [{"position": 1, "title": "Coffee", "link": "https://example.org/coffee"}]
})";
  const Reply reply = replay(found(body));
  ASSERT_FALSE(reply.fault) << reply.fault->message;
  std::string one_line = body;
  for (char& c : one_line) c = c == '\n' ? ' ' : c;
  EXPECT_EQ(reply.answer.body, one_line);
  EXPECT_EQ(reply.answer.usage.searches, 1u);
  EXPECT_TRUE(reply.answer.usage.known);
}

TEST(SerpApi, NoResultsAreAnAnswer) {
  const Reply reply = replay(found(
      R"({"search_metadata":{"status":"Success"},"error":"Google hasn't returned any results for this query."})"));
  EXPECT_FALSE(reply.fault);
}

TEST(SerpApi, SaysWhyASearchFailed) {
  struct Case {
    int status;
    const char* body;
    FaultKind kind;
  };
  const Case table[] = {
      {200, R"({"search_metadata":{"status":"Error"},"error":"We couldn't get valid results."})",
       FaultKind::server_error},
      {200, R"({"search_metadata":{"status":"Error"}})", FaultKind::server_error},
      {200, R"({"search_metadata":{"status":"Processing"}})", FaultKind::malformed_reply},
      {200, R"({"error":"Your account has run out of searches."})", FaultKind::quota_exhausted},
      {200, "{}", FaultKind::malformed_reply},
      {200, "", FaultKind::malformed_reply},
      {200, "[]", FaultKind::malformed_reply},
      {200, "<html>", FaultKind::malformed_reply},
      {200, "{\"search_metadata\":{\"status\":\"Success\"", FaultKind::malformed_reply},
      {400, R"({"error":"Missing query `q` parameter."})", FaultKind::bad_request},
      {401, R"({"error":"Invalid API key. Your API key should be here: https://serpapi.com/manage-api-key"})",
       FaultKind::unauthorized},
      {200, R"({"error":"Invalid API key. Your API key should be here: https://serpapi.com/manage-api-key"})",
       FaultKind::unauthorized},
      {403, R"({"error":"The account has been deleted."})", FaultKind::unauthorized},
      {403, "<html><title>Attention</title>", FaultKind::server_error},
      {404, R"({"error":"Search not found."})", FaultKind::bad_request},
      {410, R"({"error":"Search expired."})", FaultKind::bad_request},
      {429, R"({"error":"Your account has run out of searches."})", FaultKind::quota_exhausted},
      {429, R"({"error":"You are exceeding your hourly throughput limit."})", FaultKind::rate_limited},
      {429, "", FaultKind::rate_limited},
      {500, "", FaultKind::server_error},
      {502, "<html>", FaultKind::server_error},
      {503, "", FaultKind::overloaded},
  };
  for (const Case& one : table) {
    const Reply reply = replay(found(one.body, one.status));
    ASSERT_TRUE(reply.fault) << one.body;
    EXPECT_EQ(name(reply.fault->kind), name(one.kind)) << one.status << one.body;
  }
}

TEST(SerpApi, AnHoursThroughputIsBackAtTheNextHour) {
  const std::string body = R"({"error":"You are exceeding your hourly throughput limit."})";
  const Reply reply = replay(found(body, 429));
  EXPECT_EQ(reply.fault.value_or(Fault()).retry_after, std::optional<Duration>(std::chrono::minutes(32)));
  Recording undated = found(body, 429);
  undated.fields = {{"content-type", "application/json"}};
  EXPECT_FALSE(replay(undated).fault.value_or(Fault()).retry_after);
}

TEST(SerpApi, AsksTheAccountWhetherAKeyIsGood) {
  const auto dialect = make_dialect(DialectKind::serpapi);
  const Endpoint where = endpoint();
  const Target target = target_of(dialect->encode_probe(where, credential));
  EXPECT_EQ(target.path, "/account.json");
  EXPECT_EQ(target.parameters, (Parameters{{"api_key", secret}}));
  const auto judge = [&](int status, std::string_view body) {
    return dialect->judge_probe(reply_head(status), body);
  };
  EXPECT_FALSE(judge(200, R"({"plan_searches_left":5,"total_searches_left":5,"this_hour_searches":0})"));
  EXPECT_FALSE(judge(200, "{}"));
  EXPECT_EQ(judge(200, R"({"plan_searches_left":0,"total_searches_left":0})").value().kind,
            FaultKind::quota_exhausted);
  EXPECT_EQ(judge(401, R"({"error":"Invalid API key."})").value().kind, FaultKind::unauthorized);
  EXPECT_EQ(judge(503, "").value().kind, FaultKind::overloaded);
}

}  // namespace
}  // namespace batchrun
