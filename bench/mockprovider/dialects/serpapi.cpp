// SerpApi: GET /search.json and its voice (https://serpapi.com/search-api,
// https://serpapi.com/api-status-and-error-codes).
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/dialects/search_answer.h"
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
      if (p.variant == "deleted") return {403, "This account has been deleted."};
      return {401, p.whole_key
                       ? fmt::format("Invalid API key: {}", p.key)
                       : "Invalid API key. Your API key should be here: https://serpapi.com/manage-api-key"};
    case Trouble::unknown_model:
      return {400, fmt::format("Unsupported `{}` search engine.", p.model)};
    case Trouble::unknown_url:
      return {404, "Not Found"};
    case Trouble::wrong_method:
      return {405, "Method Not Allowed"};
    case Trouble::server_error:
      return {500, "We couldn't process your request. Please try again."};
    case Trouble::overloaded:
      return {503, "Service temporarily unavailable."};
    case Trouble::quota_gone:
      return {429, "Your account has run out of searches."};
    case Trouble::context_too_long:
    case Trouble::prompt_refused:
      return {400, "The query cannot be used."};
    case Trouble::rate_limited:
      return {429, "You are exceeding your account's hourly throughput limit."};
  }
  return {500, ""};
}

// Status 200 and an error is a search that failed.
std::string failed_metadata(std::string_view id) {
  return fmt::format(R"("search_metadata":{{"id":"{}","status":"Error"}},)", id);
}

class SerpApi final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    ErrorReply reply = worded(problem);
    if (problem.status > 0) reply.status = problem.status;
    std::string body = problem.with_200 ? "{" + failed_metadata(problem.reply_id) : "{";
    body += "\"error\":";
    append_json_string(body, reply.body);
    return {reply.status, body + "}"};
  }

  void append_reply_fields(std::string& out, std::string_view id, std::string_view) const override {
    out.append("x-request-id: ").append(id).append("\r\n");
  }
  void append_absurd_limit_fields(std::string&) const override {}
  void append_retry_after(std::string&, Moment) const override {}
};

// Query members that are no parameters of the search.
bool is_secret_or_form(std::string_view name) {
  return name == "api_key" || name == "output" || name == "source";
}

class Search final : public Endpoint {
 public:
  std::optional<Problem> read(const HttpRequest& request, const Target&, Call& out) const override {
    const std::string query = percent_decoded(request.query("q"));
    if (query.empty()) return Problem{.message = "Missing query `q` parameter."};
    out.queries = {query};
    read_queries(out);
    const std::string_view engine = request.query("engine");
    out.model = engine.empty() ? "google" : percent_decoded(engine);
    const std::string_view wanted = request.query("num");
    std::from_chars(wanted.data(), wanted.data() + wanted.size(), out.results);
    out.parameters = {{"engine", out.model}};
    for (const auto& [name, value] : request.query_members()) {
      if (name != "engine" && !is_secret_or_form(name))
        out.parameters.emplace_back(percent_decoded(name), percent_decoded(value));
    }
    return std::nullopt;
  }

  std::string_view plain_member() const override { return "organic_results"; }

  void append_plain(std::string& out, const Answer& answer) const override {
    const ReplyFrame& frame = answer.frame;
    std::string at = rfc3339(frame.created);
    at[10] = ' ';
    at.replace(at.size() - 1, 1, " UTC");
    append_format(
        out,
        R"({{"search_metadata":{{"id":"{}","status":"Success","created_at":"{}","processed_at":"{}",)"
        R"("total_time_taken":1.05}},"search_parameters":{{)",
        frame.id, at, at);
    for (const auto& [name, value] : answer.call.parameters) {
      if (&name != &answer.call.parameters.front().first) out += ',';
      append_json_string(out, name);
      out += ':';
      append_json_string(out, value);
    }
    out += R"(},"search_information":{"query_displayed":)";
    append_json_string(out, answer.call.last_user_text);
    if (frame.no_results) {
      out +=
          R"(,"organic_results_state":"Fully empty"},"error":"Google hasn't returned any results for this query."})";
      return;
    }
    out += R"(,"total_results":123000000},"organic_results":[)";
    for (std::uint32_t i = 1; i <= answer.call.results; ++i) {
      const SearchResult result = search_result(answer.call, answer.call.last_user_text, i);
      append_format(out, R"({}{{"position":{},"title":)", i > 1 ? "," : "", i);
      append_json_string(out, result.title);
      append_format(out, R"(,"link":"{}","displayed_link":"example.org","snippet":"{}"}})", result.link,
                    result.snippet);
    }
    out += "]}";
  }
};

}  // namespace

std::string serpapi_account(std::optional<std::uint64_t> searches_left, std::uint64_t this_hour,
                            std::optional<double> per_hour) {
  const std::uint64_t left = searches_left.value_or(1'000'000);
  return fmt::format(
      R"({{"account_id":"5ac54d6adefb2f1dba1663f5","plan_id":"big","plan_name":"Big Data Plan",)"
      R"("searches_per_month":1000000,"plan_searches_left":{0},"extra_credits":0,)"
      R"("total_searches_left":{0},"this_hour_searches":{1},"account_rate_limit_per_hour":{2:.0f}}})",
      left, this_hour, per_hour.value_or(200'000));
}

const Dialect& serpapi_dialect() {
  static const SerpApi dialect;
  return dialect;
}

const Endpoint& serpapi_search() {
  static const Search endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
