#include "runner/assemble_pool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "runner/base_url.h"
#include "runner/inert.h"
#include "runner/known_provider.h"
#include "runner/nearest.h"

namespace batchrun {
namespace {

std::string quoted(std::string_view text) {
  return fmt::format("\"{}\"", inert(text, 128));
}

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

class Assembly {
 public:
  Assembly(PoolConfig& config, Settings& settings) : config_(config), settings_(settings) {}

  void run() {
    for (ProviderConfig& provider : config_.providers) add_provider(provider);
    for (const RouteConfig& route : config_.routes) add_route(route);
    for (const std::string& notice : config_.notices) settings_.notices.push_back(notice);
  }

 private:
  void add_provider(ProviderConfig& config);
  void drop_doubled_keys(ProviderConfig& config);
  void add_key(std::size_t provider, const ProviderConfig& config, KeyConfig& key, std::size_t number);
  std::string alias_of(const ProviderConfig& config, const KeyConfig& key, std::size_t number);
  GroupId group_of(const std::string& provider, const KeyConfig& key, const std::string& alias);
  void agree(GroupSpec& group, const KeyConfig& key, const std::string& alias,
             const std::string& first) const;
  void add_route(const RouteConfig& config);
  std::vector<std::string> provider_names() const;

  PoolConfig& config_;
  Settings& settings_;
  std::set<std::string> names_;                      // configured aliases, all providers
  std::map<std::string, std::string> alias_places_;  // aliases in use
  std::map<std::string, std::pair<GroupId, std::string>>
      groups_;  // by "provider/group": number, first key's alias
};

Endpoint endpoint_of(const ProviderConfig& config, const KnownProvider* known) {
  if (!config.base_url.given() && !known) {
    std::vector<std::string> names;
    for (const KnownProvider& provider : known_providers()) names.emplace_back(provider.name);
    const std::string near = did_you_mean(config.name, names);
    throw UsageError(fmt::format("provider {} has no base_url", quoted(config.name)),
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
  endpoint.origin.ca_file = config.ca_file.text;
  if (config.ca_file.given() && ::access(config.ca_file.text.c_str(), R_OK) != 0) {
    throw UsageError(fmt::format("cannot read {}: {}", quoted(config.ca_file.text), std::strerror(errno)), "",
                     config.ca_file.place);
  }
  return endpoint;
}

void Assembly::add_provider(ProviderConfig& config) {
  if (!good_provider_name(config.name)) {
    throw UsageError(fmt::format("{} cannot be a provider's name", quoted(config.name)),
                     "letters, digits, dots, hyphens and underscores, at most 64", config.place);
  }
  const KnownProvider* known = find_known_provider(config.name);
  Provider provider;
  provider.name = config.name;
  provider.dialect = make_openai_dialect(known ? known->flavour : OpenAiFlavour::openai);
  provider.endpoint = endpoint_of(config, known);
  provider.default_model = config.default_model.text;
  provider.tier = config.tier.value_or(2);
  if (!config.keys.empty() && sends_in_clear(provider.endpoint.origin)) {
    settings_.notices.push_back(fmt::format(
        "keys of {} travel unencrypted: its base_url is plain http to another machine", config.name));
  }
  const std::size_t index = settings_.providers.size();
  settings_.providers.push_back(std::move(provider));
  drop_doubled_keys(config);
  for (const KeyConfig& key : config.keys) {
    if (!key.name.empty()) names_.insert(key.name);
  }
  for (std::size_t i = 0; i < config.keys.size(); ++i) {
    if (config.keys[i].enabled) add_key(index, config, config.keys[i], i + 1);
  }
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
      kept.push_back(std::move(key));
    } else if (!key.group.empty() && key.group != same->group) {
      throw UsageError(fmt::format("this key of {} is the same secret as the one at {}, but in another group",
                                   config.name, same->place),
                       "one key draws on one group: remove one of the two", key.place);
    }
  }
  config.keys = std::move(kept);
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
        fmt::format("two keys have the name {}; the other one is at {}", quoted(key.name), at->second),
        "names tell keys apart in results and reports", key.place);
  }
  return key.name;
}

