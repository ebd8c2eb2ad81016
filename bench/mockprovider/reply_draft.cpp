#include "bench/mockprovider/reply_draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <optional>

#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

constexpr std::string_view gateway_page =
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
    "Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n";
constexpr std::string_view portal_page =
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>Accept the terms to use this "
    "network.</p></body></html>\n";

void add_field(ReplyDraft& draft, std::string_view name, std::string_view value) {
  append_format(draft.fields, "{}: {}\r\n", name, value);
}

void make_page(ReplyDraft& draft, int status, std::string_view page) {
  draft.status = status;
  draft.streamed = false;
  draft.content_type = "text/html; charset=utf-8";
  draft.body = page;
}

void make_empty(ReplyDraft& draft, int status, std::string_view content_type) {
  draft.status = status;
  draft.streamed = false;
  draft.content_type = content_type;
  draft.body.clear();
}

void add_scripted_retry_after(ReplyDraft& draft, const FaultRule& rule, RetryAfter form,
                              std::int64_t unix_s) {
  const double wait_s = rule.seconds > 0 ? rule.seconds : 1;
  switch (form) {
    case RetryAfter::integer:
      return add_field(draft, "retry-after", fmt::format("{:.0f}", std::ceil(wait_s)));
    case RetryAfter::fraction:
      return add_field(draft, "retry-after", fmt::format("{:.3f}", wait_s));
    case RetryAfter::date:
      return add_field(draft, "retry-after",
                       http_date(unix_s + static_cast<std::int64_t>(std::ceil(wait_s))));
    case RetryAfter::milliseconds:
      return add_field(draft, "retry-after-ms", fmt::format("{:.0f}", wait_s * 1e3));
    case RetryAfter::none:
      return;
    case RetryAfter::zero:
      return add_field(draft, "retry-after", "0");
    case RetryAfter::huge:
      return add_field(draft, "retry-after", "1000000000");
    case RetryAfter::negative:
      return add_field(draft, "retry-after", "-5");
    case RetryAfter::garbage:
      return add_field(draft, "retry-after", "soon");
  }
}

// The same for dialects that say it in the body: seconds as text.
std::string scripted_delay(const FaultRule& rule, RetryAfter form) {
  const double wait_s = rule.seconds > 0 ? rule.seconds : 1;
  switch (form) {
    case RetryAfter::integer:
    case RetryAfter::date:
      return fmt::format("{:.0f}", std::ceil(wait_s));
    case RetryAfter::fraction:
    case RetryAfter::milliseconds:
      return fmt::format("{:.3f}", wait_s);
    case RetryAfter::none:
      return "";
    case RetryAfter::zero:
      return "0";
    case RetryAfter::huge:
      return "1000000000";
    case RetryAfter::negative:
      return "-5";
    case RetryAfter::garbage:
      return "soon";
  }
  return "";
}

void insert_in_content(std::string& json, std::string_view what) {
  for (std::string_view start : {R"("content":")", R"("arguments":")", R"("text":")", R"("partial_json":")",
                                 R"("delta":")", R"("snippet":")"}) {
    if (const std::size_t at = json.find(start); at != json.npos) {
      json.insert(at + start.size(), what);
      return;
    }
  }
}

// An event, or a body, whose generated part is nothing but brackets. `type`: "" = it has none.
std::string deep_nesting(std::string_view type, std::string_view member) {
  const std::string start = type.empty() ? "{" : fmt::format(R"({{"type":"{}",)", type);
  return start + fmt::format("\"{}\":", member) + std::string(100'000, '[') + std::string(100'000, ']') + "}";
}

constexpr std::string_view azure_first_event =
    R"({"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,)"
    R"("content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]})";

// Nothing of the stream comes after its first `keep` events.
void cut_events(StreamEvents& events, std::size_t keep) {
  events.data.resize(keep);
  events.broken_off = true;
}

std::string_view invalid_utf8() {
  return "\xff\xc3";
}

// The faults that also mean something in a plain reply.
void spoil_plain(ReplyDraft& draft, FaultKind kind, std::string_view member) {
  if (kind == FaultKind::malformed_json_event) draft.body.resize(draft.body.size() / 2);
  if (kind == FaultKind::invalid_utf8_event) insert_in_content(draft.body, invalid_utf8());
  if (kind == FaultKind::deep_nesting_event) draft.body = deep_nesting("", member);
}

void add_fields(ReplyDraft& draft, const FaultRule& rule, RetryAfter usual, Problem& problem,
                const Dialect& dialect, std::int64_t unix_s) {
  const RetryAfter form = rule.retry_after.value_or(usual);
  if (dialect.delay_is_in_body()) {
    problem.retry_delay = scripted_delay(rule, form);
  } else {
    add_scripted_retry_after(draft, rule, form, unix_s);
  }
}

