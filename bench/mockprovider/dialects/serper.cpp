// Serper: POST /search and its voice (https://serper.dev).
#include <fmt/format.h>

#include <iterator>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/dialects/search_answer.h"
#include "bench/mockprovider/json_view.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

ErrorReply worded(const Problem& p) {
  switch (p.trouble) {
    case Trouble::invalid:
      return {400, p.message};
    case Trouble::no_key:
    case Trouble::incorrect_key:
      return {403, p.whole_key ? fmt::format("Unauthorized: {}", p.key) : "Unauthorized."};
    case Trouble::unknown_model:
    case Trouble::unknown_url:
      return {404, "Not Found"};
    case Trouble::wrong_method:
      return {405, "Method Not Allowed"};
    case Trouble::server_error:
      return {500, "Internal server error"};
    case Trouble::overloaded:
      return {503, "Service unavailable"};
    case Trouble::quota_gone:
      return {400, "Not enough credits"};
    case Trouble::context_too_long:
    case Trouble::prompt_refused:
      return {400, "Query pattern not allowed"};
    case Trouble::rate_limited:
      return {429, "Too many requests"};
  }
  return {500, ""};
}

class Serper final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    ErrorReply reply = worded(problem);
    if (problem.status > 0) reply.status = problem.status;
    std::string body = "{\"message\":";
    append_json_string(body, reply.body);
    return {reply.status, body + fmt::format(",\"statusCode\":{}}}", reply.status)};
  }

  void append_reply_fields(std::string&, std::string_view, std::string_view) const override {}
  void append_absurd_limit_fields(std::string&) const override {}
  void append_retry_after(std::string&, Moment) const override {}
};

std::optional<Problem> read_one(JsonView body, Call& out) {
  const std::string_view query = body["q"].text();
  if (query.empty()) return Problem{.message = "Missing query parameter"};
  out.queries.emplace_back(query);
  if (out.queries.size() > 1) return std::nullopt;
  out.results = static_cast<std::uint32_t>(body["num"].whole().value_or(10));
  for (const char* name : {"gl", "hl", "location", "tbs"}) {
    if (body[name].is_text()) out.parameters.emplace_back(name, std::string(body[name].text()));
  }
  return std::nullopt;
}

std::optional<Problem> read_all(JsonView body, Call& out) {
  out.model = "google";
  out.in_array = body.is_array();
  if (!out.in_array) return read_one(body, out);
  if (body.size() == 0 || body.size() > 100)
    return Problem{.message = "Batch size must be between 1 and 100"};
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (auto problem = read_one(body[i], out)) return problem;
  }
  return std::nullopt;
}

void append_one(std::string& out, const Answer& answer, std::string_view query) {
  out += R"({"searchParameters":{"q":)";
  append_json_string(out, query);
  for (const auto& [name, value] : answer.call.parameters) {
    out.append(",\"").append(name).append("\":");
    append_json_string(out, value);
  }
  append_format(out, R"(,"type":"search","num":{},"engine":"google"}},"organic":[)", answer.call.results);
  for (std::uint32_t i = 1; i <= answer.call.results && !answer.frame.no_results; ++i) {
    const SearchResult result = search_result(answer.call, query, i);
    out.append(i > 1 ? "," : "").append("{\"title\":");
    append_json_string(out, result.title);
    append_format(out, R"(,"link":"{}","snippet":"{}","position":{}}})", result.link, result.snippet, i);
  }
  out += ']';
  if (!answer.frame.no_results) {
    out += R"(,"peopleAlsoAsk":[{"question":"Is it good?","snippet":"It depends.","title":"x",)"
           R"("link":"https://example.org/a"}],"relatedSearches":[{"query":"more of it"}])";
  }
  out += ",\"credits\":1}";
}

class Search final : public Endpoint {
 public:
  std::optional<Problem> read(const HttpRequest& request, const Target&, Call& out) const override {
    std::optional<Problem> problem;
    const bool parsed = with_json(request.body, [&](JsonView body) { problem = read_all(body, out); });
    if (!parsed) return Problem{.message = "Invalid JSON"};
    if (!problem) read_queries(out);
    return problem;
  }

  std::string_view plain_member() const override { return "organic"; }

  void append_plain(std::string& out, const Answer& answer) const override {
    if (!answer.call.in_array) return append_one(out, answer, answer.call.last_user_text);
    out += '[';
    for (const std::string& query : answer.call.queries) {
      if (&query != &answer.call.queries.front()) out += ',';
      append_one(out, answer, query);
    }
    out += ']';
  }
};

}  // namespace

const Dialect& serper_dialect() {
  static const Serper dialect;
  return dialect;
}

const Endpoint& serper_search() {
  static const Search endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
