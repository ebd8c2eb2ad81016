// What config file and environment say of the pool, read and typed, with the place of everything that was
// written. Values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/credential.h"
#include "pool/outcome.h"
#include "pool/time.h"

namespace batchrun {

// A text and where it was written: "batchrun.json:7:9", or the name of a variable.
struct Placed {
  std::string text;
  std::string place;
  bool given() const { return !place.empty(); }
};

// Whether a place is a variable's name and not one in a file.
bool is_variable(const std::string& place);

// Where fields were written, by the name the config file has for them; one that is not here was not given.
using Places = std::map<std::string, std::string, std::less<>>;

struct RateLimits {
  std::array<std::optional<double>, dimensions> per_window;
  std::optional<std::uint32_t> max_concurrent;
  std::optional<Duration> slice;  // the provider also checks a minute's limits over slices of this length
};

// The config file's name of a limit: "requestsPerMinute".
std::string_view limit_field(Dimension dimension);

struct KeyConfig {
  Credential secret;
  std::string place;
  std::string reference;  // "env:NAME" or "file:/path" as it was written; "" = the secret itself was
  std::string name;       // "" = numbered
  std::string group;      // "" = its own
  RateLimits limits;      // absent = not limited as far as we know; given zeros are absent too
  std::vector<std::string> models, tags;
  int priority = 0;
  bool enabled = true;
  Places places;

  // Filled in by assemble_pool():
  std::string alias;     // the name, or the one made from its number
  std::string left_out;  // why no row goes to this key; "" = it is in use
  bool keyless = false;  // asks without a secret
};

struct ProviderConfig {
  std::string name;
  std::string place;
  Placed base_url, default_model, ca_file, organization, project;
  Placed dialect, api_version;
  std::optional<int> tier;
  std::optional<double> price_per_search;  // USD
  std::vector<KeyConfig> keys;
  Places places;
};

struct RouteConfig {
  std::string name;
  std::string place;
  std::vector<Placed> candidates;  // "provider/model"
};

struct UserConfig {
  std::string name;                        // of metadata.user_id; "*" = each that is not named
  std::optional<double> max_cost_per_day;  // USD
  std::string place;
};

struct PoolConfig {
  std::vector<ProviderConfig> providers;  // each name once
  std::vector<RouteConfig> routes;
  std::vector<UserConfig> users;
  Placed strategy, prices;
  Placed health_check_interval;  // milliseconds
  Placed alert_threshold;        // a percentage; later versions obey it
  std::optional<std::uint32_t> failure_threshold;
  std::optional<Duration> open_first, open_max, rate_limit_backoff;
  Places places;
  std::vector<std::string> notices;
  bool literal_keys = false;  // a key stands in the file itself
};

}  // namespace batchrun
