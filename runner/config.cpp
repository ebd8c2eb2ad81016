#include "runner/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "io/ascii.h"
#include "runner/inert.h"
#include "runner/json_node.h"
#include "runner/known_provider.h"
#include "runner/nearest.h"
#include "runner/settings.h"

namespace batchrun {
namespace {

constexpr std::size_t largest_config = 16u << 20;
constexpr std::size_t largest_key_file = 64u << 10;

using Node = JsonNode;

std::string beside(const std::string& config_path, const std::string& file) {
  const std::size_t slash = config_path.rfind('/');
  if (file.empty() || file.front() == '/' || slash == std::string::npos) return file;
  return config_path.substr(0, slash + 1) + file;
}

Placed placed(const Node& node) {
  return {node.name(), node.place()};
}

// Notes where each member of `node` stands.
void keep_places(const Node& node, Places& places) {
  for (const auto& [name, member] : node.members()) places[name] = member.place();
}

// What --print-config shows instead of a secret.
constexpr std::string_view hidden_key = "(set)";

class ConfigReader {
 public:
  explicit ConfigReader(const Environment& environment) : environment_(environment) {}

  PoolConfig read(const Node& root);

 private:
  void read_pool(const Node& pool);
  void read_provider(const std::string& name, const Node& node);
  KeyConfig read_key(const Node& node, bool keyless);
  void read_secret(const Node& node, KeyConfig& key);
  std::string referred_secret(const Node& node, const std::string& text);
  void read_circuit_breaker(const Node& node);
  void read_routes(const Node& node);
  void read_users(const Node& node);
  void read_health_check_interval(const Node& pool);

