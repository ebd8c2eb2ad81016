#include "runner/print_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "io/json_text.h"
#include "pool/strategy.h"
#include "runner/inert.h"
#include "runner/known_provider.h"
#include "runner/version.h"

namespace batchrun {
namespace {

using std::chrono::duration_cast;

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, inert(text));
  return out;
}

std::string json(double number) {
  std::string out;
  append_json_number(out, number);
  return out;
}

std::string json(bool value) {
  return value ? "true" : "false";
}

std::string json(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts) parts.push_back(json(std::string_view(text)));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

// JSON line by line: one value a line, its remark after the comma.
class Lines {
 public:
  void value(std::string_view name, const std::string& text, const std::string& remark) {
    begin(name, text, remark);
    last_.back() = lines_.size() - 1;
  }
  void open(std::string_view name, char bracket, const std::string& remark = "") {
    begin(name, std::string(1, bracket), remark);
    last_.push_back(none);
  }
  void close(char bracket) {
    const bool empty = last_.back() == none;
    last_.pop_back();
    if (empty) lines_.back().text += bracket;
    if (!empty) lines_.push_back({std::string(2 * last_.size() - 2, ' ') + bracket, "", false});
    last_.back() = lines_.size() - 1;
  }
  std::string text() const {
    std::string out;
    for (const Line& line : lines_) {
      out += line.text;
      if (line.comma) out += ',';
      if (!line.remark.empty()) out += "  // " + line.remark;
      out += '\n';
    }
    return out;
  }

 private:
  struct Line {
    std::string text, remark;
    bool comma = false;
  };
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  void begin(std::string_view name, const std::string& text, const std::string& remark) {
    if (last_.back() != none) lines_[last_.back()].comma = true;
    const std::string label = name.empty() ? "" : json(name) + ": ";
    lines_.push_back({std::string(2 * last_.size() - 2, ' ') + label + text, inert(remark), false});
  }

  std::vector<Line> lines_;
  std::vector<std::size_t> last_{none};  // for each open bracket, the line its last element ends on
};

