#include "io/dialects/serpapi.h"

#include <algorithm>
#include <charconv>

#include "io/ascii.h"
#include "io/chat_view.h"
#include "io/dialects/reply_fault.h"
#include "io/dialects/request_head.h"
#include "io/duration_text.h"
#include "io/json_members.h"
#include "io/json_text.h"
#include "io/percent_encoding.h"
#include "io/reply_json.h"
#include "io/search_needs.h"

namespace batchrun {
namespace {

constexpr std::uint64_t results_a_page = 10;

void append_parameter(std::string& query, std::string_view name, std::string_view value) {
  query += query.ends_with('?') ? "" : "&";
  append_percent_encoded(query, name);
  query += '=';
  append_percent_encoded(query, value);
}

// A string as what it stands for, a number or a word as it is written.
std::string plain(std::string_view json) {
  return json.starts_with('"') ? text_of(json) : std::string(json);
}

std::uint64_t whole_number(const std::string& text, std::uint64_t otherwise) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end && number < 1'000'000 ? number : otherwise;
}

// "/search.json?engine=google&q=...": all but the key.
std::string search_target(const Row& row) {
  std::string target = "/search.json?";
  append_parameter(target, "q", row.prompt);
  std::string decoded, page, num;
  bool has_engine = false;
  JsonMembers members(row.text);
  for (std::string_view key, value; members.next(key, value);) {
    const std::string_view name = json_unescaped(key, decoded);
    if (search_member(name) == SearchMember::own || value == "null") continue;
    if (name == "num") num = plain(value);
    if (name == "engine") has_engine = true;
    if (name == "page") {
      page = plain(value);
    } else {
      append_parameter(target, name, plain(value));
    }
  }
  if (!has_engine) append_parameter(target, "engine", "google");
  // Google's pages are told by the first result of each.
  const std::uint64_t number = whole_number(page, 0);
  if (number == 0 && !page.empty()) append_parameter(target, "page", page);  // for SerpApi to refuse
  if (number > 1) {
    const std::uint64_t size = std::max<std::uint64_t>(whole_number(num, results_a_page), 1);
    append_parameter(target, "start", std::to_string((number - 1) * size));
  }
  return target;
}

Request get(std::string_view target, const Endpoint& endpoint, const Credential& credential) {
  constexpr std::string_view line_end = " HTTP/1.1\r\n";
  Request request;
  request.origin = &endpoint.origin;
  std::string& head = request.head;
  head = start_head("GET", target, accept_json, endpoint);
  // The key at the end of the request line, encoded where it stands.
  const std::size_t end = head.find(line_end);
  std::string rest = head.substr(end);
  head.resize(end);
  head += target.ends_with('?') ? "api_key=" : "&api_key=";
  const std::size_t start = head.size();
  credential.append_to(head);
  percent_encode_from(head, start);
  head.append(rest).append("\r\n");
  return request;
}

// Searches that fail for their number are counted by the hour.
std::optional<Duration> until_next_hour(const ResponseHead& head) {
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  const auto now_ns = parse_http_date(head.field("date"));
  if (!now_ns) return std::nullopt;
  return std::chrono::nanoseconds(hour_ns - *now_ns % hour_ns);
}

// 401 and an invalid key are said alike, and so are an hour's throughput and the plan's last search: both are
// a 429, and only the text tells.
Fault fault_in(const ResponseHead& head, std::string_view body) {
  const ErrorReply reply = read_error_reply(&head, body);
  const std::string_view message = reply.error.message;
  if (ascii::contains(message, "run out of searches")) return fault_of(reply, FaultKind::quota_exhausted, {});
  if (ascii::starts_with(message, "invalid api key")) return fault_of(reply, FaultKind::unauthorized, {});
  Fault fault = fault_of(reply, kind_by_status(reply), {});
  const bool hourly = ascii::contains(message, "hour") || ascii::contains(message, "throughput");
  if (fault.kind == FaultKind::rate_limited && hourly && !fault.retry_after)
    fault.retry_after = until_next_hour(head);
  return fault;
}

struct Contents {
  std::string status;  // of search_metadata: "Success", "Error", "Processing", ...
  bool error = false;
};

Contents contents_of(const JsonTokens& tokens) {
  Contents contents;
  for (ObjectWalk walk(tokens, JsonTokens::root); walk.next();) {
    if (walk.name() == "error") contents.error = is_truthy(tokens, walk.value());
    if (walk.name() != "search_metadata" || tokens.first(walk.value()) != '{') continue;
    for (ObjectWalk metadata(tokens, walk.value()); metadata.next();) {
      if (metadata.name() == "status") contents.status = string_of(tokens, metadata.value());
    }
  }
  return contents;
}

// Writes [key] over what follows each "api_key=": should a link in the reply be the request's own, the key
// goes no further.
void mask_keys(std::string& text) {
  constexpr std::string_view before = "api_key=";
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    std::size_t end = at;
    while (end < text.size() && (ascii::is_alnum(text[end]) || text[end] == '%' || text[end] == '-' ||
                                 text[end] == '_' || text[end] == '.' || text[end] == '~'))
      ++end;
    text.replace(at, end - at, "[key]");
  }
}

