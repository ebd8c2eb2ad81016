#include "runner/option_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "runner/options.h"
#include "runner/quantity.h"
#include "runner/version.h"

namespace batchrun {
namespace {

constexpr std::uint8_t for_both = for_run | for_plan;
constexpr std::string_view a_duration = "a duration such as 30s, 5m or 24h";
constexpr std::string_view a_file = "a file name";
constexpr std::string_view a_count = "a whole number from 1 on";

template <class Value, std::size_t n>
bool pick(std::optional<Value>& into, std::string_view text,
          const std::array<std::pair<std::string_view, Value>, n>& choices) {
  for (const auto& [name, value] : choices) {
    if (name != text) continue;
    into = value;
    return true;
  }
  return false;
}

template <std::optional<std::string> Options::*field>
bool set_text(Options& options, std::string_view text) {
  if (text.empty()) return false;
  options.*field = std::string(text);
  return true;
}

template <std::optional<Duration> Options::*field>
bool set_duration(Options& options, std::string_view text) {
  const std::optional<Duration> value = parse_duration(text);
  if (!value || *value <= Duration::zero()) return false;
  options.*field = value;
  return true;
}

template <class Number, std::optional<Number> Options::*field>
bool set_count(Options& options, std::string_view text) {
  const std::optional<std::uint64_t> value = parse_count(text);
  if (!value || *value == 0 || *value > std::numeric_limits<Number>::max()) return false;
  options.*field = static_cast<Number>(*value);
  return true;
}

template <bool Options::*field>
bool set_flag(Options& options, std::string_view) {
  return options.*field = true;
}

bool set_drain_timeout(Options& options, std::string_view text) {
  options.drain_timeout = parse_duration(text);
  return options.drain_timeout.has_value();
}

bool set_stream(Options& options, std::string_view text) {
  return pick(options.stream, text,
              std::array{std::pair{std::string_view("auto"), StreamMode::automatic},
                         std::pair{std::string_view("always"), StreamMode::on},
                         std::pair{std::string_view("never"), StreamMode::off}});
}

bool set_changed(Options& options, std::string_view text) {
  return pick(options.changed, text,
              std::array{std::pair{std::string_view("stop"), ChangedRows::stop},
                         std::pair{std::string_view("rerun"), ChangedRows::rerun},
                         std::pair{std::string_view("keep"), ChangedRows::keep}});
}

bool set_progress(Options& options, std::string_view text) {
  return pick(options.progress, text,
              std::array{std::pair{std::string_view("auto"), ProgressMode::automatic},
                         std::pair{std::string_view("bar"), ProgressMode::bar},
                         std::pair{std::string_view("plain"), ProgressMode::plain},
                         std::pair{std::string_view("json"), ProgressMode::json},
                         std::pair{std::string_view("none"), ProgressMode::none}});
}

bool set_color(Options& options, std::string_view text) {
  return pick(options.color, text,
              std::array{std::pair{std::string_view("auto"), ColorMode::automatic},
                         std::pair{std::string_view("always"), ColorMode::on},
                         std::pair{std::string_view("never"), ColorMode::off}});
}

bool set_sync(Options& options, std::string_view text) {
  constexpr std::string_view with_time = "interval:";
  if (text.substr(0, with_time.size()) == with_time) {
    if (!set_duration<&Options::sync_interval>(options, text.substr(with_time.size()))) return false;
    text = "interval";
  }
  return pick(options.sync, text,
              std::array{std::pair{std::string_view("interval"), SyncPolicy::interval},
                         std::pair{std::string_view("batch"), SyncPolicy::batch},
                         std::pair{std::string_view("none"), SyncPolicy::none}});
}

bool set_max_error_rate(Options& options, std::string_view text) {
  options.max_error_rate = parse_percent(text);
  return options.max_error_rate.has_value();
}

bool set_max_cost(Options& options, std::string_view text) {
  const std::optional<double> usd = parse_dollars(text);
  if (!usd || *usd <= 0) return false;
  options.max_cost = static_cast<Picodollars>(std::llround(*usd * picodollars_per_dollar));
  return true;
}

bool set_max_line(Options& options, std::string_view text) {
  constexpr std::uint64_t least = 1024, most = std::uint64_t{1} << 30;
  const std::optional<std::uint64_t> bytes = parse_size(text);
  if (!bytes || *bytes < least || *bytes > most) return false;
  options.max_line = static_cast<std::size_t>(*bytes);
  return true;
}

bool set_dry_run(Options& options, std::string_view) {
  options.verb = Verb::plan;
  return true;
}

using G = OptionGroup;
constexpr std::array table{
    OptionRow{'o', "output", "FILE",
              "results, one line for each row; - is stdout (default: STEM.results.jsonl beside the input; "
              "stdout when INPUT is - or a device)",
              a_file, G::files, for_both, set_text<&Options::output>},
    OptionRow{0, "errors", "FILE",
              "rows that failed for good, each re-runnable (default: STEM.errors.jsonl beside the results)",
              a_file, G::files, for_both, set_text<&Options::errors>},
    OptionRow{0, "report", "FILE", "run report, JSON (default: STEM.report.json beside the results)", a_file,
              G::files, for_run, set_text<&Options::report>},
    OptionRow{'c', "config", "FILE",
              "pool and settings, JSON with comments (default: ./batchrun.json, then "
              "$XDG_CONFIG_HOME/batchrun/config.json)",
              a_file, G::files, for_all, set_text<&Options::config>},
    OptionRow{0, "env-file", "FILE", "more environment, NAME=value lines (default: .env if there)", a_file,
              G::files, for_all, set_text<&Options::env_file>},
    OptionRow{'p', "provider", "NAME", "for rows that name none", "a provider's name", G::pool, for_both,
              set_text<&Options::provider>},
    OptionRow{'m', "model", "NAME", "for rows that name none; NAME or PROVIDER/NAME", "a model's name",
              G::pool, for_both, set_text<&Options::model>},
    OptionRow{0, "strategy", "NAME",
              "saturate (default), least-loaded, round-robin, lru, weighted, random, least-used",
              "a strategy", G::pool, for_both, set_text<&Options::strategy>},
    OptionRow{0, "stream", "auto|always|never",
              "streaming with the first-chunk gate (default: auto, where provider and row allow it)",
              "auto, always or never", G::pool, for_both, set_stream},
    OptionRow{'j', "max-in-flight", "N",
              "cap on open requests (default: 512, less where the system allows fewer open files)", a_count,
              G::pool, for_both, set_count<std::uint32_t, &Options::max_in_flight>},
    OptionRow{0, "max-attempts", "N", "counted attempts for a row (default: 6)", a_count, G::limits, for_both,
              set_count<std::uint32_t, &Options::max_attempts>},
    OptionRow{0, "row-deadline", "DUR", "a row's life, from when it was read (default: 24h)", a_duration,
              G::limits, for_both, set_duration<&Options::row_deadline>},
    OptionRow{0, "max-rows", "N", "stop after N rows; the run stays resumable", a_count, G::limits, for_both,
              set_count<std::uint64_t, &Options::max_rows>},
    OptionRow{0, "max-cost", "USD",
              "send nothing that could take the run's cost above this; it stays resumable",
              "dollars, such as 2.50", G::limits, for_run, set_max_cost},
    OptionRow{0, "max-error-rate", "PCT",
              "stop when more than PCT of the rows failed, judged from the 100th row on",
              "a percentage over 0, such as 5%", G::limits, for_run, set_max_error_rate},
    OptionRow{0, "deadline", "DUR", "stop after this time; the run stays resumable", a_duration, G::limits,
              for_run, set_duration<&Options::deadline>},
    OptionRow{0, "drain-timeout", "DUR", "after Ctrl-C, how long requests in flight may take (default: 30s)",
              a_duration, G::limits, for_run, set_drain_timeout},
    OptionRow{0, "max-line", "SIZE", "longer input lines are refused, 1KiB to 1GiB (default: 32MiB)",
              "a size from 1KiB to 1GiB, such as 32MiB", G::limits, for_both, set_max_line},
    OptionRow{0, "fresh", "", "start over: results and errors of an earlier run are replaced", "", G::resume,
              for_run, set_flag<&Options::fresh>},
    OptionRow{0, "retry-failed", "", "run the rows of the errors file again", "", G::resume, for_run,
              set_flag<&Options::retry_failed>},
    OptionRow{0, "ordered", "", "put the results in the input's order once all are there", "", G::resume,
              for_run, set_flag<&Options::ordered>},
    OptionRow{0, "changed", "stop|rerun|keep",
              "rows whose content changed since they were answered (default: stop)", "stop, rerun or keep",
              G::resume, for_run, set_changed},
    OptionRow{
        0, "sync", "interval:DUR|batch|none",
        "when results are forced to disk: every DUR, after every write, or never (default: interval:200ms)",
        "interval:DUR, interval, batch or none", G::resume, for_run, set_sync},
    OptionRow{0, "progress", "auto|bar|plain|json|none",
              "how progress is shown on stderr (default: auto, a bar on a terminal)",
              "auto, bar, plain, json or none", G::talk, for_both, set_progress},
    OptionRow{0, "color", "auto|always|never", "colour on stderr (default: auto)", "auto, always or never",
              G::talk, for_both, set_color},
    OptionRow{'q', "quiet", "", "errors only", "", G::talk, for_all, set_flag<&Options::quiet>},
    OptionRow{'n', "dry-run", "", "check every row and send nothing, as the verb plan does", "", G::other,
              for_both, set_dry_run},
    OptionRow{0, "print-config", "",
              "print every setting and where it came from, as a config file with comments; send nothing", "",
              G::other, for_both, set_flag<&Options::print_config>},
    OptionRow{'h', "help", "", "this text", "", G::other, for_all, nullptr},
    OptionRow{0, "version", "", "the version", "", G::other, for_all, nullptr},
};

struct GroupTitle {
  OptionGroup group;
  std::string_view title;
};
constexpr std::array group_titles{
    GroupTitle{G::files, "Files"},           GroupTitle{G::pool, "Pool"},
    GroupTitle{G::limits, "Limits"},         GroupTitle{G::resume, "Resuming and durability"},
    GroupTitle{G::talk, "Talk (on stderr)"}, GroupTitle{G::other, "Other"},
};

constexpr std::size_t help_column = 6, help_width = 80;

// "  -o, --output FILE" and under it the help, wrapped at words.
void append_option(std::string& out, const OptionRow& row) {
  out += row.short_name ? fmt::format("  -{}, --{}", row.short_name, row.long_name)
                        : fmt::format("      --{}", row.long_name);
  if (!row.argument.empty()) out += fmt::format(" {}", row.argument);
  out += '\n';
  std::string_view rest = row.help;
  const std::size_t indent = help_column + 4, width = help_width - indent;
  while (!rest.empty()) {
    std::size_t end = rest.size();
    if (end > width) {
      end = rest.rfind(' ', width);
      if (end == std::string_view::npos) end = width;
    }
    out.append(indent, ' ');
    out += rest.substr(0, end);
    out += '\n';
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
}

constexpr std::string_view examples =
    "  batchrun prompts.jsonl             answer every row; results go to\n"
    "                                     prompts.results.jsonl. The same command\n"
    "                                     again goes on where it stopped\n"
    "  batchrun plan prompts.jsonl        check every row, send nothing\n"
    "  batchrun prompts.jsonl -m openai/gpt-4o-mini\n"
    "                                     a model for rows that name none\n"
    "  batchrun prompts.jsonl --retry-failed\n"
    "                                     run the rows that failed again\n"
    "  zcat rows.gz | batchrun - > out.jsonl\n";

}  // namespace

std::span<const OptionRow> option_table() {
  return table;
}

std::string render_short_help() {
  return fmt::format(
      "batchrun {}: answers the rows of a JSONL file over all your LLM keys.\n\n"
      "Usage: batchrun [run] INPUT [options]\n"
      "       batchrun plan INPUT\n"
      "       batchrun keys [check]\n\n"
      "Examples:\n{}\n"
      "All options: batchrun --help\n",
      program_version, examples);
}

std::string render_help(std::uint8_t verbs) {
  std::string out = fmt::format(
      "Usage: batchrun [run] INPUT [options]   answer every row of INPUT\n"
      "       batchrun plan INPUT [options]    check every row, send nothing\n"
      "       batchrun keys [options]          list the configured keys, masked\n"
      "       batchrun keys check [options]    try each key once, spending no tokens\n\n"
      "INPUT is a JSONL file, a .gz or .zst of one, or - for stdin.\n\n"
      "Examples:\n{}\n"
      "Keys come from the environment or a config file, never from options:\n"
      "  OPENAI_API_KEYS=sk-one,sk-two batchrun prompts.jsonl\n"
      "  GROQ_API_KEY=... CEREBRAS_API_KEY=... batchrun prompts.jsonl\n",
      examples);
  for (const GroupTitle& title : group_titles) {
    std::string options;
    for (const OptionRow& row : table) {
      if (row.group == title.group && (row.verbs & verbs) != 0) append_option(options, row);
    }
    if (!options.empty()) out += fmt::format("\n{}:\n{}", title.title, options);
  }
  out +=
      "\nDurations: 200ms, 30s, 5m, 24h, 7d. Sizes: 64KiB, 32MiB. Percentages: 5%.\n"
      "\nExit codes: 0 every row answered; 1 internal error; 2 usage, config or input\n"
      "unusable; 3 some rows failed; 4 no usable key left; 5 stopped by a limit of its\n"
      "own, resumable; 6 output not written; 130/143 interrupted, resumable.\n";
  return out;
}

}  // namespace batchrun