// In the unit an option is written in: "24h", "90s", "200ms".
std::string option_duration(Duration duration) {
  const auto ms = duration_cast<std::chrono::milliseconds>(duration).count();
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 4> units{
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
  for (const auto& [size, unit] : units) {
    if (ms >= size && ms % size == 0) return fmt::format("{}{}", ms / size, unit);
  }
  return fmt::format("{}ms", ms);
}

std::string option_size(std::size_t bytes) {
  if (bytes % (1u << 20) == 0) return fmt::format("{}MiB", bytes >> 20);
  if (bytes % (1u << 10) == 0) return fmt::format("{}KiB", bytes >> 10);
  return std::to_string(bytes);
}

template <class Enum>
std::string_view word(Enum value, const std::vector<std::string_view>& names) {
  return names.at(static_cast<std::size_t>(value));
}

class Printer {
 public:
  Printer(const Settings& settings, const ConfigSources& sources) : settings_(settings), sources_(sources) {}

  std::string print() {
    options();
    lines_.open("", '{');
    pool();
    lines_.open("providers", '{');
    for (const ProviderConfig& provider : config().providers) this->provider(provider);
    lines_.close('}');
    routes();
    lines_.close('}');
    return head_ + lines_.text();
  }

 private:
  const PoolConfig& config() const { return settings_.configured; }

  // A variable that the process does not have came from the env file.
  std::string origin(const std::string& place) const {
    if (is_variable(place) && sources_.process.count(place) == 0) return place + " in " + sources_.env_file;
    return place.empty() ? "default" : place;
  }
  std::string origin(const Places& places, std::string_view field) const {
    const auto found = places.find(field);
    return found == places.end() ? "default" : origin(found->second);
  }

  void comment(std::string_view name, std::string_view value, std::string_view from) {
    head_ += fmt::format("//   {:<18} {:<30} {}\n", name, value.empty() ? "none" : inert(value), inert(from));
  }
  void option(std::string_view name, std::string_view value) {
    const bool given =
        std::find(sources_.options.begin(), sources_.options.end(), name) != sources_.options.end();
    comment(fmt::format("--{}", name), value, given ? "command line" : "default");
  }

  void options();
  void files();
  void pool();
  void provider(const ProviderConfig& provider);
  void key(const KeyConfig& key);
  void limits(const KeyConfig& key);
  void routes();
  std::string base_url(const ProviderConfig& provider) const;

  const Settings& settings_;
  const ConfigSources& sources_;
  std::string head_;
  Lines lines_;
};

void Printer::files() {
  option("config", sources_.config_file);
  option("env-file", sources_.env_file);
  if (settings_.input.empty()) return;
  comment("INPUT", settings_.input, "command line");
  option("output", settings_.output);
  option("errors", settings_.errors);
  option("report", settings_.report);
}

void Printer::options() {
  const PoolSettings& pool = settings_.pool.settings;
  const auto number_or_none = [](std::uint64_t n) { return n == 0 ? std::string() : std::to_string(n); };
  const auto duration_or_none = [](Duration d) {
    return d == Duration::zero() ? std::string() : option_duration(d);
  };
  const auto yes = [](bool value) { return value ? "yes" : "no"; };
  head_ = fmt::format("// batchrun {}: every setting and where it came from. Nothing was sent.\n//\n",
                      program_version);
  files();
  option("provider", settings_.provider);
  option("model", settings_.model);
  option("stream", word(settings_.stream, {"auto", "always", "never"}));
  option("max-in-flight", std::to_string(pool.max_in_flight));
  option("max-attempts", std::to_string(pool.max_attempts));
  option("row-deadline", option_duration(pool.row_deadline));
  option("max-rows", number_or_none(settings_.max_rows));
  option("max-cost", settings_.spend.run ? fmt::format("{:g}", dollars(*settings_.spend.run)) : "");
  option("max-error-rate",
         settings_.max_error_rate > 0 ? fmt::format("{:g}%", settings_.max_error_rate * 100) : "");
  option("deadline", duration_or_none(settings_.deadline));
  option("drain-timeout", option_duration(settings_.drain_timeout));
  option("max-line", option_size(settings_.max_line));
  option("fresh", yes(settings_.fresh));
  option("retry-failed", yes(settings_.retry_failed));
  option("ordered", yes(settings_.ordered));
  option("changed", word(settings_.changed, {"stop", "rerun", "keep"}));
  option("sync", settings_.sync == SyncPolicy::interval
                     ? "interval:" + option_duration(settings_.sync_interval)
                     : std::string(word(settings_.sync, {"interval", "batch", "none"})));
  option("progress", word(settings_.progress, {"auto", "bar", "plain", "json", "none"}));
  option("color", word(settings_.color, {"auto", "always", "never"}));
  option("quiet", yes(settings_.quiet));
  for (const ProviderConfig& provider : config().providers) {
    for (const Placed& account : {provider.organization, provider.project}) {
      if (account.given()) comment(account.place, account.text, origin(account.place));
    }
  }
  if (config().alert_threshold.given()) {
    const Placed& threshold = config().alert_threshold;
    comment(threshold.place, threshold.text, origin(threshold.place));
  }
  head_ += "//\n";
  for (const std::string& notice : settings_.notices) head_ += fmt::format("// note: {}\n", inert(notice));
}

void Printer::pool() {
  const PoolSettings& pool = settings_.pool.settings;
  const Places& places = config().places;
  lines_.value("strategy", json(name(pool.strategy)), origin(config().strategy.place));
  if (const Placed& interval = config().health_check_interval; interval.given()) {
    lines_.value("healthCheckInterval", interval.text, origin(interval.place));
  }
  lines_.open("circuitBreaker", '{');
  lines_.value("failureThreshold", std::to_string(pool.failure_threshold),
               origin(places, "failureThreshold"));
  lines_.open("openSeconds", '{');
  lines_.value("first", json(seconds(pool.open_first)), origin(places, "first"));
  lines_.value("max", json(seconds(pool.open_max)), origin(places, "max"));
  lines_.close('}');
  lines_.close('}');
  lines_.value("rateLimitBackoffSeconds", json(seconds(pool.rate_limit_backoff)),
               origin(places, "rateLimitBackoffSeconds"));
  if (config().prices.given()) {
    lines_.value("prices", json(config().prices.text), origin(config().prices.place));
  }
  if (config().users.empty()) return;
  lines_.open("users", '{');
  for (const UserConfig& user : config().users) {
    lines_.open(user.name, '{');
    if (user.max_cost_per_day)
      lines_.value("max_cost_per_day", json(*user.max_cost_per_day), origin(user.place));
    lines_.close('}');
  }
  lines_.close('}');
}

// Where requests go, as it came out.
std::string Printer::base_url(const ProviderConfig& provider) const {
  for (const Provider& made : settings_.providers) {
    if (made.name != provider.name) continue;
    return made.endpoint.origin.url() + made.endpoint.base_path;
  }
  const KnownProvider* known = find_known_provider(provider.name);
  return provider.base_url.given() || !known ? provider.base_url.text : std::string(known->base_url);
}

void Printer::provider(const ProviderConfig& provider) {
  lines_.open(provider.name, '{');
  lines_.value("base_url", json(base_url(provider)), origin(provider.base_url.place));
  if (provider.default_model.given()) {
    lines_.value("default_model", json(provider.default_model.text), origin(provider.default_model.place));
  }
  lines_.value("tier", std::to_string(provider.tier.value_or(default_tier)), origin(provider.places, "tier"));
  if (provider.price_per_search) {
    lines_.value("price_per_search", fmt::format("{}", *provider.price_per_search),
                 origin(provider.places, "price_per_search"));
  }
  if (provider.ca_file.given()) {
    lines_.value("ca_file", json(provider.ca_file.text), origin(provider.ca_file.place));
  }
  for (const auto& [name, given] :
       {std::pair{"dialect", &provider.dialect}, {"api_version", &provider.api_version}}) {
    if (given->given()) lines_.value(name, json(given->text), origin(given->place));
  }
  lines_.open("keys", '[');
  for (const KeyConfig& key : provider.keys) this->key(key);
  lines_.close(']');
  lines_.close('}');
}

void Printer::key(const KeyConfig& key) {
  lines_.open("", '{');
  if (!key.keyless) {
    lines_.value("key", json(key.reference.empty() ? "(set)" : std::string_view(key.reference)),
                 origin(key.place));
  }
  lines_.value("name", json(key.alias), key.name.empty() ? "default" : origin(key.places, "name"));
  if (!key.group.empty()) lines_.value("group", json(key.group), origin(key.places, "group"));
  limits(key);
  if (!key.models.empty()) lines_.value("models", json(key.models), origin(key.places, "models"));
  lines_.value("priority", std::to_string(key.priority), origin(key.places, "priority"));
  lines_.value("enabled", json(key.enabled), origin(key.places, "enabled"));
  if (!key.tags.empty()) lines_.value("tags", json(key.tags), origin(key.places, "tags"));
  lines_.close('}');
}

void Printer::limits(const KeyConfig& key) {
  lines_.open("rateLimit", '{');
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::string_view field = limit_field(static_cast<Dimension>(i));
    if (key.places.find(field) == key.places.end()) continue;
    lines_.value(field, json(key.limits.per_window[i].value_or(0)), origin(key.places, field));
  }
  if (key.places.find("maxConcurrent") != key.places.end()) {
    lines_.value("maxConcurrent", std::to_string(key.limits.max_concurrent.value_or(0)),
                 origin(key.places, "maxConcurrent"));
  }
  if (key.limits.slice) {
    lines_.value("sliceSeconds", json(seconds(*key.limits.slice)), origin(key.places, "sliceSeconds"));
  }
  lines_.close('}');
}

void Printer::routes() {
  lines_.open("routes", '{');
  for (const RouteConfig& route : config().routes) {
    std::vector<std::string> candidates;
    for (const Placed& candidate : route.candidates) candidates.push_back(candidate.text);
    lines_.value(route.name, json(candidates), origin(route.place));
  }
  lines_.close('}');
}

}  // namespace

std::string render_config(const Settings& settings, const ConfigSources& sources) {
  return Printer(settings, sources).print();
}

}  // namespace batchrun
