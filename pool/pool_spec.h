// What a pool is made of, as plain data: groups with their limits, keys, and the routes of lanes.
// The runner fills it in from the config; the pool never sees a name it does not need.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pool/group_history.h"
#include "pool/ids.h"
#include "pool/outcome.h"
#include "pool/provider_day.h"
#include "pool/time.h"

namespace batchrun {

// How a provider counts the tokens of a request against its limits (from the rate-limit pages of each, 2026).
struct Charging {
  enum class Output : std::uint8_t {
    reserved,  // max_tokens, whatever is produced: OpenAI, Azure, Groq, Cerebras
    produced,  // as many as are produced, known at the end only: Anthropic
    free,      // none: Gemini counts input alone
  };
  Output output = Output::reserved;
  bool cached_input_free = false;  // input read from a cache does not count: Anthropic, Groq
};

struct GroupSpec {
  std::string name;  // for messages: "openai/org-a"
  std::array<std::optional<double>, dimensions>
      limits;                        // units per window; absent = not limited as far as we know
  std::uint32_t max_concurrent = 0;  // open requests of the whole group; 0 = no limit
  Charging charging{};
  bool set_apart = false;           // somebody has said which keys share it: never merged with another such
  bool search_limits = false;       // limits not given are searched for: the provider has some, surely
  std::optional<Duration> slice{};  // a minute's limits are also checked over slices of this length
  Duration ramp{};                  // limits of a minute are climbed to over this time; 0 = used at once
  DayRule day = DayRule::rolling;   // when the provider's day turns
  GroupHistory history{};           // of earlier runs
};

struct KeySpec {
  std::string alias;  // what the user sees: "openai-2"; never any part of the secret
  GroupId group;
  std::uint32_t max_concurrent = 0;  // open requests of this key; 0 = no limit
  int tier = 2;                      // lower tiers are filled first
  int priority = 0;                  // for Strategy::weighted: a larger one gets more
  std::uint32_t provider = 0;        // small number of whoever answers the key; keys of one fail together
};

// One way to answer the rows of a lane.
struct Candidate {
  KeyId key;
  std::uint32_t model = 0;  // the runner's number for the model to ask for
};

struct LaneSpec {
  std::string name;                   // for messages: "openai/gpt-4o-mini"
  std::vector<Candidate> candidates;  // never empty
};

// Which of the keys that could take a row now does. All but saturate look at keys alone.
enum class Strategy : std::uint8_t {
  saturate,      // the row and the group that suit each other, so that the pool as a whole finishes first
  least_loaded,  // the key with the smallest share of its budget in use
  round_robin,   // in turn
  lru,           // the one that was not used for longest
  weighted,      // in proportion to priority x health
  random,        // any, evenly
  least_used,    // the one that was sent least
};

// How keys, rows and circuits are treated; the defaults are the ones to use unless somebody knows better.
struct PoolSettings {
  Strategy strategy = Strategy::saturate;
  std::uint32_t max_in_flight = 512;  // open requests of the whole pool
  std::uint32_t max_attempts = 6;     // counted attempts of one row
  Duration row_deadline = std::chrono::hours(24);
  bool row_deadline_is_firm =
      false;                      // else it counts anew from when a day's quota is back that the row needed
  std::uint32_t look_ahead = 64;  // waiting rows of a lane considered for a best fit
  std::uint32_t passed_over_limit = 256;                // a row overtaken this often, or waiting this long
  Duration passed_over_age = std::chrono::seconds(30);  //   without fitting, blocks its lane until it fits
  Duration jitter =
      std::chrono::milliseconds(250);             // spread of send-to-admission delay the mirror allows for
  std::uint32_t failure_threshold = 3;            // consecutive failures that open a circuit
  Duration open_first = std::chrono::seconds(1);  // first half-open probe after this,
  Duration open_max = std::chrono::seconds(60);   //   doubling up to this
  double ejection_cap = 0.5;                      // of a provider's keys, this share is out through circuits
  std::uint32_t capped_failure_threshold = 9;     //   at most, but for keys that failed this often in a row
  Duration unauthorized_probe = std::chrono::seconds(5);  // a 401 is confirmed after this
  Duration suspicion_max = std::chrono::minutes(15);      // 401s of all keys at once are not believed so long
  Duration degraded_recovery = std::chrono::minutes(5);   // without an error, a key is healthy again
  Duration health_check_interval = std::chrono::seconds(60);  // a key that is out is tried at least so often
  Duration backoff_base = std::chrono::milliseconds(50);  // full jitter: uniform in [0, min(max, base * 2^n)]
  Duration backoff_max = std::chrono::seconds(60);
  Duration rate_limit_backoff =
      std::chrono::seconds(1);           // for a 429 that names no time: the first pause, doubling
  double retry_budget_ratio = 0.10;      // retries may be this share of sends in the last minute
  double retry_budget_per_second = 1.0;  //   plus this
  std::chrono::sys_seconds epoch{};      // the wall clock at the pool's time zero, for days
  bool keep_history = false;             // for Scheduler::take_history
  std::uint64_t seed = 1;                // for every random choice
};

struct PoolSpec {
  std::vector<GroupSpec> groups;
  std::vector<KeySpec> keys;
  PoolSettings settings;
};

}  // namespace batchrun
