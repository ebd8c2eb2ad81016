#include "io/result.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>

#include "io/json_text.h"
#include "io/json_tokens.h"
#include "io/row_identity.h"

namespace batchrun {
namespace {

constexpr std::size_t kept_of_reply = 64u << 10;

// `key` is the member's name as it stands in the line: ,"name":
template <std::integral Number>
void append_member(std::string& out, std::string_view key, Number value) {
  out += key;
  append_json_number(out, value);
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out += key;
  append_json_string(out, value);
}

// Exact: all twelve decimals, as far as they are not zero.
void append_cost(std::string& out, std::int64_t cost) {
  constexpr std::int64_t dollar = 1'000'000'000'000;
  append_member(out, R"(,"cost_usd":)", cost / dollar);
  std::array<char, 13> digits;  // of a dollar and the decimals: the leading one keeps their zeros
  std::to_chars(digits.begin(), digits.end(), dollar + cost % dollar);
  const std::string_view decimals(digits.data() + 1, digits.size() - 1);
  const std::size_t last = decimals.find_last_not_of('0');
  if (last != std::string_view::npos) out.append(".").append(decimals.substr(0, last + 1));
}

// Eight digits.
void append_hex(std::string& out, std::uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 0xF];
}

// From the line's start up to the members that differ.
void append_ids(std::string& out, std::uint64_t line, const RowIdentity& identity,
                std::string_view custom_id) {
  append_member(out, R"({"id":"br-)", line);
  out += '-';
  append_hex(out, identity.content_hash);
  append_member(out, R"(","custom_id":)", custom_id);
}

// The start of the batchrun object: what every line has.
void append_run_head(std::string& out, bool ok, std::uint64_t line, const RowFigures& figures) {
  out += ok ? ",\"batchrun\":{\"ok\":true" : ",\"batchrun\":{\"ok\":false";
  append_member(out, R"(,"row":)", line);
  append_member(out, R"(,"attempts":)", figures.attempts);
  if (figures.provider.empty()) return;
  append_member(out, R"(,"provider":)", figures.provider);
  append_member(out, R"(,"key":)", figures.key);
  append_member(out, R"(,"model":)", figures.model);
}

void append_run_tail(std::string& out, const RowFigures& figures, std::string_view metadata) {
  append_member(out, R"(,"queue_ms":)", figures.queue_ms);
  append_member(out, R"(,"first_chunk_ms":)", figures.first_chunk_ms);
  append_member(out, R"(,"latency_ms":)", figures.latency_ms);
  if (!metadata.empty()) {
    out += ",\"metadata\":";
    append_json_raw(out, metadata);
  }
  out += "}}\n";
}

void append_response_head(std::string& out, int status, std::string_view request_id) {
  append_member(out, R"(,"response":{"status_code":)", status);
  append_member(out, R"(,"request_id":)", request_id);
  out += ",\"body\":";
}

// What a failing server sent may be anything.
void append_reply(std::string& out, std::string_view body) {
  thread_local JsonTokens tokens;
  if (body.empty()) {
    out += "null";
  } else if (body.size() <= kept_of_reply && tokens.scan(body)) {
    append_json_raw(out, tokens.raw(JsonTokens::root));
  } else {
    append_json_string(out, body.substr(0, kept_of_reply));
  }
}

void append_attempt(std::string& out, const AttemptNote& attempt) {
  append_member(out, R"({"provider":)", attempt.provider);
  append_member(out, R"(,"key":)", attempt.key);
  append_member(out, R"(,"model":)", attempt.model);
  append_member(out, R"(,"status":)", attempt.status);
  append_member(out, R"(,"fault":)", attempt.fault);
  append_member(out, R"(,"message":)", attempt.message);
  append_member(out, R"(,"at_ms":)", attempt.at_ms);
  out += '}';
}

void append_error(std::string& out, std::string_view code, std::string_view message,
                  const std::vector<AttemptNote>& attempts) {
  append_member(out, R"(,"error":{"code":)", code);
  append_member(out, R"(,"message":)", message);
  out += ",\"attempts\":[";
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (i > 0) out += ',';
    append_attempt(out, attempts[i]);
  }
  out += "]}";
}

void append_request(std::string& out, std::string_view text, bool is_json) {
  out += ",\"request\":";
  if (is_json) {
    append_json_raw(out, text);
  } else {
    append_json_string(out, text);
  }
}

}  // namespace

void append_result_line(std::string& out, const Row& row, const Answer& answer, int status,
                        std::string_view request_id, const RowFigures& figures) {
  out.reserve(std::max(out.capacity(), out.size() + answer.body.size() + 512));
  append_ids(out, row.line, row.identity, row.custom_id);
  append_response_head(out, status, request_id);
  append_json_raw(out, answer.body);
  out += "},\"error\":null";
  append_run_head(out, true, row.line, figures);
  append_member(out, R"(,"input_tokens":)", answer.usage.input_tokens);
  append_member(out, R"(,"output_tokens":)", answer.usage.output_tokens);
  if (!answer.usage.known) out += ",\"usage_estimated\":true";
  if (figures.cost) append_cost(out, *figures.cost);
  append_run_tail(out, figures, row.metadata);
}

void append_error_line(std::string& out, const Row& row, const RowFailure& failure,
                       const RowFigures& figures) {
  append_ids(out, row.line, row.identity, row.custom_id);
  if (failure.status != 0) {
    append_response_head(out, failure.status, failure.request_id);
    append_reply(out, failure.body);
    out += '}';
  } else {
    out += ",\"response\":null";
  }
  append_error(out, failure.code, failure.message, failure.attempts);
  append_request(out, row.text, true);
  append_run_head(out, false, row.line, figures);
  append_run_tail(out, figures, row.metadata);
}

void append_refusal_line(std::string& out, const RowError& refusal) {
  append_ids(out, refusal.line, refusal.identity, refusal.custom_id);
  out += ",\"response\":null";
  append_error(out, refusal.code, refusal.message, {});
  append_request(out, refusal.text, refusal.text_is_json);
  append_run_head(out, false, refusal.line, RowFigures{});
  if (refusal.column != 0) append_member(out, R"(,"column":)", refusal.column);
  if (refusal.occurrence != 0) append_member(out, R"(,"occurrence":)", refusal.occurrence);
  out += "}}\n";
}

}  // namespace batchrun
