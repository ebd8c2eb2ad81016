// Faults out of replies, as far as they are the same for every provider: what a status means, how long to
// wait, what to tell people. Each dialect asks its own rules first. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "io/dialect.h"
#include "io/dialects/error_body.h"
#include "io/reply_json.h"

namespace batchrun {

// A reply that failed, read for its verdict.
struct ErrorReply {
  const ResponseHead* head = nullptr;  // nullptr: an error event in a stream
  std::string_view body;               // as it came
  ErrorBody error;
  // What to judge by: the reply's status; of an event or a 2xx reply the one its error names or stands for.
  int status = 0;
};
// `head` and `body` must outlive the result.
ErrorReply read_error_reply(const ResponseHead* head, std::string_view body);

// What the status alone says: a redirect -> bad_request · 401 -> unauthorized · 402 -> quota_exhausted
//   403 -> unauthorized; without JSON it is a CDN's and no verdict on the key -> server_error
//   429 -> rate_limited · 503, 529 -> overloaded · other 5xx, 408, 409, 425, 499 -> server_error
//   other 4xx -> bad_request · what is no error -> malformed_reply
FaultKind kind_by_status(const ErrorReply& reply);

// The wait that the header fields ask for, retry-after-ms before retry-after; nothing if none is valid.
std::optional<Duration> header_wait(const ResponseHead& head);

// The whole fault. `kind`: the dialect's verdict; x-should-retry is obeyed over it: `false` makes a transient
// fault permanent for the row, and a rate limit one that waiting does not cure on this key (exceeds_window);
// `true` makes a bad request worth another try (server_error). The wait is that of the header fields; of a
// rate limit else the one in the message, else the reset of the limit that `limits` say is used up. The
// dimension of a rate limit is the one its message names.
Fault fault_of(const ErrorReply& reply, FaultKind kind, const ServerLimits& limits);

// A reply that is not what the protocol promises. The fault's status is 0.
Fault malformed(std::string_view what);
// What is wrong with a body that must be one JSON object: empty, HTML, no JSON, another value. Nothing if it
// is one.
std::optional<Fault> wrong_body(std::string_view body, const ReplyJson& json);
// The same of an event, or of what else `what` calls it.
std::optional<Fault> wrong_event(const ReplyJson& json, std::string_view what = "an event");

Fault with_status(Fault fault, int status);

}  // namespace batchrun
