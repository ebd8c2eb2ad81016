// What a simulated provider is like: keys, limits, pace, answers and faults. Plain data, and its JSON form.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/mockprovider/distribution.h"
#include "bench/mockprovider/fault.h"
#include "bench/mockprovider/flavour.h"
#include "bench/mockprovider/quota.h"

namespace batchrun::mock {

enum class CertificateKind : std::uint8_t { good, wrong_host, expired, not_yet_valid };

struct TlsScenario {
  bool enabled = false;
  CertificateKind certificate = CertificateKind::good;
  bool only_old_versions = false;  // TLS 1.1 at most
  bool close_notify = true;        // false: connections end without it, as a cut line would
};

struct OrganisationScenario {
  Limits limits{};
  LimiterSettings limiter{};
  std::optional<Flavour> flavour{};         // absent: the scenario's
  std::optional<Charging> charging{};       // absent: the scenario's, else its provider's
  std::optional<bool> cached_reads_free{};  // absent: as its provider does
  std::optional<std::uint64_t> searches{};  // that its account has left at the start; absent: without end
};

struct Scenario {
  std::uint64_t seed = 1;
  Flavour flavour = Flavour::openai;  // of paths that do not tell, unless the organisation has one
  std::vector<std::string> models{};  // empty: every model exists

  std::map<std::string, std::string>
      keys{};              // key -> organisation; empty: every key is good, an organisation each
  bool anonymous = false;  // requests without a key are served, as one organisation
  std::map<std::string, OrganisationScenario> organisations{};
  OrganisationScenario others{};       // organisations not named above
  bool limits_per_model = false;       // each model of an organisation has its own budget
  std::optional<Charging> charging{};  // absent: each provider's own
  bool failed_calls_count = true;      // refused and failed calls take a request from RPM and RPD (OpenAI)
  std::uint32_t default_max_tokens = 256;  // for requests that set none: reserved, and the answer's bound
  bool rate_limit_headers = true;
  std::int64_t clock_skew_s = 0;  // of its wall clock: Date, created, retry-after as a date

  Distribution arrival{};  // from a request's last byte to its admission, as on a long way there
  Distribution first_chunk{}, between_chunks{};
  std::uint32_t answer_tokens = 0;  // every answer exactly this long (within max_tokens); 0 = seeded lengths
  std::uint32_t longest_answer = 2000;  // tokens, whatever max_tokens allows
  std::uint32_t chunks = 0;             // content chunks of a stream; 0 = one per token
  double cached_share = 0;              // of each prompt's tokens, rounded down: read from a cache
  bool count_executions = true;         // keep a count per prompt, about 50 bytes each

  std::vector<FaultRule> faults{};
  TlsScenario tls{};
};

struct ScenarioError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Reads the JSON form (comments and trailing commas allowed). Throws ScenarioError naming the place: unknown
// members are errors, so that a misspelt fault does not pass for a fault that never struck.
Scenario parse_scenario(std::string_view json);

}  // namespace batchrun::mock
