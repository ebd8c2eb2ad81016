#include "runner/assemble_pool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "runner/base_url.h"
#include "runner/inert.h"
#include "runner/known_provider.h"
#include "runner/nearest.h"
#include "runner/quantity.h"

namespace batchrun {
namespace {

void take_if_given(Placed& into, Placed& from) {
  if (from.given()) into = std::move(from);
}

// Provider names become parts of aliases and of "provider/model".
bool good_provider_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), good);
}

// What is left of a provider of the environment when all of its keys belong to others.
bool only_named_by_variables(const ProviderConfig& config) {
  return config.keys.empty() && is_variable(config.place);
}

class Assembly {
 public:
  Assembly(PoolConfig& config, Settings& settings) : config_(config), settings_(settings) {}

  void run() {
    for (ProviderConfig& provider : config_.providers) add_provider(provider);
    std::erase_if(config_.providers, only_named_by_variables);
    for (const RouteConfig& route : config_.routes) add_route(route);
    for (const std::string& notice : config_.notices) settings_.notices.push_back(notice);
    note_idle_groups();
  }

 private:
  void add_provider(ProviderConfig& config);
  void add_keys(std::size_t provider, ProviderConfig& config);
  void note_idle_groups();
  void drop_doubled_keys(ProviderConfig& config);
  bool belongs_elsewhere(const ProviderConfig& config, const std::string& address, const KeyConfig& key);
  void drop_keys_of_others(ProviderConfig& config, const Endpoint& endpoint);
  void name_keys(ProviderConfig& config);
  void add_key(std::size_t provider, const ProviderConfig& config, KeyConfig& key);
  std::string alias_of(const ProviderConfig& config, const KeyConfig& key, std::size_t number);
  GroupSpec new_group(DialectKind kind, const ProviderConfig& provider, const std::string& name) const;
  GroupId group_of(DialectKind kind, const ProviderConfig& provider, const KeyConfig& key,
                   const std::string& alias);
  void agree(GroupSpec& group, const KeyConfig& key, const std::string& alias,
             const std::string& first) const;
  void add_route(const RouteConfig& config);
  std::vector<std::string> provider_names() const;

  PoolConfig& config_;
  Settings& settings_;
  struct Seen {
    Credential secret;
    std::string address, provider, place;
    bool enabled = true;
  };
  std::vector<Seen> seen_;                           // secrets of the providers so far
  std::set<std::string> names_;                      // configured aliases, all providers
  std::map<std::string, std::string> alias_places_;  // aliases in use
  std::map<std::string, std::pair<GroupId, std::string>>
      groups_;                            // by "provider/group": number, first key's alias
  std::vector<std::string> idle_groups_;  // of keys that are switched off
};

// One search counts as one token, so the token limits of search providers are request limits; of two for one
// window the smaller holds.
void count_searches(KeyConfig& key) {
  const auto as_requests = [&](Dimension tokens, Dimension requests) {
    std::optional<double>& from = key.limits.per_window[static_cast<std::size_t>(tokens)];
    std::optional<double>& into = key.limits.per_window[static_cast<std::size_t>(requests)];
    if (from && (!into || *from < *into)) {
      into = from;
      key.places[std::string(limit_field(requests))] = key.places[std::string(limit_field(tokens))];
    }
    from.reset();
    key.places.erase(std::string(limit_field(tokens)));
  };
  as_requests(Dimension::tokens_per_minute, Dimension::requests_per_minute);
  as_requests(Dimension::tokens_per_day, Dimension::requests_per_day);
}

Endpoint endpoint_of(const ProviderConfig& config, const KnownProvider* known) {
  if (!config.base_url.given() && !known) {
    std::vector<std::string> names;
    for (const KnownProvider& provider : known_providers()) names.emplace_back(provider.name);
    const std::string near = did_you_mean(config.name, names);
    throw UsageError(fmt::format("provider {} has no base_url", in_quotes(config.name)),
                     near.empty() ? "an OpenAI-compatible server: \"base_url\": \"https://host/v1\"" : near,
                     config.place);
  }
  const std::string url = config.base_url.given() ? config.base_url.text : std::string(known->base_url);
  std::variant<Endpoint, std::string> parsed = parse_base_url(url);
  if (const std::string* problem = std::get_if<std::string>(&parsed)) {
    throw UsageError(fmt::format("base_url of {} {}", config.name, *problem), "https://host/v1",
                     config.base_url.place);
  }
  Endpoint endpoint = std::move(std::get<Endpoint>(parsed));
  endpoint.organization = config.organization.text;
  endpoint.project = config.project.text;
  endpoint.api_version = config.api_version.text;
  endpoint.origin.ca_file = config.ca_file.text;
  if (config.ca_file.given() && ::access(config.ca_file.text.c_str(), R_OK) != 0) {
    throw UsageError(fmt::format("cannot read {}: {}", in_quotes(config.ca_file.text), std::strerror(errno)),
                     "", config.ca_file.place);
  }
  return endpoint;
}