  const Environment& environment_;
  PoolConfig config_;
};

const std::vector<std::string> pool_fields{
    "strategy",       "healthCheckInterval",    "providers", "routes", "prices", "users",
    "circuitBreaker", "rateLimitBackoffSeconds"};

PoolConfig ConfigReader::read(const Node& root) {
  constexpr std::string_view wrapper = "ApiKeyPool";
  if (!root.has(wrapper)) {
    std::vector<std::string> fields = pool_fields;
    fields.emplace_back(wrapper);
    root.only(fields);
    read_pool(root);
    return std::move(config_);
  }
  // Under the wrapper the file is some larger program's: its other members are not ours to judge, unless they
  // look it.
  for (const auto& [name, node] : root.members()) {
    if (std::find(pool_fields.begin(), pool_fields.end(), name) == pool_fields.end()) continue;
    throw UsageError(fmt::format("{} stands beside ApiKeyPool, where it has no effect", in_quotes(name)),
                     "move it into ApiKeyPool", node.name_place());
  }
  root[wrapper].only(pool_fields);
  read_pool(root[wrapper]);
  return std::move(config_);
}

void ConfigReader::read_pool(const Node& pool) {
  keep_places(pool, config_.places);
  read_health_check_interval(pool);
  if (pool.has("strategy")) config_.strategy = placed(pool["strategy"]);
  if (pool.has("circuitBreaker")) read_circuit_breaker(pool["circuitBreaker"]);
  if (pool.has("rateLimitBackoffSeconds")) {
    config_.rate_limit_backoff = pool["rateLimitBackoffSeconds"].positive_seconds();
  }
  if (pool.has("providers")) {
    for (const auto& [name, node] : pool["providers"].members()) read_provider(name, node);
  }
  if (pool.has("routes")) read_routes(pool["routes"]);
  if (pool.has("prices")) {
    config_.prices = {beside(pool.path(), pool["prices"].text()), pool["prices"].place()};
  }
  if (pool.has("users")) read_users(pool["users"]);
}

void ConfigReader::read_users(const Node& node) {
  for (const auto& [name, user] : node.members()) {
    user.only({"max_cost_per_day"});
    UserConfig read{name, std::nullopt, user.name_place()};
    if (user.has("max_cost_per_day")) {
      const double cap = user["max_cost_per_day"].number();
      if (!(cap >= 0 && cap <= 1e6))
        user["max_cost_per_day"].fail("a cap is a number of USD from 0 to 1000000");
      read.max_cost_per_day = cap;
    }
    config_.users.push_back(std::move(read));
  }
}

void ConfigReader::read_health_check_interval(const Node& pool) {
  if (pool.has("healthCheckInterval")) {
    const Node interval = pool["healthCheckInterval"];
    constexpr std::int64_t a_year_ms = 366LL * 86400 * 1000;
    config_.health_check_interval = {std::to_string(interval.whole(0, a_year_ms)), interval.place()};
  }
}

void ConfigReader::read_circuit_breaker(const Node& node) {
  node.only({"failureThreshold", "openSeconds"});
  keep_places(node, config_.places);
  if (node.has("failureThreshold")) {
    config_.failure_threshold = static_cast<std::uint32_t>(node["failureThreshold"].whole(1, 1'000'000));
  }
  if (!node.has("openSeconds")) return;
  const Node open = node["openSeconds"];
  keep_places(open, config_.places);
  open.only({"first", "max"});
  if (open.has("first")) config_.open_first = open["first"].positive_seconds();
  if (open.has("max")) config_.open_max = open["max"].positive_seconds();
  if (config_.open_first && config_.open_max && *config_.open_first > *config_.open_max) {
    open["first"].fail("first is longer than max");
  }
}

void ConfigReader::read_routes(const Node& node) {
  for (const auto& [name, candidates] : node.members()) {
    RouteConfig route{name, candidates.name_place(), {}};
    if (name.empty() || name.size() > 128 || inert(name) != name)
      candidates.fail("this route's name cannot be shown");
    for (const Node& candidate : candidates.elements()) route.candidates.push_back(placed(candidate));
    if (route.candidates.empty()) candidates.fail("a route needs at least one \"provider/model\"");
    config_.routes.push_back(std::move(route));
  }
}

double read_search_price(const Node& node) {
  const double usd = node.number();
  if (!(usd >= 0 && usd <= 1000)) node.fail("a search costs from 0 to 1000 USD");
  return usd;
}

void ConfigReader::read_provider(const std::string& name, const Node& node) {
  node.only(
      {"base_url", "default_model", "tier", "ca_file", "dialect", "api_version", "price_per_search", "keys"});
  ProviderConfig provider;
  provider.name = name;
  provider.place = node.name_place();
  keep_places(node, provider.places);
  if (node.has("base_url")) provider.base_url = {node["base_url"].text(), node["base_url"].place()};
  if (node.has("default_model")) provider.default_model = placed(node["default_model"]);
  if (node.has("ca_file")) {
    provider.ca_file = {beside(node.path(), node["ca_file"].text()), node["ca_file"].place()};
  }
  if (node.has("dialect")) provider.dialect = placed(node["dialect"]);
  if (node.has("api_version")) provider.api_version = placed(node["api_version"]);
  if (node.has("tier")) provider.tier = static_cast<int>(node["tier"].whole(0, 1000));
  if (node.has("price_per_search")) provider.price_per_search = read_search_price(node["price_per_search"]);
  if (node.has("keys")) {
    const KnownProvider* known = find_known_provider(name);
    for (const Node& key : node["keys"].elements()) {
      provider.keys.push_back(read_key(key, known && known->keyless));
    }
  }
  config_.providers.push_back(std::move(provider));
}

// Below a second there is no telling the slice from the spread of delays; from a minute on it is no slice.
Duration read_slice(const Node& node) {
  const double value = node.number();
  if (!(value >= 1 && value < 60)) {
    node.fail("a slice of a minute has from 1 to less than 60 seconds", "leave it out where there is none");
  }
  return from_seconds(value);
}

RateLimits read_limits(const Node& node) {
  std::vector<std::string> known{"maxConcurrent", "sliceSeconds"};
  for (std::size_t i = 0; i < dimensions; ++i) known.emplace_back(limit_field(static_cast<Dimension>(i)));
  node.only(known);
  RateLimits limits;
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::string_view field = limit_field(static_cast<Dimension>(i));
    if (!node.has(field)) continue;
    const double value = node[field].number();
    if (!(value >= 0) || value > 1e15) {
      node[field].fail("a limit is a number from 0 to 1e15", "0, or no limit given, means not limited");
    }
    if (value > 0) limits.per_window[i] = value;
  }
  if (node.has("maxConcurrent")) {
    const std::int64_t value = node["maxConcurrent"].whole(0, std::numeric_limits<std::int32_t>::max());
    if (value > 0) limits.max_concurrent = static_cast<std::uint32_t>(value);
  }
  if (node.has("sliceSeconds")) limits.slice = read_slice(node["sliceSeconds"]);
  return limits;
}

KeyConfig ConfigReader::read_key(const Node& node, bool keyless) {
  KeyConfig key;
  key.place = node.place();
  if (node.is_string()) {
    read_secret(node, key);
    return key;
  }
  if (!node.is_object()) node.fail("expected a key: a string, or an object with \"key\"");
  node.only({"key", "name", "group", "rateLimit", "models", "priority", "enabled", "tags"});
  if (!node.has("key") && !keyless)
    node.fail("this key has no \"key\"", "\"key\": \"env:NAME\", \"file:/path\" or the key itself");
  keep_places(node, key.places);
  if (node.has("enabled")) key.enabled = node["enabled"].boolean();
  if (node.has("name")) key.name = node["name"].name();
  if (node.has("group")) key.group = node["group"].name();
  if (node.has("rateLimit")) {
    key.limits = read_limits(node["rateLimit"]);
    keep_places(node["rateLimit"], key.places);
  }
  if (node.has("models")) key.models = node["models"].names();
  if (node.has("tags")) key.tags = node["tags"].names();
  if (node.has("priority")) key.priority = static_cast<int>(node["priority"].whole(-1000, 1000));
  if (!node.has("key")) return key;
  node["key"].text();
  try {
    read_secret(node["key"], key);
  } catch (const UsageError&) {
    if (key.enabled) throw;  // one that is switched off may refer to what is not there
  }
  return key;
}

std::string ConfigReader::referred_secret(const Node& node, const std::string& text) {
  if (text.rfind("env:", 0) == 0) {
    const std::string name(ascii::trim(std::string_view(text).substr(4)));
    std::string value(ascii::trim(env_value(environment_, name)));
    if (value.empty()) {
      node.fail(fmt::format("the environment has no {}", in_quotes(name)),
                "export it, put it in .env, or set \"enabled\": false for this key");
    }
    return value;
  }
  if (text.rfind("file:", 0) == 0) {
    const std::string file = beside(node.path(), text.substr(5));
    const std::string content = read_whole_file(file, largest_key_file, node.place());
    std::string value(ascii::trim(content));
    if (value.empty()) node.fail(fmt::format("{} is empty", in_quotes(file)));
    return value;
  }
  if (text == hidden_key) {
    node.fail("this is what --print-config shows instead of a key",
              "\"env:NAME\", \"file:/path\" or the key itself");
  }
  config_.literal_keys = true;
  return text;
}

void ConfigReader::read_secret(const Node& node, KeyConfig& key) {
  const std::string text = node.text();
  if (text.rfind("env:", 0) == 0 || text.rfind("file:", 0) == 0) key.reference = text;
  Credential secret(referred_secret(node, text));
  if (secret.empty()) node.fail("this key is empty");
  if (!secret.fits_header())
    node.fail("this key holds blanks, control characters or bytes that are not ASCII",
              "a key is one word; several keys are several entries of \"keys\"");
  key.secret = std::move(secret);
}

// An open file that closes itself.
struct File {
  explicit File(const std::string& path) : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd;
};

std::string read_all(const File& file, const std::string& path, std::size_t max_bytes,
                     const std::string& place) {
  const auto fail = [&](const char* why) {
    throw UsageError(fmt::format("cannot read {}: {}", in_quotes(path), why), "", place);
  };
  std::string text;
  char buffer[16384];
  if (file.fd < 0) fail(std::strerror(errno));
  for (;;) {
    const ssize_t got = ::read(file.fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::strerror(errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > max_bytes) fail("too large");
  }
}

}  // namespace

std::string read_whole_file(const std::string& path, std::size_t max_bytes, const std::string& place) {
  return read_all(File(path), path, max_bytes, place);
}

PoolConfig parse_config(std::string_view text, const std::string& path, const Environment& environment) {
  const JsonDocument document(text, path);
  return ConfigReader(environment).read(document.root());
}

PoolConfig read_config(const std::string& path, const Environment& environment) {
  const File file(path);
  const std::string text = read_all(file, path, largest_config, "");
  PoolConfig config = parse_config(text, path, environment);
  struct stat status {};
  if (config.literal_keys && ::fstat(file.fd, &status) == 0 && (status.st_mode & 077) != 0) {
    throw UsageError(fmt::format("{} holds keys and is open to others than its owner", in_quotes(path)),
                     fmt::format("chmod 600 {}, or name the keys as env:NAME or file:/path", inert(path)),
                     path);
  }
  return config;
}

}  // namespace batchrun
