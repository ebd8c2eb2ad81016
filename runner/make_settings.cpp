#include "runner/make_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <set>

#include "pool/strategy.h"
#include "runner/assemble_pool.h"
#include "runner/config.h"
#include "runner/cost_estimate.h"
#include "runner/env_pool.h"
#include "runner/inert.h"
#include "runner/nearest.h"
#include "runner/options.h"
#include "runner/print_config.h"
#include "runner/routing.h"
#include "runner/run_paths.h"

namespace batchrun {
namespace {

constexpr std::size_t largest_env_file = 1u << 20;
constexpr std::uint64_t files_kept_back = 64;  // for everything that is not a connection

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

// The environment file to read, or "".
std::string env_file_path(const Options& options) {
  if (options.env_file) return *options.env_file;
  return exists(".env") ? ".env" : "";
}

// The environment file under the process's own variables.
Environment whole_environment(const std::string& path, const Environment& process) {
  if (path.empty()) return process;
  Environment out = process;
  out.merge(parse_env_file(read_whole_file(path, largest_env_file, ""), path));
  return out;
}

// The config file to read, or "".
std::string config_path(const Options& options, const Environment& environment) {
  if (options.config) return *options.config;
  if (exists("batchrun.json")) return "batchrun.json";
  std::string base = env_value(environment, "XDG_CONFIG_HOME");
  if (base.empty() && !env_value(environment, "HOME").empty())
    base = env_value(environment, "HOME") + "/.config";
  const std::string path = base + "/batchrun/config.json";
  return !base.empty() && exists(path) ? path : "";
}

Strategy chosen_strategy(const Placed& given) {
  if (!given.given()) return PoolSettings{}.strategy;
  if (const std::optional<Strategy> known = parse_strategy(given.text)) return *known;
  const std::string near = did_you_mean(given.text, strategy_names());
  throw UsageError(fmt::format("unknown strategy \"{}\"", inert(given.text, 64)),
                   near.empty() ? fmt::format("strategies are {}", fmt::join(strategy_names(), ", ")) : near,
                   given.place);
}

std::uint32_t open_requests(const Options& options, const Machine& machine) {
  const std::uint64_t room = machine.open_files > files_kept_back ? machine.open_files - files_kept_back : 1;
  if (!options.max_in_flight) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(PoolSettings{}.max_in_flight, room));
  }
  if (*options.max_in_flight > room) {
    throw UsageError(fmt::format("-j {} needs more open files than the {} this system allows",
                                 *options.max_in_flight, machine.open_files),
                     fmt::format("ulimit -Hn says the limit; at most -j {} here", room));
  }
  return *options.max_in_flight;
}

void apply_limits(const Options& options, const Machine& machine, Settings& settings) {
  PoolSettings& pool = settings.pool.settings;
  pool.max_in_flight = open_requests(options, machine);
  pool.max_attempts = options.max_attempts.value_or(pool.max_attempts);
  pool.row_deadline = options.row_deadline.value_or(pool.row_deadline);
  pool.row_deadline_is_firm = options.row_deadline.has_value();
  settings.max_line = options.max_line.value_or(settings.max_line);
  settings.max_rows = options.max_rows.value_or(settings.max_rows);
  settings.max_error_rate = options.max_error_rate.value_or(settings.max_error_rate);
  settings.deadline = options.deadline.value_or(settings.deadline);
  settings.drain_timeout = options.drain_timeout.value_or(settings.drain_timeout);
}

void apply_choices(const Options& options, Settings& settings) {
  settings.verb = options.verb;
  settings.stream = options.stream.value_or(settings.stream);
  settings.fresh = options.fresh;
  settings.retry_failed = options.retry_failed;
  settings.ordered = options.ordered;
  settings.changed = options.changed.value_or(settings.changed);
  settings.sync = options.sync.value_or(settings.sync);
  settings.sync_interval = options.sync_interval.value_or(settings.sync_interval);
  settings.quiet = options.quiet;
  settings.progress = options.progress.value_or(options.quiet ? ProgressMode::none : ProgressMode::automatic);
  settings.color = options.color.value_or(settings.color);
  settings.provider = options.provider.value_or("");
  settings.model = options.model.value_or("");
  settings.resume_command = resume_command(options.argv);
}

bool sends_rows(const Settings& settings) {
  return settings.verb == Verb::run || settings.verb == Verb::plan;
}

// `plan` needs no keys, and the keys verbs say themselves that there is none.
void need_keys(const Settings& settings) {
  if (!settings.keys.empty() || settings.verb != Verb::run) return;
  throw UsageError("no API key is configured", no_key_hint);
}