// Said in the config, else by the provider's name, else by where it is. Ollama's OpenAI-compatible side is
// its path /v1.
DialectKind dialect_of(const ProviderConfig& config, const KnownProvider* known, const Endpoint& endpoint) {
  if (config.dialect.given()) {
    if (const std::optional<DialectKind> kind = dialect_named(config.dialect.text)) return *kind;
    const std::vector<std::string> names(dialect_names().begin(), dialect_names().end());
    const std::string near = did_you_mean(config.dialect.text, names);
    throw UsageError(fmt::format("there is no dialect {}", in_quotes(config.dialect.text)),
                     near.empty() ? fmt::format("dialects are {}", fmt::join(names, ", ")) : near,
                     config.dialect.place);
  }
  const DialectKind kind = known ? known->dialect : DialectKind::openai;
  if (kind == DialectKind::ollama && endpoint.base_path.ends_with("/v1")) return DialectKind::ollama_v1;
  const bool on_azure = endpoint.origin.host.ends_with(".openai.azure.com");
  return kind == DialectKind::openai && on_azure ? DialectKind::azure : kind;
}

void Assembly::add_provider(ProviderConfig& config) {
  if (!good_provider_name(config.name)) {
    throw UsageError(fmt::format("{} cannot be a provider's name", in_quotes(config.name)),
                     "letters, digits, dots, hyphens and underscores, at most 64", config.place);
  }
  const KnownProvider* known = find_known_provider(config.name);
  Endpoint endpoint = endpoint_of(config, known);
  config.tier = config.tier.value_or(known ? known->tier : default_tier);
  if (known && known->keyless && config.keys.empty()) config.keys.emplace_back().place = config.place;
  if (known && known->counts_searches) {
    for (KeyConfig& key : config.keys) count_searches(key);
  }
  drop_doubled_keys(config);
  drop_keys_of_others(config, endpoint);
  if (only_named_by_variables(config)) return;
  name_keys(config);

  Provider provider;
  provider.name = config.name;
  provider.kind = dialect_of(config, known, endpoint);
  provider.dialect = make_dialect(provider.kind);
  provider.price_name = known ? known->name : config.dialect.given() ? name(provider.kind) : config.name;
  provider.endpoint = std::move(endpoint);
  provider.default_model = config.default_model.text;
  provider.tier = *config.tier;
  if (config.price_per_search) {
    if (!provider.dialect->serves(Api::search, provider.endpoint)) {
      throw UsageError(fmt::format("{} does not search, so it has no price_per_search", config.name), "",
                       config.places["price_per_search"]);
    }
    provider.search_price.emplace().search = std::llround(*config.price_per_search * picodollars_per_dollar);
  }
  settings_.providers.push_back(std::move(provider));
  add_keys(settings_.providers.size() - 1, config);
}

void Assembly::add_keys(std::size_t provider, ProviderConfig& config) {
  if (config.keys.empty()) {
    settings_.notices.push_back(fmt::format("{} has no keys, so no row goes there", config.name));
  }
  bool secrets = false;
  for (KeyConfig& key : config.keys) {
    if (key.enabled) {
      key.keyless = key.secret.empty();
      secrets = secrets || !key.keyless;
      add_key(provider, config, key);
    } else {
      key.left_out = "switched off";
      if (!key.group.empty()) idle_groups_.push_back(config.name + "/" + key.group);
    }
    key.secret = Credential();
  }
  if (secrets && sends_in_clear(settings_.providers[provider].endpoint.origin)) {
    settings_.notices.push_back(fmt::format(
        "keys of {} travel unencrypted: its base_url is plain http to another machine", config.name));
  }
}