void Assembly::agree(GroupSpec& group, const KeyConfig& key, const std::string& alias,
                     const std::string& first) const {
  const auto fail = [&](std::string_view what, double ours, double theirs) {
    throw UsageError(fmt::format("keys {} and {} are of the group {} but differ in {}: {} and {}", alias,
                                 first, quoted(key.group), what, ours, theirs),
                     "a group is one budget: give its limits once, or the same for each key", key.place);
  };
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::optional<double>& limit = key.limits.per_window[i];
    if (!limit) continue;
    if (group.limits[i] && *group.limits[i] != *limit)
      fail(name(static_cast<Dimension>(i)), *limit, *group.limits[i]);
    group.limits[i] = limit;
  }
  if (!key.limits.max_concurrent) return;
  if (group.max_concurrent != 0 && group.max_concurrent != *key.limits.max_concurrent) {
    fail("open requests", *key.limits.max_concurrent, group.max_concurrent);
  }
  group.max_concurrent = *key.limits.max_concurrent;
}

GroupId Assembly::group_of(const std::string& provider, const KeyConfig& key, const std::string& alias) {
  std::vector<GroupSpec>& groups = settings_.pool.groups;
  const GroupId next{static_cast<std::uint32_t>(groups.size())};
  if (key.group.empty()) {
    groups.emplace_back().name = alias;
    agree(groups.back(), key, alias, alias);
    return next;
  }
  const std::string group_name = provider + "/" + key.group;
  const auto [at, is_new] = groups_.emplace(group_name, std::pair(next, alias));
  if (is_new) groups.emplace_back().name = group_name;
  agree(groups[at->second.first.value], key, alias, at->second.second);
  return at->second.first;
}

void Assembly::add_key(std::size_t provider, const ProviderConfig& config, KeyConfig& key,
                       std::size_t number) {
  const std::string alias = alias_of(config, key, number);
  KeySpec spec;
  spec.alias = alias;
  spec.group = group_of(config.name, key, alias);
  spec.tier = settings_.providers[provider].tier;
  spec.priority = key.priority;
  settings_.pool.keys.push_back(std::move(spec));
  settings_.keys.push_back(
      {provider, alias, std::move(key.secret), std::move(key.models), std::move(key.tags)});
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
      throw UsageError(fmt::format("{} is not \"provider/model\"", quoted(candidate.text)), "",
                       candidate.place);
    }
    const std::string provider = candidate.text.substr(0, slash);
    const auto found = std::find_if(settings_.providers.begin(), settings_.providers.end(),
                                    [&](const Provider& other) { return other.name == provider; });
    if (found != settings_.providers.end()) {
      route.candidates.emplace_back(found - settings_.providers.begin(), candidate.text.substr(slash + 1));
    } else if (find_known_provider(provider)) {
      settings_.notices.push_back(
          fmt::format("route {}: no key for {}, so it is left out", inert(config.name, 128), provider));
    } else {
      throw UsageError(
          fmt::format("route {} names an unknown provider {}", quoted(config.name), quoted(provider)),
          did_you_mean(provider, provider_names()), candidate.place);
    }
  }
  settings_.routes.push_back(std::move(route));
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
    for (KeyConfig& key : from.keys) same->keys.push_back(std::move(key));
  }
  take_if_given(file.strategy, environment.strategy);
  file.notices.insert(file.notices.end(), environment.notices.begin(), environment.notices.end());
  return file;
}

void assemble_pool(PoolConfig config, Settings& settings) {
  PoolSettings& constants = settings.pool.settings;
  if (config.failure_threshold) constants.failure_threshold = *config.failure_threshold;
  if (config.open_first) constants.open_first = *config.open_first;
  if (config.open_max) constants.open_max = *config.open_max;
  constants.open_max = std::max(constants.open_max, constants.open_first);
  if (config.open_max && !config.open_first)
    constants.open_first = std::min(constants.open_first, *config.open_max);
  if (config.rate_limit_backoff) constants.rate_limit_backoff = *config.rate_limit_backoff;
  Assembly(config, settings).run();
}

}  // namespace batchrun
