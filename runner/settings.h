// Everything a run needs to know, validated: made once at start-up from argv, files and environment, then
// read only. No other part of the program knows a default or reads an option.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/credential.h"
#include "io/dialect.h"
#include "pool/pool_spec.h"
#include "pool/spend.h"
#include "runner/pool_config.h"
#include "runner/price_table.h"

namespace batchrun {

// What the operator asked for cannot be done. main prints "error: ", the place and the hint, and returns 2.
struct UsageError : std::runtime_error {
  explicit UsageError(const std::string& message, std::string hint_ = "", std::string place_ = "")
      : std::runtime_error(message), hint(std::move(hint_)), place(std::move(place_)) {}
  std::string hint;
  std::string place;  // "batchrun.json:12:7", or ""
};

enum class Verb : std::uint8_t { run, plan, keys, check_keys };
enum class StreamMode : std::uint8_t { automatic, on, off };
enum class ProgressMode : std::uint8_t { automatic, bar, plain, json, none };
enum class ColorMode : std::uint8_t { automatic, on, off };
enum class ChangedRows : std::uint8_t { stop, rerun, keep };
enum class SyncPolicy : std::uint8_t { interval, batch, none };

// One configured provider.
struct Provider {
  std::string name;  // "openai", "groq", or whatever the config calls it
  DialectKind kind = DialectKind::openai;
  std::unique_ptr<Dialect> dialect;  // of that kind
  Endpoint endpoint;
  std::string default_model;          // "" = rows must name one
  std::string price_name;             // what the price table calls it
  std::optional<Price> search_price;  // as configured: holds instead of the table's
  int tier = 2;
};

// One key in use: its place in Settings::keys is its KeyId.
struct Key {
  std::size_t provider = 0;  // place in Settings::providers
  std::string alias;
  Credential credential;
  std::vector<std::string> models;  // empty = any model of its provider
  std::vector<std::string> tags;
  std::string group{};  // as configured; "" = its own
};

// A named route: "provider/model" candidates in order of preference.
struct Route {
  std::string name;
  std::vector<std::pair<std::size_t, std::string>> candidates;  // provider, model
};

struct Settings {
  Verb verb = Verb::run;
  std::string input, output, errors,
      report;                  // paths; "-" for stdin/stdout; report may be "" (output is stdout)
  std::string resume_command;  // what to type to go on with this run

  std::vector<Provider> providers;
  std::vector<Key> keys;
  std::vector<Route> routes;
  PoolSpec pool;  // pool.keys[i] is keys[i]

  // Everything that was configured, with the keys no row goes to, without secrets: to be shown. Those in use
  // come in the order of `keys`.
  PoolConfig configured;

  std::string provider, model;  // -p, -m: for rows that name none
  StreamMode stream = StreamMode::automatic;
  std::size_t max_line = 32u << 20;
  std::optional<PriceTable> prices;  // none: nothing is known of what an answer costs
  SpendLimits spend;
  std::uint64_t max_rows = 0;  // 0 = no limit
  double max_error_rate = 0;   // share of finished rows, judged after 100; 0 = no limit
  Duration deadline{};         // of the run; zero = none
  Duration drain_timeout = std::chrono::seconds(30);
  bool fresh = false, retry_failed = false;
  bool ordered = false;  // results in the input's order, once all are there
  ChangedRows changed = ChangedRows::stop;
  SyncPolicy sync = SyncPolicy::interval;
  Duration sync_interval = std::chrono::milliseconds(200);

  ProgressMode progress = ProgressMode::automatic;
  ColorMode color = ColorMode::automatic;
  bool quiet = false;
  std::vector<std::string> notices;  // remarks on the settings to print once before the run; inert
};

}  // namespace batchrun
