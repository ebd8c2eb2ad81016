// What can be told to go wrong, by name, and which requests it happens to. README.md here explains each
// fault.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/mockprovider/moment.h"
#include "bench/mockprovider/random.h"

namespace batchrun::mock {

enum class FaultKind : std::uint8_t {
  // to a connection, before any request
  reset_on_accept,
  close_on_accept,
  stall_on_accept,
  // an error reply, given before the request is admitted
  rate_limit_429,
  quota_exhausted,
  unauthorized,
  model_not_found,
  bad_request,
  context_too_long,
  content_filter_400,
  request_too_large,
  // something else than the answer, after the request was admitted
  status,
  status_500,
  status_502_html,
  status_503_empty,
  status_529,
  overloaded,
  html_200,
  empty_200,
  error_200,
  redirect_302,
  // the answer itself
  content_filter,
  refusal,
  blocked_prompt,
  no_results,
  no_usage,
  empty_choices,
  absurd_limits,
  plain_for_stream,
  // events of a stream
  error_first_event,
  error_mid_stream,
  eof_without_done,
  done_without_finish,
  finish_without_done,
  malformed_json_event,
  invalid_utf8_event,
  deep_nesting_event,
  huge_event,
  choices_empty_first,
  comments,
  crlf,
  multi_line_data,
  no_final_blank_line,
  done_keeps_open,
  finish_keeps_open,
  // framing on the wire
  truncated_chunked,
  bad_chunk_size,
  wrong_content_length,
  conflicting_lengths,
  gzip_body,
  huge_headers,
  continue_100,
  early_hints_103,
  http10_close,
  keepalive_close,
  // how the bytes go out
  reset_before_head,
  close_before_head,
  stall_before_head,
  reset_in_head,
  reset_in_body,
  stall_before_first_chunk,
  stall_mid_stream,
  keep_alives,
  drip,
  slice,
};
inline constexpr int fault_kinds = static_cast<int>(FaultKind::slice) + 1;

// When a fault happens to a request.
enum class FaultStage : std::uint8_t { connection, refused, replaces_answer, answer, events, framing, pace };

std::string_view name(FaultKind kind);
FaultStage stage(FaultKind kind);
std::optional<FaultKind> fault_named(std::string_view name);
// Only streams have what this breaks; a plain request is answered as if the fault were not there.
bool streams_only(FaultKind kind);

enum class RetryAfter : std::uint8_t {
  integer,
  fraction,
  date,
  milliseconds,
  none,
  zero,
  huge,
  negative,
  garbage
};
std::optional<RetryAfter> retry_after_named(std::string_view name);

// One entry of a scenario's fault list. Which requests: every filter must match; then, of the matching ones,
// the numbers in `requests`, or every `every`-th, or each with `probability`.
struct FaultRule {
  FaultKind kind = FaultKind::status_500;
  double probability = 1;
  std::uint64_t every = 0;                     // 0 = not used
  std::vector<std::uint64_t> requests{};       // 1-based; empty = not used
  std::uint64_t times = 0;                     // stops after this many; 0 = never stops
  double from_s = 0, until_s = 1e9;            // seconds since the start of the provider
  std::string key{}, organisation{}, model{};  // "" = any
  std::string contains{};                      // in the last user message; "" = any
  std::optional<bool> stream{};

  std::uint32_t after_chunks = 1;  // content chunks of a stream let through first; how many 1xx replies
  std::int64_t bytes = 0;   // size of what is huge, error of a wrong length; 0 = the fault's own default
  double seconds = 0;       // of a stall (0 = until the client leaves) and of retry-after (0 = 1)
  double interval_ms = 50;  // drip: between bytes; keep_alives: between them
  std::uint32_t count = 3;  // keep_alives: how many, before silence
  bool from_body = false;   // drip, slice: the head goes out whole
  int code = 0;             // status of `status` and `redirect_302`
  std::string location{};   // redirect_302
  std::optional<RetryAfter> retry_after{};  // absent: integer for rate_limit_429, none for `status`
  std::optional<bool> should_retry{};       // the x-should-retry field
  bool echo_key = false;                    // unauthorized: the body repeats the whole key
  std::string variant{};                    // which of several forms the fault has in a dialect (README.md)
};

// A correct client still gets a whole, good answer. `end_mark_needed`: a stream without its end mark is none.
bool leaves_answer_whole(const FaultRule& rule, bool end_mark_needed = false);

// What of a request the filters look at.
struct FaultSubject {
  std::string_view key{}, organisation{}, model{}, last_user_text{};
  bool stream = false;
};

// Decides request by request which fault happens. Deterministic for a seed and an order of requests.
class FaultPicker {
 public:
  FaultPicker(std::vector<FaultRule> rules, std::uint64_t seed);

  // The first rule of the list that strikes, or null. The pointer is good as long as the picker.
  const FaultRule* for_connection(Moment now);
  const FaultRule* for_request(const FaultSubject& subject, Moment now);

 private:
  struct Entry {
    FaultRule rule;
    std::uint64_t seen = 0, struck = 0;
  };
  const FaultRule* pick(bool connection, const FaultSubject& subject, Moment now);
  bool strikes(Entry& entry, Moment now);
  std::vector<Entry> entries_;
  Random random_;
};

}  // namespace batchrun::mock