void Assembly::note_idle_groups() {
  std::set<std::string> noted;
  for (const std::string& group : idle_groups_) {
    if (groups_.count(group) != 0 || !noted.insert(group).second) continue;
    settings_.notices.push_back(
        fmt::format("group {} has no key in use: all of its keys are switched off", group));
  }
}

void Assembly::name_keys(ProviderConfig& config) {
  for (const KeyConfig& key : config.keys) {
    if (!key.name.empty()) names_.insert(key.name);
  }
  for (std::size_t i = 0; i < config.keys.size(); ++i) {
    KeyConfig& key = config.keys[i];
    // A key that is switched off may have the name of the one that replaced it.
    key.alias = key.enabled        ? alias_of(config, key, i + 1)
                : key.name.empty() ? fmt::format("{}-{}", config.name, i + 1)
                                   : key.name;
  }
}

// Of a server that needs no key, one entry says all there is to say.
void refuse_second_keyless(const ProviderConfig& config, const std::vector<KeyConfig>& kept,
                           const KeyConfig& key) {
  const auto keyless = [](const KeyConfig& one) { return one.enabled && one.secret.empty(); };
  const auto other = std::find_if(kept.begin(), kept.end(), keyless);
  if (!keyless(key) || other == kept.end()) return;
  throw UsageError(
      fmt::format("{} has two entries without a key; the other one is at {}", config.name, other->place),
      "one server without keys is one entry: merge the two", key.place);
}

// The same secret twice in one provider is one key; but never in two groups, whose budgets would both be
// wrong.
void Assembly::drop_doubled_keys(ProviderConfig& config) {
  std::vector<KeyConfig> kept;
  for (KeyConfig& key : config.keys) {
    const auto same = std::find_if(kept.begin(), kept.end(), [&](const KeyConfig& other) {
      return !key.secret.empty() && other.secret == key.secret;
    });
    if (same == kept.end()) {
      refuse_second_keyless(config, kept, key);
      kept.push_back(std::move(key));
    } else if (!key.group.empty() && key.group != same->group) {
      throw UsageError(fmt::format("this key of {} is the same secret as the one at {}, but in another group",
                                   config.name, same->place),
                       "one key draws on one group: remove one of the two", key.place);
    }
  }
  config.keys = std::move(kept);
}

// Whether another provider sends this secret to the same server. Two providers of the file cannot; what the
// environment says of a key the file has under another name is no second key.
bool Assembly::belongs_elsewhere(const ProviderConfig& config, const std::string& address,
                                 const KeyConfig& key) {
  if (key.secret.empty()) return false;
  const auto same = std::find_if(seen_.begin(), seen_.end(), [&](const Seen& other) {
    return other.secret == key.secret && other.address == address;
  });
  if (same == seen_.end()) return false;
  if (is_variable(key.place)) {
    settings_.notices.push_back(fmt::format("{} is the key of {} at {}, so it is not used for {} as well",
                                            key.place, same->provider, inert(same->place), config.name));
    return true;
  }
  if (!key.enabled || !same->enabled) return false;
  throw UsageError(
      fmt::format("this key of {} is the same secret as the one of {} at {}, and goes to the same server",
                  config.name, same->provider, same->place),
      "one key draws on one budget: list it under one provider", key.place);
}

void Assembly::drop_keys_of_others(ProviderConfig& config, const Endpoint& endpoint) {
  const std::string address = endpoint.origin.authority() + endpoint.base_path;
  std::erase_if(config.keys, [&](const KeyConfig& key) { return belongs_elsewhere(config, address, key); });
  for (const KeyConfig& key : config.keys) {
    seen_.push_back({key.secret, address, config.name, key.place, key.enabled});
  }
}

std::string Assembly::alias_of(const ProviderConfig& config, const KeyConfig& key, std::size_t number) {
  if (key.name.empty()) {
    std::string alias;
    do {
      alias = fmt::format("{}-{}", config.name, number++);
    } while (names_.count(alias) != 0 || alias_places_.count(alias) != 0);
    alias_places_.emplace(alias, key.place);
    return alias;
  }
  if (key.secret.redact(key.name) != key.name) {
    throw UsageError("this key's name holds a part of the key", "names are shown in results and logs",
                     key.place);
  }
  const auto [at, is_new] = alias_places_.emplace(key.name, key.place);
  if (!is_new) {
    throw UsageError(
        fmt::format("two keys have the name {}; the other one is at {}", in_quotes(key.name), at->second),
        "names tell keys apart in results and reports", key.place);
  }
  return key.name;
}

