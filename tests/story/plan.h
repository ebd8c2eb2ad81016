// One story: a pool, its rows, the providers, and everything that will go wrong, drawn from a seed. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/mockprovider/scenario.h"
#include "pool/time.h"

namespace batchrun::story {

// From the story's start.
struct Span {
  Duration from{}, to{};
  bool holds(Duration at) const { return at >= from && at < to; }
};

struct RowPlan {
  enum class Kind : std::uint8_t { good, refused, unreadable };  // refused: every provider answers 400
  Kind kind = Kind::good;
  std::string id;
  std::string prompt;
  std::uint64_t max_tokens = 0;
  std::string line;  // as it stands in the input
};

// A provider that cannot be reached for a while. What it has open is reset, or hears nothing any more.
struct Outage {
  Span span;
  bool silent = false;  // else it refuses connections
};

struct ProviderPlan {
  std::string host;
  mock::Scenario scenario;
  std::vector<Outage> outages;
};

// Shares of exchanges that the network spoils, beside what the providers do themselves.
struct NetworkPlan {
  double refused = 0, no_connection = 0;    // nothing was sent
  double request_lost = 0, reply_lost = 0;  // silence
  double cut = 0, stalled = 0;              // the reply ends, or stops, at any octet
  Duration arrival_most = std::chrono::milliseconds(100);
};

// A disk that refuses some calls for a while.
struct DiskTrouble {
  Span span;
  int error = 0;
  bool takes_writes = false;  // into its cache: syncs and cuts are what it refuses
};

// What each model asks for a token of output, in USD; input is free.
inline constexpr double price_of_token = 1e-6;

// One start of the program, and how it is cut short.
struct LifePlan {
  bool retry_failed = false, fresh = false;
  std::optional<double> max_cost;               // USD
  std::optional<Duration> killed_after;         // from its start
  std::optional<std::uint64_t> killed_at_call;  // of its calls to the disk
  bool killed_halfway = false;                  //   which is half done then
  bool power_fails = false;                     // when it is killed
  std::optional<Duration> signal_after;         // SIGTERM
  std::optional<Duration> second_signal_after;
  double short_calls = 0;  // share of disk calls that do half or are interrupted
  Duration pause_before{};
};

struct Plan {
  std::uint64_t seed = 1;
  std::string config;  // batchrun.json
  bool streams = true;
  bool days_are_limited = false;  // of some groups: rows may have to wait for another
  std::vector<RowPlan> rows;
  std::vector<ProviderPlan> providers;
  NetworkPlan network;
  std::vector<DiskTrouble> disk_troubles;
  Duration disk_lag{};  // how long a sync takes
  std::size_t intake_bytes = 0, lines_bytes = 0;
  std::uint32_t max_in_flight = 0;
  bool ordered = false;
  std::vector<LifePlan> lives;     // those after these are good ones
  std::size_t retries_at_end = 0;  // starts with --retry-failed once all rows have their lines
};

Plan draw(std::uint64_t seed);

}  // namespace batchrun::story
