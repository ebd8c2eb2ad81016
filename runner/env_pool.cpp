#include "runner/env_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "io/ascii.h"
#include "pool/strategy.h"
#include "runner/inert.h"
#include "runner/known_provider.h"
#include "runner/ollama_host.h"
#include "runner/quantity.h"
#include "runner/settings.h"

namespace batchrun {
namespace {

constexpr double largest_limit = 1e15;

// Without blanks around it and one pair of quotes.
std::string_view bare(std::string_view text) {
  text = ascii::trim(text);
  const bool quoted =
      text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.front() == text.back();
  return quoted ? ascii::trim(text.substr(1, text.size() - 2)) : text;
}

std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> out;
  text = bare(text);
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = bare(text.substr(0, comma));
    if (!item.empty()) out.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

class ProviderVariables {
 public:
  ProviderVariables(const Environment& environment, const KnownProvider& known)
      : environment_(environment), known_(known), prefix_(std::string(known.env_prefix) + "_") {
    provider_.name = known.name;
    provider_.place = prefix_ + "API_KEYS";
  }

  // Whether anything of the provider is set.
  bool read(PoolConfig& into) {
    provider_.base_url = base_url();
    read_keys();
    if (known_.keyless && provider_.keys.empty()) add_keyless();
    read_models(into);
    read_limit("MAX_TOKENS_PER_MINUTE", Dimension::tokens_per_minute, into);
    read_limit("MAX_TOKENS_PER_DAY", Dimension::tokens_per_day, into);
    read_limit("MAX_REQUESTS_PER_MINUTE", Dimension::requests_per_minute, into);
    if (known_.name == "openai") {
      provider_.organization = header_value("ORG_ID");
      provider_.project = header_value("PROJECT_ID");
    }
    read_strategy(into);
    return !provider_.keys.empty() || provider_.base_url.given() || provider_.organization.given() ||
           provider_.project.given();
  }

  ProviderConfig take() { return std::move(provider_); }

 private:
  Placed variable(const std::string& name) const {
    const std::string value(bare(env_value(environment_, prefix_ + name)));
    return value.empty() ? Placed{} : Placed{value, prefix_ + name};
  }

  Placed base_url() const {
    const Placed own = variable("BASE_URL");
    if (own.given() || known_.name != "ollama") return own;
    const Placed host = variable("HOST");
    return host.given() ? Placed{ollama_base_url(host.text), host.place} : Placed{};
  }

  Placed header_value(const std::string& name) const {
    Placed value = variable(name);
    if (value.given() && !Credential(value.text).fits_header()) {
      throw UsageError(fmt::format("{} holds characters that cannot be in a header", value.place),
                       "it is sent as it is: one word of printable ASCII", value.place);
    }
    return value;
  }

  // Variables PREFIX_MIDDLE_<digits>, by number; 1 and 01 are both there.
  std::multimap<std::uint64_t, std::string> numbered(std::string_view middle) const {
    const std::string start = prefix_ + std::string(middle);
    std::multimap<std::uint64_t, std::string> found;
    for (auto at = environment_.lower_bound(start); at != environment_.end(); ++at) {
      if (at->first.rfind(start, 0) != 0) break;
      const std::optional<std::uint64_t> number =
          parse_count(std::string_view(at->first).substr(start.size()));
      if (number && !bare(at->second).empty()) found.emplace(*number, at->first);
    }
    return found;
  }

  void add_key(std::string_view text, const std::string& variable_name) {
    KeyConfig key;
    key.secret = Credential(std::string(text));
    key.place = variable_name;
    if (variable_name != prefix_ + "API_KEYS") key.reference = "env:" + variable_name;
    if (!key.secret.fits_header()) {
      throw UsageError(fmt::format("a key in {} holds blanks, control characters or bytes that are not ASCII",
                                   variable_name),
                       "several keys are separated by commas", variable_name);
    }
    const bool known = std::any_of(provider_.keys.begin(), provider_.keys.end(),
                                   [&](const KeyConfig& other) { return other.secret == key.secret; });
    if (!known) provider_.keys.push_back(std::move(key));
  }

