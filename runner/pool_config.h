// What a config file or the environment says of the pool, read and typed but not yet put together. Values.
#pragma once

#include <array>
#include <cstdint>
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

struct RateLimits {
  std::array<std::optional<double>, dimensions> per_window;
  std::optional<std::uint32_t> max_concurrent;
};

struct KeyConfig {
  Credential secret;
  std::string place;
  std::string name;   // "" = numbered
  std::string group;  // "" = its own
  RateLimits limits;  // absent = not limited as far as we know; given zeros are absent too
  std::vector<std::string> models, tags;
  int priority = 0;
  bool enabled = true;
};

struct ProviderConfig {
  std::string name;
  std::string place;
  Placed base_url, default_model, ca_file, organization, project;
  std::optional<int> tier;
  std::vector<KeyConfig> keys;
};

struct RouteConfig {
  std::string name;
  std::vector<Placed> candidates;  // "provider/model"
};

struct PoolConfig {
  std::vector<ProviderConfig> providers;  // each name once
  std::vector<RouteConfig> routes;
  Placed strategy;
  std::optional<std::uint32_t> failure_threshold;
  std::optional<Duration> open_first, open_max, rate_limit_backoff;
  std::vector<std::string> notices;
  bool literal_keys = false;  // a key stands in the file itself
};

}  // namespace batchrun
