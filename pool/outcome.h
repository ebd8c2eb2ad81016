// What an attempt came to, in words that hold for every provider. Values only; no thread rule.
//
// io/ makes these from bytes, pool/ decides by them, runner/ carries them between the two.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/time.h"

namespace batchrun {

// Why an attempt failed: one class for each thing that has to be done about it.
// Sources: the error pages of OpenAI, Groq, Cerebras; which reply lands where is io/dialects/.
enum class FaultKind : std::uint8_t {
  connect,              // no connection: resolve, refused, local resources; not one byte was sent
  tls,                  // handshake or certificate refused
  timeout_connect,      // connect or handshake took too long
  timeout_first_chunk,  // no first chunk with content in time
  timeout_idle,         // silence between chunks, or the attempt's whole time is over
  rate_limited,         // 429 and its kin: come back later
  overloaded,           // 503, 529: the provider, not the key
  server_error,         // other 5xx, 408, 409
  unauthorized,         // 401, an invalid or revoked key
  quota_exhausted,      // money or a day's quota is gone for the whole organisation
  model_unavailable,    // this key may not use this model, or it does not exist here
  bad_request,          // 400, 413, 422: the row itself
  content_refused,      // the provider refuses this content
  model_stumbled,       // the model could not form the call or the JSON it was asked for: another try may
  malformed_reply,      // not what the protocol promises: bad JSON, HTML, wrong content type
  truncated_reply,      // ended early: nothing at all, no end mark, a reset in the middle
  too_large,            // the reply is over a cap of ours
  exceeds_window,       // this request can never fit this key's quota, however long it waits
  cancelled,            // we stopped it
};
inline constexpr int fault_kinds = 19;

// What follows from a fault, whoever it happened to.
struct FaultTraits {
  bool retryable;       // another attempt may go better
  bool counts_attempt;  // uses up one of the row's attempts
  bool blames_key;      // counts against the key's circuit
  bool retires_key;     // the key is suspected dead (confirmed by a second fault of the kind)
  bool closes_group;    // the whole quota group pauses
};
FaultTraits traits(FaultKind kind);

// The stable name used in output files and metrics, e.g. "rate_limited".
std::string_view name(FaultKind kind);

// What a provider counts. Minute dimensions are windows of 60 s, day dimensions of a provider's day.
enum class Dimension : std::uint8_t {
  requests_per_minute,
  tokens_per_minute,
  input_tokens_per_minute,
  output_tokens_per_minute,
  requests_per_day,
  tokens_per_day,
};
inline constexpr std::size_t dimensions = 6;
std::string_view name(Dimension dimension);  // "requests per minute"
constexpr bool is_per_day(Dimension dimension) {
  return dimension == Dimension::requests_per_day || dimension == Dimension::tokens_per_day;
}

// Tokens of one answer as the provider reports them; all counts include their sub-parts.
struct Usage {
  std::uint64_t input_tokens = 0;
  std::uint64_t cached_tokens = 0;  // part of input_tokens
  std::uint64_t output_tokens = 0;
  std::uint64_t reasoning_tokens = 0;    // part of output_tokens
  bool known = false;                    // false: the reply had no usage, the figures are estimates or zero
  std::uint64_t cache_write_tokens = 0;  // part of input_tokens: kept for later requests, for 5 minutes
  std::uint64_t cache_write_1h_tokens = 0;  // part of input_tokens: kept for an hour
  std::uint64_t searches = 0;               // of a search provider: what it charged for
};

// One limit as a reply's headers state it. Absent fields were absent or unreadable.
struct LimitReading {
  std::optional<double> limit;        // units per window
  std::optional<double> remaining;    // units left
  std::optional<Duration> resets_in;  // from the moment of the reply
};

// Everything a reply says about limits.
struct ServerLimits {
  std::array<LimitReading, dimensions> readings;
  std::uint64_t organisation = 0;  // a hash of the account that it says they are counted for; 0: it says none
  bool any = false;                // at least one reading is there
  LimitReading& operator[](Dimension d) { return readings[static_cast<std::size_t>(d)]; }
  const LimitReading& operator[](Dimension d) const { return readings[static_cast<std::size_t>(d)]; }
};

struct Fault {
  FaultKind kind = FaultKind::connect;
  int status = 0;                       // HTTP status, 0 when there was none
  std::string message;                  // for people; already inert and free of secrets; at most 512 bytes
  std::optional<Duration> retry_after;  // what the server asked for
  std::optional<Dimension> dimension;   // which limit a rate_limited names, if it does
};

struct Outcome {
  std::optional<Fault> fault;  // none: the row has its answer
  Usage usage;
  ServerLimits limits;
  Duration first_chunk{};  // from send to the first chunk with content; zero if it never came
  Duration elapsed{};      // from send to the end
};

}  // namespace batchrun