void Assembly::agree(GroupSpec& group, const KeyConfig& key, const std::string& alias,
                     const std::string& first) const {
  const auto fail = [&](std::string_view what, double ours, double theirs) {
    throw UsageError(fmt::format("keys {} and {} are of the group {} but differ in {}: {} and {}", alias,
                                 first, in_quotes(key.group), what, ours, theirs),
                     "a group is one budget: give its limits once, or the same for each key", key.place);
  };
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::optional<double>& limit = key.limits.per_window[i];
    if (!limit) continue;
    if (group.limits[i] && *group.limits[i] != *limit)
      fail(name(static_cast<Dimension>(i)), *limit, *group.limits[i]);
    group.limits[i] = limit;
  }
  if (const std::optional<Duration>& slice = key.limits.slice) {
    if (group.slice && *group.slice != *slice) fail("sliceSeconds", seconds(*slice), seconds(*group.slice));
    group.slice = slice;
  }
  if (!key.limits.max_concurrent) return;
  if (group.max_concurrent != 0 && group.max_concurrent != *key.limits.max_concurrent) {
    fail("open requests", *key.limits.max_concurrent, group.max_concurrent);
  }
  group.max_concurrent = *key.limits.max_concurrent;
}

// How the tokens of a request count against limits. Source: the rate-limit pages of each, 2026.
Charging charging_of(DialectKind kind) {
  using Output = Charging::Output;
  switch (kind) {
    case DialectKind::anthropic:  // "cache reads do not count"
      return {Output::produced, true};
    case DialectKind::gemini:  // limits are of input tokens
      return {Output::free, false};
    case DialectKind::groq:
      return {Output::reserved, true};
    case DialectKind::openai:
    case DialectKind::cerebras:
    case DialectKind::azure:
    case DialectKind::ollama_v1:
    case DialectKind::ollama:
    case DialectKind::serpapi:
    case DialectKind::serper:
      break;
  }
  return {};
}

// What is known of a provider's limits without being told: its own service has some, and a day of its own.
GroupSpec Assembly::new_group(DialectKind kind, const ProviderConfig& provider,
                              const std::string& name) const {
  GroupSpec group;
  group.name = name;
  group.charging = charging_of(kind);
  if (kind == DialectKind::anthropic) group.ramp = std::chrono::minutes(1);  // ramp_limit_exceeded
  const KnownProvider* const known = find_known_provider(provider.name);
  if (known == nullptr) return group;
  group.day = known->day;
  group.search_limits = !known->keyless && !provider.base_url.given();
  return group;
}

GroupId Assembly::group_of(DialectKind kind, const ProviderConfig& provider, const KeyConfig& key,
                           const std::string& alias) {
  std::vector<GroupSpec>& groups = settings_.pool.groups;
  const GroupId next{static_cast<std::uint32_t>(groups.size())};
  if (key.group.empty()) {
    groups.push_back(new_group(kind, provider, alias));
    agree(groups.back(), key, alias, alias);
    return next;
  }
  const std::string group_name = provider.name + "/" + key.group;
  const auto [at, is_new] = groups_.emplace(group_name, std::pair(next, alias));
  if (is_new) {
    groups.push_back(new_group(kind, provider, group_name));
    groups.back().set_apart = true;
  }
  agree(groups[at->second.first.value], key, alias, at->second.second);
  return at->second.first;
}

void Assembly::add_key(std::size_t provider, const ProviderConfig& config, KeyConfig& key) {
  KeySpec spec;
  spec.alias = key.alias;
  spec.group = group_of(settings_.providers[provider].kind, config, key, key.alias);
  spec.provider = static_cast<std::uint32_t>(provider);
  spec.tier = settings_.providers[provider].tier;
  spec.priority = key.priority;
  settings_.pool.keys.push_back(std::move(spec));
  settings_.keys.push_back({provider, key.alias, std::move(key.secret), key.models, key.tags, key.group});
}

std::vector<std::string> Assembly::provider_names() const {
  std::vector<std::string> names;
  for (const Provider& provider : settings_.providers) names.push_back(provider.name);
  for (const KnownProvider& provider : known_providers()) names.emplace_back(provider.name);
  return names;
}