  void read_keys() {
    const std::string list = prefix_ + "API_KEYS", single = prefix_ + "API_KEY";
    for (const std::string& key : comma_list(env_value(environment_, list))) add_key(key, list);
    for (const auto& [number, name] : numbered("API_KEY_")) add_key(bare(environment_.at(name)), name);
    const std::string_view one = bare(env_value(environment_, single));
    if (!one.empty()) add_key(one, single);
  }

  // An address, or a model, says that there is a server.
  void add_keyless() {
    const auto models = numbered("MODEL_");
    KeyConfig key;
    key.place = provider_.base_url.given() ? provider_.base_url.place
                : models.empty()           ? std::string()
                                           : models.begin()->second;
    if (!key.place.empty()) provider_.keys.push_back(std::move(key));
  }

  void read_models(PoolConfig& into) {
    for (const auto& [index, name] : numbered("MODEL_")) {
      KeyConfig* key = key_at(index, name, into);
      if (!key) continue;
      key->models = comma_list(environment_.at(name));
      key->places["models"] = name;
    }
  }

  KeyConfig* key_at(std::uint64_t index, const std::string& name, PoolConfig& into) {
    if (index < provider_.keys.size()) return &provider_.keys[index];
    into.notices.push_back(
        fmt::format("{} has no effect: the environment has {} of these keys, counted from 0", inert(name),
                    provider_.keys.size()));
    return nullptr;
  }

  void read_limit(const std::string& middle, Dimension dimension, PoolConfig& into) {
    if (variable(middle).given()) {
      into.notices.push_back(
          fmt::format("{0}{1} has no effect: the limit of the first key is {0}{1}_0, of "
                      "the next {0}{1}_1",
                      prefix_, middle));
    }
    for (const auto& [index, name] : numbered(middle + "_")) {
      const std::optional<std::uint64_t> limit = parse_count(bare(environment_.at(name)));
      if (!limit || static_cast<double>(*limit) > largest_limit) {
        throw UsageError(fmt::format("{}: \"{}\" is not a limit", name, inert(environment_.at(name), 64)),
                         "a whole number, at most 1e15; 0 = not limited", name);
      }
      KeyConfig* key = key_at(index, name, into);
      if (!key) continue;
      const double units = static_cast<double>(*limit);
      key->limits.per_window[static_cast<std::size_t>(dimension)] =
          units > 0 ? std::optional(units) : std::nullopt;
      key->places[std::string(limit_field(dimension))] = name;
    }
  }

  void read_strategy(PoolConfig& into) {
    const Placed given = variable("KEY_ROTATION_STRATEGY");
    if (!given.given()) return;
    if (into.strategy.given() && !same_strategy_name(into.strategy.text, given.text)) {
      throw UsageError(fmt::format("{} and {} name different strategies", into.strategy.place, given.place),
                       "one strategy holds for the whole pool");
    }
    into.strategy = given;
  }

  const Environment& environment_;
  const KnownProvider& known_;
  std::string prefix_;
  ProviderConfig provider_;
};

// A variable of the whole pool that `good` judges; nothing if it is not set.
template <class Good>
Placed pool_variable(const Environment& environment, const std::string& name, Good good,
                     std::string_view expects, std::string_view example) {
  const std::string_view value = bare(env_value(environment, name));
  if (value.empty()) return {};
  if (!good(value)) {
    throw UsageError(fmt::format("{}: \"{}\" is not {}", name, inert(value, 64), expects),
                     fmt::format("for example {}={}", name, example), name);
  }
  return {std::string(value), name};
}

}  // namespace

PoolConfig pool_from_environment(const Environment& environment) {
  PoolConfig pool;
  pool.health_check_interval = pool_variable(
      environment, "API_KEY_HEALTH_CHECK_INTERVAL",
      [](std::string_view text) { return parse_count(text).has_value(); }, "a whole number of milliseconds",
      "60000");
  pool.alert_threshold = pool_variable(
      environment, "RATE_LIMIT_ALERT_THRESHOLD",
      [](std::string_view text) { return parse_percent(text).has_value(); }, "a percentage", "80");
  if (pool.alert_threshold.given()) {
    pool.notices.push_back(
        fmt::format("{} has no effect in this version: there are no alerts yet", pool.alert_threshold.place));
  }
  for (const KnownProvider& known : known_providers()) {
    ProviderVariables variables(environment, known);
    if (variables.read(pool)) pool.providers.push_back(variables.take());
  }
  return pool;
}

}  // namespace batchrun