// -p and -m are judged before the run: what no key can answer would only fill the errors file.
void check_defaults(const Settings& settings) {
  if (settings.keys.empty() || (settings.provider.empty() && settings.model.empty())) return;
  if (settings.model.empty()) {  // rows may name the model, so only the provider can be judged
    std::vector<std::string> names;
    for (const Key& key : settings.keys) names.push_back(settings.providers[key.provider].name);
    if (std::find(names.begin(), names.end(), settings.provider) != names.end()) return;
    throw UsageError(fmt::format("-p: there is no key of a provider \"{}\"", inert(settings.provider, 128)),
                     did_you_mean(settings.provider, names));
  }
  const std::variant<LaneId, NoRoute> lane = Routing(settings).resolve(Row{});
  if (const NoRoute* refused = std::get_if<NoRoute>(&lane)) {
    throw UsageError(fmt::format("-m: {}", refused->message));
  }
}

// Of the config's table, else of the one that comes with the program.
PriceTable price_table(const Placed& given) {
  constexpr std::size_t largest_table = 16u << 20;
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  const std::string today = fmt::format("{:04}-{:02}-{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
  if (!given.given()) return PriceTable::shipped(today);
  return PriceTable(read_whole_file(given.text, largest_table, given.place), given.text, today);
}

SpendLimits spend_limits(const Options& options, const PoolConfig& pool) {
  SpendLimits limits;
  limits.run = options.max_cost;
  for (const UserConfig& user : pool.users) {
    std::optional<Picodollars> cap;  // none: the user is exempt from that of "*"
    if (user.max_cost_per_day) cap = std::llround(*user.max_cost_per_day * picodollars_per_dollar);
    if (user.name == "*") {
      limits.each_user = cap;
    } else {
      limits.users[user.name] = cap;
    }
  }
  return limits;
}

// Models that rows may go to, "" for a search, as far as the config names them.
std::set<std::string> models_of(const Settings& settings, std::size_t provider) {
  std::set<std::string> models;
  const Provider& one = settings.providers[provider];
  for (const Key& key : settings.keys) {
    if (key.provider != provider) continue;
    models.insert(key.models.begin(), key.models.end());
    if (!one.default_model.empty()) models.insert(one.default_model);
    if (one.dialect->serves(Api::search, one.endpoint)) models.insert("");
  }
  return models;
}

// A cap refuses rows whose cost nobody knows: better said at the start than found in the errors file.
void note_unknown_prices(Settings& settings) {
  if (!settings.spend.any()) return;
  std::vector<std::string> unknown;
  for (std::size_t i = 0; i < settings.providers.size(); ++i) {
    const Provider& provider = settings.providers[i];
    for (const std::string& model : models_of(settings, i)) {
      if (price_of(settings, provider, model) != nullptr) continue;
      unknown.push_back(model.empty() ? "searches at " + provider.name
                                      : provider.name + "/" + inert(model, 64));
    }
  }
  if (unknown.empty()) return;
  const std::size_t more = unknown.size() - std::min<std::size_t>(unknown.size(), 5);
  unknown.resize(unknown.size() - more);
  settings.notices.push_back(fmt::format(
      "no price is known for {}{}: while a cap on cost is set, rows that may go there are refused; add what "
      "they cost to the price table (\"prices\"), for searches as \"price_per_search\"",
      fmt::join(unknown, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
}

struct Made {
  Settings settings;
  ConfigSources sources;
};

Made put_together(const Options& options, const Environment& process, const Machine& machine) {
  Made made;
  Settings& settings = made.settings;
  apply_choices(options, settings);
  apply_limits(options, machine, settings);
  if (!options.input.empty()) {
    set_paths({options.input, options.output, options.errors, options.report}, settings);
  }

  const std::string env_file = env_file_path(options);
  const Environment environment = whole_environment(env_file, process);
  const std::string config_file = config_path(options, environment);
  PoolConfig file = config_file.empty() ? PoolConfig{} : read_config(config_file, environment);
  PoolConfig pool = merge_pools(std::move(file), pool_from_environment(environment));
  if (options.strategy) pool.strategy = {*options.strategy, "--strategy"};
  settings.pool.settings.strategy = chosen_strategy(pool.strategy);
  settings.prices = price_table(pool.prices);
  settings.spend = spend_limits(options, pool);
  assemble_pool(std::move(pool), settings);
  made.sources = {config_file, env_file, process, options.given};
  return made;
}

}  // namespace

Machine Machine::here() {
  rlimit limit{};
  Machine machine;
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) machine.open_files = limit.rlim_max;
  return machine;
}

Settings make_settings(const Options& options, const Environment& process, const Machine& machine) {
  Settings settings = put_together(options, process, machine).settings;
  need_keys(settings);
  if (sends_rows(settings)) {
    check_defaults(settings);
    note_unknown_prices(settings);
  }
  return settings;
}

std::string effective_config(const Options& options, const Environment& process, const Machine& machine) {
  const Made made = put_together(options, process, machine);
  return render_config(made.settings, made.sources);
}

}  // namespace batchrun
