// What the simulated provider has seen and done. Plain copies; made by the provider's thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace batchrun::mock {

// What completed answers cost, as a bill would count it: cached is part of input, reasoning part of output.
struct Bill {
  std::uint64_t answers = 0, input_tokens = 0, cached_tokens = 0, output_tokens = 0, searches = 0;
};

// Of one key or one organisation.
struct PartyCounters {
  std::uint64_t requests = 0;             // chat requests read, good key
  std::uint64_t admitted = 0;             // taken by every limit
  std::uint64_t refused = 0;              // by a limit, with 429 (or 413)
  std::uint64_t completed = 0;            // whole answers sent to the last byte
  std::uint64_t tokens_charged = 0;       // against token limits, whether such limits are set or not
  std::uint32_t open = 0, most_open = 0;  // admitted and not yet ended
  double first_admitted_s = 0, last_admitted_s = 0;  // since the start of the provider
  std::map<std::string, Bill> bills{};               // by model, as requests name it (of a search: by engine)
  std::map<std::string, std::uint64_t>
      faults{};  // struck, by name; those of connections are nobody's but all's
};

struct Counters {
  PartyCounters total;
  std::uint64_t streamed = 0;          // completed answers that were streams
  std::uint64_t aborted = 0;           // the client left before the end of its answer
  std::uint64_t unauthorized = 0;      // chat requests without a good key
  std::uint64_t bad_requests = 0;      // chat requests that made no sense (400, 404)
  std::uint64_t malformed_http = 0;    // connections that did not speak HTTP/1.1 as they should
  std::uint64_t with_credentials = 0;  // requests of any kind that carried a key
  std::uint64_t prompt_tokens = 0, completion_tokens = 0;  // of completed answers
  std::uint64_t connections = 0, tls_failures = 0;
  std::uint32_t open_connections = 0, most_open_connections = 0;
  double uptime_s = 0;
  std::map<std::string, PartyCounters> by_key{}, by_organisation{};
};

// As GET /mock/counters answers them.
std::string to_json(const Counters& counters);

}  // namespace batchrun::mock
