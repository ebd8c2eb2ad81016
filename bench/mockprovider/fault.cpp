#include "bench/mockprovider/fault.h"

#include <algorithm>
#include <array>

namespace batchrun::mock {

namespace {

struct Trait {
  FaultKind kind;
  std::string_view name;
  FaultStage stage;
  bool whole;
  bool streams_only;
};

using enum FaultKind;
using enum FaultStage;

constexpr std::array<Trait, fault_kinds> traits_table = {{
    {reset_on_accept, "reset_on_accept", connection, false, false},
    {close_on_accept, "close_on_accept", connection, false, false},
    {stall_on_accept, "stall_on_accept", connection, false, false},
    {rate_limit_429, "rate_limit_429", refused, false, false},
    {quota_exhausted, "quota_exhausted", refused, false, false},
    {unauthorized, "unauthorized", refused, false, false},
    {model_not_found, "model_not_found", refused, false, false},
    {bad_request, "bad_request", refused, false, false},
    {context_too_long, "context_too_long", refused, false, false},
    {content_filter_400, "content_filter_400", refused, false, false},
    {request_too_large, "request_too_large", refused, false, false},
    {status, "status", replaces_answer, false, false},
    {status_500, "status_500", replaces_answer, false, false},
    {status_502_html, "status_502_html", replaces_answer, false, false},
    {status_503_empty, "status_503_empty", replaces_answer, false, false},
    {status_529, "status_529", replaces_answer, false, false},
    {overloaded, "overloaded", replaces_answer, false, false},
    {html_200, "html_200", replaces_answer, false, false},
    {empty_200, "empty_200", replaces_answer, false, false},
    {error_200, "error_200", replaces_answer, false, false},
    {redirect_302, "redirect_302", replaces_answer, false, false},
    {content_filter, "content_filter", answer, true, false},
    {refusal, "refusal", answer, true, false},
    {blocked_prompt, "blocked_prompt", answer, true, false},
    {no_results, "no_results", answer, true, false},
    {no_usage, "no_usage", answer, true, false},
    {empty_choices, "empty_choices", answer, false, false},
    {absurd_limits, "absurd_limits", answer, true, false},
    {plain_for_stream, "plain_for_stream", answer, true, true},
    {error_first_event, "error_first_event", events, false, true},
    {error_mid_stream, "error_mid_stream", events, false, true},
    {eof_without_done, "eof_without_done", events, false, true},
    {done_without_finish, "done_without_finish", events, false, true},
    {finish_without_done, "finish_without_done", events, true, true},
    {malformed_json_event, "malformed_json_event", events, false, false},
    {invalid_utf8_event, "invalid_utf8_event", events, false, false},
    {deep_nesting_event, "deep_nesting_event", events, false, false},
    {huge_event, "huge_event", events, false, true},
    {choices_empty_first, "choices_empty_first", events, true, true},
    {comments, "comments", events, true, true},
    {crlf, "crlf", events, true, true},
    {multi_line_data, "multi_line_data", events, true, true},
    {no_final_blank_line, "no_final_blank_line", events, true, true},
    {done_keeps_open, "done_keeps_open", events, true, true},
    {finish_keeps_open, "finish_keeps_open", events, true, true},
    {truncated_chunked, "truncated_chunked", framing, false, false},
    {bad_chunk_size, "bad_chunk_size", framing, false, false},
    {wrong_content_length, "wrong_content_length", framing, false, false},
    {conflicting_lengths, "conflicting_lengths", framing, false, false},
    {gzip_body, "gzip_body", framing, false, false},
    {huge_headers, "huge_headers", framing, false, false},
    {continue_100, "continue_100", framing, true, false},
    {early_hints_103, "early_hints_103", framing, true, false},
    {http10_close, "http10_close", framing, true, false},
    {keepalive_close, "keepalive_close", framing, true, false},
    {reset_before_head, "reset_before_head", pace, false, false},
    {close_before_head, "close_before_head", pace, false, false},
    {stall_before_head, "stall_before_head", pace, false, false},
    {reset_in_head, "reset_in_head", pace, false, false},
    {reset_in_body, "reset_in_body", pace, false, false},
    {stall_before_first_chunk, "stall_before_first_chunk", pace, false, false},
    {stall_mid_stream, "stall_mid_stream", pace, false, false},
    {keep_alives, "keep_alives", pace, false, true},
    {drip, "drip", pace, true, false},
    {slice, "slice", pace, true, false},
}};

constexpr bool table_is_in_order() {
  for (std::size_t i = 0; i < traits_table.size(); ++i) {
    if (static_cast<std::size_t>(traits_table[i].kind) != i) return false;
  }
  return true;
}
static_assert(table_is_in_order());

const Trait& trait(FaultKind kind) {
  return traits_table[static_cast<std::size_t>(kind)];
}

constexpr std::array<std::string_view, 9> retry_after_names = {
    "integer", "fraction", "date", "milliseconds", "none", "zero", "huge", "negative", "garbage"};

bool matches(const FaultRule& rule, const FaultSubject& subject) {
  return (rule.key.empty() || rule.key == subject.key) &&
         (rule.organisation.empty() || rule.organisation == subject.organisation) &&
         (rule.model.empty() || rule.model == subject.model) &&
         (rule.contains.empty() || subject.last_user_text.find(rule.contains) != std::string_view::npos) &&
         (!rule.stream || *rule.stream == subject.stream) && (!streams_only(rule.kind) || subject.stream);
}

}  // namespace

std::string_view name(FaultKind kind) {
  return trait(kind).name;
}
FaultStage stage(FaultKind kind) {
  return trait(kind).stage;
}
bool streams_only(FaultKind kind) {
  return trait(kind).streams_only;
}

bool leaves_answer_whole(const FaultRule& rule, bool end_mark_needed) {
  const bool no_mark = rule.kind == finish_without_done || rule.kind == finish_keeps_open;
  if (no_mark && end_mark_needed) return false;
  const bool stall = rule.kind == stall_before_head || rule.kind == stall_before_first_chunk ||
                     rule.kind == stall_mid_stream;
  return trait(rule.kind).whole || (stall && rule.seconds > 0);
}

std::optional<FaultKind> fault_named(std::string_view wanted) {
  for (const Trait& t : traits_table) {
    if (t.name == wanted) return t.kind;
  }
  return std::nullopt;
}

std::optional<RetryAfter> retry_after_named(std::string_view wanted) {
  const auto found = std::find(retry_after_names.begin(), retry_after_names.end(), wanted);
  if (found == retry_after_names.end()) return std::nullopt;
  return static_cast<RetryAfter>(found - retry_after_names.begin());
}

FaultPicker::FaultPicker(std::vector<FaultRule> rules, std::uint64_t seed) : random_(mix(seed)) {
  for (FaultRule& rule : rules) entries_.push_back({std::move(rule)});
}

const FaultRule* FaultPicker::for_connection(Moment now) {
  return pick(true, {}, now);
}

const FaultRule* FaultPicker::for_request(const FaultSubject& subject, Moment now) {
  return pick(false, subject, now);
}

const FaultRule* FaultPicker::pick(bool to_connection, const FaultSubject& subject, Moment now) {
  for (Entry& entry : entries_) {
    if ((stage(entry.rule.kind) == FaultStage::connection) != to_connection) continue;
    if (!to_connection && !matches(entry.rule, subject)) continue;
    if (strikes(entry, now)) return &entry.rule;
  }
  return nullptr;
}

bool FaultPicker::strikes(Entry& entry, Moment now) {
  const FaultRule& rule = entry.rule;
  const double at = in_seconds(now);
  if (at < rule.from_s || at >= rule.until_s) return false;
  if (rule.times > 0 && entry.struck >= rule.times) return false;
  ++entry.seen;
  bool hit = false;
  if (!rule.requests.empty()) {
    hit = std::find(rule.requests.begin(), rule.requests.end(), entry.seen) != rule.requests.end();
  } else if (rule.every > 0) {
    hit = entry.seen % rule.every == 0;
  } else {
    hit = rule.probability >= 1 || random_.unit() < rule.probability;
  }
  if (hit) ++entry.struck;
  return hit;
}

}  // namespace batchrun::mock
