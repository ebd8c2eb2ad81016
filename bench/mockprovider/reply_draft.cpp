#include "bench/mockprovider/reply_draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

constexpr std::string_view gateway_page =
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
    "Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n";
constexpr std::string_view portal_page =
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>Accept the terms to use this "
    "network.</p></body></html>\n";

void add_field(ReplyDraft& draft, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(draft.fields), "{}: {}\r\n", name, value);
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

// Says nothing of how long to wait: a client has only the header, or its own judgement.
ApiError slow_down() {
  return {.status = 429,
          .message = "Rate limit reached. Please slow down.",
          .type = "requests",
          .code = "rate_limit_exceeded"};
}

void insert_in_content(std::string& json, std::string_view what) {
  for (std::string_view start : {R"("content":")", R"("arguments":")"}) {
    if (const std::size_t at = json.find(start); at != json.npos) {
      json.insert(at + start.size(), what);
      return;
    }
  }
}

std::string deep_nesting() {
  return R"({"choices":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
}

constexpr std::string_view azure_first_event =
    R"({"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,)"
    R"("content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]})";

void cut_events(ReplyDraft& draft, std::size_t keep) {
  draft.events.data.resize(keep);
  draft.done_mark = false;
}

std::string_view invalid_utf8() {
  return "\xff\xc3";
}

// The faults that also mean something in a plain reply.
void spoil_plain(ReplyDraft& draft, FaultKind kind) {
  if (kind == FaultKind::malformed_json_event) draft.body.resize(draft.body.size() / 2);
  if (kind == FaultKind::invalid_utf8_event) insert_in_content(draft.body, invalid_utf8());
  if (kind == FaultKind::deep_nesting_event) draft.body = deep_nesting();
}

}  // namespace

void ReplyDraft::clear() {
  status = 200;
  content_type = "application/json";
  fields.clear();
  body.clear();
  streamed = comments = multi_line_data = false;
  done_mark = final_blank_line = true;
  line_end = "\n";
}

void make_error(ReplyDraft& draft, const ApiError& error, Flavour flavour) {
  draft.status = error.status;
  draft.streamed = false;
  draft.content_type = "application/json; charset=utf-8";
  draft.body = error_body(error, flavour);
}

void add_retry_after(ReplyDraft& draft, Moment wait, Flavour flavour) {
  const auto ms = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(wait).count());
  add_field(draft, "retry-after", std::to_string((ms + 999) / 1000));
  if (flavour == Flavour::openai) add_field(draft, "retry-after-ms", std::to_string(ms));
}

void replace_with_fault(ReplyDraft& draft, const FaultRule& rule, const FaultContext& context) {
  if (rule.should_retry) add_field(draft, "x-should-retry", *rule.should_retry ? "true" : "false");
  switch (rule.kind) {
    case FaultKind::rate_limit_429:
      make_error(draft, slow_down(), context.flavour);
      return add_scripted_retry_after(draft, rule, rule.retry_after.value_or(RetryAfter::integer),
                                      context.unix_s);
    case FaultKind::quota_exhausted:
      return make_error(draft, insufficient_quota(), context.flavour);
    case FaultKind::unauthorized:
      return make_error(draft, incorrect_key(context.key, rule.echo_key), context.flavour);
    case FaultKind::model_not_found:
      return make_error(draft, unknown_model(context.model), context.flavour);
    case FaultKind::bad_request:
      return make_error(draft, {.message = "Invalid value in your request.", .param = "messages"},
                        context.flavour);
    case FaultKind::context_too_long:
      return make_error(draft, context_too_long(context.prompt_tokens), context.flavour);
    case FaultKind::content_filter_400:
      return make_error(draft, content_filtered(), context.flavour);
    case FaultKind::status: {
      ApiError error = server_error();
      error.status = rule.code ? rule.code : 418;
      add_scripted_retry_after(draft, rule, rule.retry_after.value_or(RetryAfter::none), context.unix_s);
      return make_error(draft, error, context.flavour);
    }
    case FaultKind::status_502_html:
      return make_page(draft, 502, gateway_page);
    case FaultKind::status_503_empty:
      return make_empty(draft, 503, "");
    case FaultKind::status_529:
      return make_error(draft, overloaded(), context.flavour);
    case FaultKind::html_200:
      return make_page(draft, 200, portal_page);
    case FaultKind::empty_200:
      return make_empty(draft, 200, "application/json");
    case FaultKind::error_200:
      make_error(draft, server_error(), context.flavour);
      draft.status = 200;
      return;
    case FaultKind::redirect_302:
      make_empty(draft, rule.code ? rule.code : 302, "");
      return add_field(draft, "location",
                       rule.location.empty() ? "http://127.0.0.1:1/v1/chat/completions" : rule.location);
    default:
      return make_error(draft, server_error(), context.flavour);
  }
}

std::size_t event_after(const StreamEvents& events, std::uint32_t chunks) {
  if (events.contents == 0) return events.finish;
  return events.first_content + std::min<std::size_t>(chunks, events.contents - 1);
}

void spoil_events(ReplyDraft& draft, const FaultRule& rule, Flavour flavour) {
  if (!draft.streamed) return spoil_plain(draft, rule.kind);
  std::vector<std::string>& data = draft.events.data;
  const std::size_t at = event_after(draft.events, rule.after_chunks);
  switch (rule.kind) {
    case FaultKind::error_first_event:
    case FaultKind::error_mid_stream:
      cut_events(draft, rule.kind == FaultKind::error_first_event ? 0 : at);
      data.push_back(error_event(server_error(), flavour));
      return;
    case FaultKind::eof_without_done:
      return cut_events(draft, at);
    case FaultKind::done_without_finish:
      return data.resize(draft.events.finish);
    case FaultKind::finish_without_done:
      draft.done_mark = false;
      return;
    case FaultKind::malformed_json_event:
      return data[at].resize(data[at].size() / 2);
    case FaultKind::invalid_utf8_event:
      return insert_in_content(data[at], invalid_utf8());
    case FaultKind::deep_nesting_event:
      data[at] = deep_nesting();
      return;
    case FaultKind::huge_event:
      return insert_in_content(
          data[at], std::string(static_cast<std::size_t>(rule.bytes > 0 ? rule.bytes : 2 << 20), 'x'));
    case FaultKind::choices_empty_first:
      data.insert(data.begin(), std::string(azure_first_event));
      ++draft.events.first_content;
      ++draft.events.finish;
      return;
    case FaultKind::comments:
      draft.comments = true;
      return;
    case FaultKind::crlf:
      draft.line_end = "\r\n";
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
