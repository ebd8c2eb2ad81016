// Times and counts as providers write them in header fields and error texts. Pure.
//
// Strict: what is not exactly one of the named forms is nothing. White space around it is allowed. Results
// are never negative; a figure beyond ten years is ten years. Dates are judged against the reply's own Date
// field, never against a clock here, so that a wrong clock on either side does no harm. Sources:
// the providers' rate-limit pages; RFC 9110 (HTTP dates), RFC 3339.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pool/time.h"

namespace batchrun {

// As Go prints it: "6m0s", "120ms", "2m59.56s", "1h2m3.5s", "0s". Units h, m, s, ms, each at most once, in
// this order. A protobuf duration ("37s", "1.5s") has the same form.
std::optional<Duration> parse_go_duration(std::string_view text);

// A bare decimal number of seconds: "20", "33011.382867".
std::optional<Duration> parse_seconds(std::string_view text);

// Nanoseconds since 1970-01-01 UTC. Years 1970 to 2200.
std::optional<std::int64_t> parse_http_date(std::string_view text);  // "Wed, 21 Oct 2026 07:28:00 GMT"
std::optional<std::int64_t> parse_rfc3339(std::string_view text);  // "2026-11-22T10:15:30Z", "...30.5+01:00"

// The value of a reset field: Go duration, bare seconds, or an RFC 3339 time (zero when it is past). `date`
// is the reply's Date field; a time cannot be read without it.
std::optional<Duration> parse_reset(std::string_view text, std::string_view date);

// Retry-After: bare seconds or an HTTP date. Nothing unless it is more than zero and at most 31 days, the
// longest quota period there is: a longer wait is a mistake of the server's.
std::optional<Duration> parse_retry_after(std::string_view text, std::string_view date);

// Retry-After-Ms: a bare decimal number of milliseconds; range as above.
std::optional<Duration> parse_retry_after_ms(std::string_view text);

// The wait an error text asks for: "Please try again in 9m38.016s.", "Please retry after 22 seconds.",
// "Please retry in 45.5s"; range as above.
std::optional<Duration> find_wait(std::string_view message);

// A count, with or without thousands separators: "30000", "30,000", "14.5". Negative is nothing: providers
// write -1 for a figure they do not know.
std::optional<double> parse_field_number(std::string_view text);

}  // namespace batchrun