// The error reply that a fault makes; nothing when it makes something else.
std::optional<Problem> problem_of(const FaultRule& rule, Problem about) {
  about.variant = rule.variant;
  const auto with = [&about](Trouble trouble, int status = 0) {
    about.trouble = trouble;
    about.status = status;
    return about;
  };
  switch (rule.kind) {
    case FaultKind::rate_limit_429:
      return with(Trouble::rate_limited);
    case FaultKind::request_too_large:
      about.refusal = Refusal{
          .dimension = Dimension::tokens_per_minute, .limit = 30000, .requested = 50000, .too_large = true};
      return with(Trouble::rate_limited);
    case FaultKind::quota_exhausted:
      return with(Trouble::quota_gone);
    case FaultKind::unauthorized:
      about.whole_key = rule.echo_key;
      return with(Trouble::incorrect_key);
    case FaultKind::model_not_found:
      return with(Trouble::unknown_model);
    case FaultKind::bad_request:
      about.message = "Invalid value in your request.";
      about.param = "messages";
      return with(Trouble::invalid);
    case FaultKind::context_too_long:
      return with(Trouble::context_too_long);
    case FaultKind::content_filter_400:
      return with(Trouble::prompt_refused);
    case FaultKind::status:
      return with(Trouble::server_error, rule.code ? rule.code : 418);
    case FaultKind::status_529:
      return with(Trouble::overloaded, 529);
    case FaultKind::overloaded:
      return with(Trouble::overloaded);
    case FaultKind::error_200:
      about.with_200 = true;
      return with(Trouble::server_error);
    case FaultKind::status_502_html:
    case FaultKind::status_503_empty:
    case FaultKind::html_200:
    case FaultKind::empty_200:
    case FaultKind::redirect_302:
      return std::nullopt;
    default:
      return with(Trouble::server_error);
  }
}

void make_no_api_reply(ReplyDraft& draft, const FaultRule& rule) {
  switch (rule.kind) {
    case FaultKind::status_502_html:
      return make_page(draft, 502, gateway_page);
    case FaultKind::status_503_empty:
      return make_empty(draft, 503, "");
    case FaultKind::html_200:
      return make_page(draft, 200, portal_page);
    case FaultKind::redirect_302:
      make_empty(draft, rule.code ? rule.code : 302, "");
      return add_field(draft, "location",
                       rule.location.empty() ? "http://127.0.0.1:1/v1/chat/completions" : rule.location);
    default:
      return make_empty(draft, 200, "application/json");
  }
}

}  // namespace

void ReplyDraft::clear() {
  status = 200;
  content_type = "application/json";
  fields.clear();
  body.clear();
  streamed = comments = multi_line_data = false;
  final_blank_line = true;
}

void make_error(ReplyDraft& draft, const Problem& problem, const Dialect& dialect) {
  ErrorReply reply = dialect.error(problem);
  draft.status = problem.with_200 ? 200 : reply.status;
  draft.streamed = false;
  draft.content_type = "application/json; charset=utf-8";
  draft.body = std::move(reply.body);
}

void replace_with_fault(ReplyDraft& draft, const FaultRule& rule, const Problem& about,
                        const Dialect& dialect, std::int64_t unix_s) {
  if (rule.should_retry) add_field(draft, "x-should-retry", *rule.should_retry ? "true" : "false");
  std::optional<Problem> problem = problem_of(rule, about);
  if (!problem) return make_no_api_reply(draft, rule);
  if (rule.kind == FaultKind::rate_limit_429)
    add_fields(draft, rule, RetryAfter::integer, *problem, dialect, unix_s);
  if (rule.kind == FaultKind::status || rule.kind == FaultKind::overloaded)
    add_fields(draft, rule, RetryAfter::none, *problem, dialect, unix_s);
  make_error(draft, *problem, dialect);
}

std::size_t event_after(const StreamEvents& events, std::uint32_t chunks) {
  if (events.contents == 0) return events.finish;
  return events.first_content + std::min<std::size_t>(chunks, events.contents - 1);
}

void spoil_events(ReplyDraft& draft, const FaultRule& rule, const Problem& about, const Endpoint& endpoint,
                  const Dialect& dialect) {
  StreamEvents& events = draft.events;
  if (!draft.streamed) return spoil_plain(draft, rule.kind, endpoint.plain_member());
  std::vector<std::string>& data = events.data;
  const std::size_t at = event_after(events, rule.after_chunks);
  switch (rule.kind) {
    case FaultKind::error_first_event:
    case FaultKind::error_mid_stream: {
      cut_events(events, rule.kind == FaultKind::error_first_event ? 0 : at);
      Problem problem = about;
      problem.trouble = Trouble::server_error;
      problem.variant = rule.variant;
      return endpoint.append_stream_error(events, dialect, problem);
    }
    case FaultKind::eof_without_done:
      return cut_events(events, at);
    case FaultKind::done_without_finish:
      data.erase(data.begin() + static_cast<std::ptrdiff_t>(events.finish),
                 data.begin() + static_cast<std::ptrdiff_t>(events.end_mark));
      return;
    case FaultKind::finish_without_done:
    case FaultKind::finish_keeps_open:
      return data.resize(events.end_mark);
    case FaultKind::malformed_json_event:
      return data[at].resize(data[at].size() / 2);
    case FaultKind::invalid_utf8_event:
      return insert_in_content(data[at], invalid_utf8());
    case FaultKind::deep_nesting_event:
      data[at] = deep_nesting(event_type(data[at]), events.form.content_member);
      return;
    case FaultKind::huge_event:
      return insert_in_content(
          data[at], std::string(static_cast<std::size_t>(rule.bytes > 0 ? rule.bytes : 2 << 20), 'x'));
    case FaultKind::choices_empty_first:
      if (events.form.content_member != "choices") return;
      data.insert(data.begin(), std::string(azure_first_event));
      ++events.first_content;
      ++events.finish;
      ++events.end_mark;
      return;
    case FaultKind::comments:
      draft.comments = true;
      return;
    case FaultKind::crlf:
      events.form.line_end = "\r\n";
      return;
    case FaultKind::multi_line_data:
      draft.multi_line_data = true;
      return;
    case FaultKind::no_final_blank_line:
      draft.final_blank_line = false;
      return;
    default:
      return;
  }
}

}  // namespace batchrun::mock