std::optional<std::uint64_t> searches_left(std::string_view body) {
  const ReplyJson json = scan_reply(body);
  if (!json.is_object()) return std::nullopt;
  for (ObjectWalk walk(*json.tokens, JsonTokens::root); walk.next();) {
    if (walk.name() == "total_searches_left") return count_of(*json.tokens, walk.value());
  }
  return std::nullopt;
}

class SerpApiDialect final : public Dialect {
 public:
  bool serves(Api api, const Endpoint&) const override { return api == Api::search; }
  FeatureSet honours(const Endpoint&) const override { return FeatureSet(Feature::serpapi_parameter); }
  bool streams(Api) const override { return false; }

  Request encode(const Row& row, std::string_view, bool, const Endpoint& endpoint,
                 const Credential& credential) const override {
    return get(search_target(row), endpoint, credential);
  }

  // The account: free, and says how many searches are left.
  Request encode_probe(const Endpoint& endpoint, const Credential& credential) const override {
    return get("/account.json?", endpoint, credential);
  }
  std::optional<Fault> judge_probe(const ResponseHead& head, std::string_view body) const override {
    if (head.status < 200 || head.status >= 300) return fault_in(head, body);
    if (searches_left(body) != 0) return std::nullopt;
    Fault fault;
    fault.kind = FaultKind::quota_exhausted;
    fault.status = head.status;
    fault.message = "the account has no searches left";
    return fault;
  }

  std::optional<Fault> decode_event(Api, std::string_view, std::string_view, AnswerDraft&) const override {
    return malformed("a search is not streamed");
  }

  // No results are an answer: "error" beside the status Success says so.
  std::optional<Fault> decode_body(Api, const ResponseHead& head, std::string_view body,
                                   Answer& answer) const override {
    const ReplyJson json = scan_reply(body);
    if (auto fault = wrong_body(body, json)) return fault;
    const Contents contents = contents_of(*json.tokens);
    if (contents.status != "Success") {
      if (contents.error || contents.status == "Error") return fault_in(head, body);
      return malformed(contents.status.empty() ? "the reply has no results of a search"
                                               : "the search ended with status " + contents.status);
    }
    answer.usage.known = true;
    answer.usage.searches = 1;
    answer.body.clear();
    append_json_raw(answer.body, json.text);
    mask_keys(answer.body);
    return std::nullopt;
  }

  Fault classify(const ResponseHead& head, std::string_view body) const override {
    return fault_in(head, body);
  }
  ServerLimits limits(const ResponseHead&) const override { return {}; }          // none known
  std::string_view request_id(const ResponseHead&) const override { return {}; }  // only the body has one
};

}  // namespace

std::unique_ptr<Dialect> make_serpapi_dialect() {
  return std::make_unique<SerpApiDialect>();
}

}  // namespace batchrun