// A known provider without keys is passed over with a remark, so that one config serves machines with other
// keys.
void Assembly::add_route(const RouteConfig& config) {
  Route route{config.name, {}};
  for (const Placed& candidate : config.candidates) {
    const std::size_t slash = candidate.text.find('/');
    if (slash == std::string::npos || slash + 1 == candidate.text.size()) {
      throw UsageError(fmt::format("{} is not \"provider/model\"", in_quotes(candidate.text)), "",
                       candidate.place);
    }
    const std::string provider = candidate.text.substr(0, slash);
    const auto found = std::find_if(settings_.providers.begin(), settings_.providers.end(),
                                    [&](const Provider& other) { return other.name == provider; });
    if (found != settings_.providers.end()) {
      route.candidates.emplace_back(found - settings_.providers.begin(), candidate.text.substr(slash + 1));
    } else if (find_known_provider(provider) != nullptr) {
      settings_.notices.push_back(fmt::format("route {}: no key for {}, so {} is left out",
                                              inert(config.name, 128), provider, inert(candidate.text, 128)));
    } else {
      throw UsageError(
          fmt::format("route {} names an unknown provider {}", in_quotes(config.name), in_quotes(provider)),
          did_you_mean(provider, provider_names()), candidate.place);
    }
  }
  settings_.routes.push_back(std::move(route));
}

}  // namespace

namespace {

// What the environment says of a key the file has too.
void overlay(KeyConfig& file, KeyConfig& environment) {
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::string field(limit_field(static_cast<Dimension>(i)));
    if (environment.places.count(field) != 0) file.limits.per_window[i] = environment.limits.per_window[i];
  }
  if (environment.places.count("models") != 0) file.models = std::move(environment.models);
  for (auto& [field, place] : environment.places) file.places[field] = std::move(place);
}

void merge_keys(ProviderConfig& file, ProviderConfig& environment) {
  for (KeyConfig& key : environment.keys) {
    const auto same = std::find_if(file.keys.begin(), file.keys.end(), [&](const KeyConfig& other) {
      return other.secret == key.secret && (!key.secret.empty() || other.enabled);
    });
    if (same == file.keys.end()) {
      file.keys.push_back(std::move(key));
    } else {
      overlay(*same, key);
    }
  }
}

}  // namespace

PoolConfig merge_pools(PoolConfig file, PoolConfig environment) {
  for (ProviderConfig& from : environment.providers) {
    const auto same = std::find_if(file.providers.begin(), file.providers.end(),
                                   [&](const ProviderConfig& other) { return other.name == from.name; });
    if (same == file.providers.end()) {
      if (!from.keys.empty()) file.providers.push_back(std::move(from));
      continue;
    }
    take_if_given(same->base_url, from.base_url);
    take_if_given(same->organization, from.organization);
    take_if_given(same->project, from.project);
    merge_keys(*same, from);
  }
  take_if_given(file.strategy, environment.strategy);
  take_if_given(file.health_check_interval, environment.health_check_interval);
  take_if_given(file.alert_threshold, environment.alert_threshold);
  file.notices.insert(file.notices.end(), environment.notices.begin(), environment.notices.end());
  return file;
}

namespace {

// How often a key that is out is tried at least. Circuits that are to be open for longer, and 0, mean that
// theirs alone counts.
Duration health_check_interval(const PoolConfig& config, const PoolSettings& constants) {
  constexpr std::uint64_t a_year_ms = 366ULL * 86400 * 1000;
  const std::uint64_t given = parse_count(config.health_check_interval.text).value_or(0);
  if (given > 0) return std::chrono::milliseconds(std::min(given, a_year_ms));
  if (config.health_check_interval.given()) return constants.open_max;
  return std::max(constants.health_check_interval, constants.open_max);
}

}  // namespace

void assemble_pool(PoolConfig config, Settings& settings) {
  PoolSettings& constants = settings.pool.settings;
  if (config.failure_threshold) constants.failure_threshold = *config.failure_threshold;
  if (config.open_first) constants.open_first = *config.open_first;
  if (config.open_max) constants.open_max = *config.open_max;
  constants.open_max = std::max(constants.open_max, constants.open_first);
  if (config.open_max && !config.open_first)
    constants.open_first = std::min(constants.open_first, *config.open_max);
  constants.health_check_interval = health_check_interval(config, constants);
  if (config.rate_limit_backoff) constants.rate_limit_backoff = *config.rate_limit_backoff;
  Assembly(config, settings).run();
  settings.configured = std::move(config);
}

}  // namespace batchrun
