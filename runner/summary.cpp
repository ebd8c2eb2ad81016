#include "runner/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "io/append_format.h"
#include "runner/inert.h"
#include "runner/progress.h"
#include "runner/quantity.h"
#include "runner/run_rates.h"

namespace batchrun {
namespace {

constexpr std::size_t most_keys_shown = 40;
constexpr std::size_t most_errors_shown = 12;
constexpr std::size_t longest_name = 32;

class Summary {
 public:
  Summary(const Settings& settings, const RunFigures& figures, RunEnd end, bool color)
      : settings_(settings), figures_(figures), end_(end), color_(color) {}

  std::string text() {
    rows();
    tokens();
    cost();
    keys();
    merges();
    quotas();
    optimum();
    latencies();
    files();
    errors();
    resume();
    return std::move(out_);
  }

 private:
  template <class... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    append_format(out_, format, std::forward<Values>(values)...);
  }
  std::string paint(const std::string& text, std::string_view code) const {
    return color_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }

  void rows();
  void tokens();
  void cost();
  void keys();
  void merges();
  void quotas();
  void optimum();
  void latencies();
  void bars();
  void files();
  void errors();
  void resume();

  const Settings& settings_;
  const RunFigures& figures_;
  RunEnd end_;
  bool color_;
  std::string out_;
};

std::string_view headline(RunEnd end) {
  switch (end) {
    case RunEnd::complete:
      return "done";
    case RunEnd::interrupted:
      return "interrupted";
    case RunEnd::stopped:
      return "stopped by a limit of the run";
    case RunEnd::no_usable_key:
      return "stopped: no usable key is left";
    case RunEnd::output_failed:
      return "stopped: the output could not be written";
    case RunEnd::input_failed:
      return "stopped: the input could not be read to its end";
  }
  return "";
}

std::string shortened(const std::string& name) {
  return name.size() <= longest_name ? name : name.substr(0, longest_name - 3) + "...";
}

void Summary::rows() {
  const RunRates now = rates(figures_);
  add("\n{}: ", paint(std::string(headline(end_)), end_ == RunEnd::complete ? "1;32" : "1;33"));
  add("{} ok, {}", format_count(figures_.rows_ok),
      figures_.rows_failed > 0 ? paint(format_count(figures_.rows_failed) + " failed", "31") : "0 failed");
  if (figures_.rows_skipped > 0) add(", {} already done before", format_count(figures_.rows_skipped));
  if (now.total && now.done < *now.total) {
    const std::uint64_t left = *now.total - now.done;
    if (now.total_is_exact) {
      add(", {} not done", format_count(left));
    } else {
      add(", about {} not done", format_short(static_cast<double>(left)));
    }
  }
  add("; {} ({} rows/s)\n", format_duration(figures_.elapsed), format_short(now.rows_per_second));
}

void Summary::tokens() {
  const double limited = figures_.attempts > 0 ? 100.0 * static_cast<double>(figures_.rate_limited) /
                                                     static_cast<double>(figures_.attempts)
                                               : 0;
  add("tokens: {} in, {} out ({} tok/min); requests: {}, {} answered 429 ({:.2f} %), {} retries\n",
      format_count(figures_.input_tokens), format_count(figures_.output_tokens),
      format_short(rates(figures_).tokens_per_minute), format_count(figures_.attempts),
      format_count(figures_.rate_limited), limited, format_count(figures_.pool.retries));
}

// Of a few rows some thousandths of a cent.
std::string money(Picodollars amount) {
  constexpr Picodollars cent = 10'000'000'000;
  return fmt::format("${:.{}f}", dollars(amount), amount == 0 || amount >= cent ? 4 : 6);
}

void Summary::cost() {
  const CostFigures& cost = figures_.cost;
  if (cost.total > 0 || cost.unpriced_rows != figures_.rows_ok) {  // else nothing is known of it
    add("cost: {}", money(cost.total));
    if (cost.unpriced_rows > 0)
      add(", and {} of models without a known price", format_rows(cost.unpriced_rows));
    out_ += '\n';
  }
  if (cost.perhaps == 0) return;
  add("perhaps billed besides: up to {}, for {} that failed after {} sent\n", money(cost.perhaps),
      cost.perhaps_billed == 1 ? "a request" : format_count(cost.perhaps_billed) + " requests",
      cost.perhaps_billed == 1 ? "it was" : "they were");
}

void Summary::keys() {
  const std::vector<KeyFigures>& keys = figures_.pool.keys;
  if (keys.empty()) return;
  std::size_t width = 3;
  for (const KeyFigures& key : keys) width = std::max(width, std::min(key.alias.size(), longest_name));
  add("\n{:<{}}  {:<12} {:>5} {:>9} {:>9} {:>6} {:>7} {:>9} {:>7}\n", "key", width, "state", "score",
      "requests", "ok", "429", "faults", "tokens in", "out");
  for (std::size_t i = 0; i < std::min(keys.size(), most_keys_shown); ++i) {
    const KeyFigures& key = keys[i];
    add("{:<{}}  {:<12} {:>5.0f} {:>9} {:>9} {:>6} {:>7} {:>9} {:>7}", shortened(key.alias), width,
        name(key.state), key.score, format_count(key.sends), format_count(key.successes),
        format_count(key.rate_limited), format_count(key.faults),
        format_short(static_cast<double>(key.input_tokens)),
        format_short(static_cast<double>(key.output_tokens)));
    add("\n{}", key.out_because.empty() ? "" : "    out: " + inert(key.out_because, 90) + "\n");
  }
  if (keys.size() > most_keys_shown)
    add("... and {} more keys: see the report\n", keys.size() - most_keys_shown);
}

void Summary::merges() {
  if (!figures_.pool.merges.empty()) out_ += '\n';
  for (const GroupMerge& merge : figures_.pool.merges) add("{}\n", describe(merge));
}

void Summary::quotas() {
  bool titled = false;
  std::size_t shown = 0;
  for (const GroupFigures& group : figures_.pool.groups) {
    for (std::size_t d = 0; d < dimensions; ++d) {
      const auto dimension = static_cast<Dimension>(d);
      const std::optional<QuotaUse> use = quota_use(group, dimension, figures_.elapsed);
      if (!use || shown++ >= most_keys_shown) continue;
      if (!titled)
        add("\n{:<{}}  {:<26} {:>9} {:>9} {:>7}\n", "quota group", longest_name, "", "used", "granted",
            "share");
      titled = true;
      add("{:<{}}  {:<26} {:>9} {:>9} {:>5.1f} %\n", shortened(group.name), longest_name, name(dimension),
          format_short(use->used), format_short(use->granted), use->share() * 100);
    }
  }
}

// "; lost: 1.2 % packing, 0.8 % tail", the greatest first, as many as fit the line.
std::string losses_text(const Losses& lost) {
  constexpr std::size_t most_shown = 3;
  constexpr double worth_showing = 0.0005;
  std::vector<std::size_t> causes(loss_causes);
  std::iota(causes.begin(), causes.end(), std::size_t{0});
  std::stable_sort(causes.begin(), causes.end(),
                   [&](std::size_t a, std::size_t b) { return lost[a] > lost[b]; });
  std::string text;
  for (std::size_t i = 0; i < most_shown && lost[causes[i]] >= worth_showing; ++i) {
    text += fmt::format("{}{:.1f} % {}", i == 0 ? "; lost: " : ", ", lost[causes[i]] * 100,
                        name(static_cast<LossCause>(causes[i])));
  }
  return text;
}

void Summary::optimum() {
  const std::optional<QuotaFigures>& quota = figures_.pool.quota;
  if (!quota) return;
  add("\nquota used {:.1f} % of the best possible{}\n", quota->efficiency() * 100, losses_text(quota->lost));
  add("bottleneck   {} {}", shortened(quota->group),
      quota->dimension ? name(*quota->dimension) : "open requests");
  if (quota->share) add(", {:.1f} % used", *quota->share * 100);
  add("; these rows take {} at best\n", format_duration(quota->least));
}

void Summary::latencies() {
  const auto line = [&](std::string_view title, const Histogram& values) {
    if (values.count() == 0) return;
    add("{:<12} p50 {}   p90 {}   p99 {}   max {}\n", title, format_duration(values.percentile(50)),
        format_duration(values.percentile(90)), format_duration(values.percentile(99)),
        format_duration(values.max()));
  };
  if (figures_.latency.count() == 0) return;
  out_ += '\n';
  line("latency", figures_.latency);
  line("first chunk", figures_.first_chunk);
  bars();
}

// The share of values up to `limit`, found through the percentiles.
double share_up_to(const Histogram& values, Duration limit) {
  double low = 0, high = 100;
  if (values.percentile(0) > limit) return 0;
  for (int step = 0; step < 24; ++step) {
    const double middle = (low + high) / 2;
    (values.percentile(middle) <= limit ? low : high) = middle;
  }
  return high / 100;
}

// Answers by latency in equal steps up to the 99th percentile; the last line has the rest.
void Summary::bars() {
  constexpr int steps = 8;
  constexpr double widest = 40;
  const Histogram& values = figures_.latency;
  const Duration top = values.percentile(99);
  if (values.count() < 20 || top <= Duration::zero()) return;
  std::array<double, steps + 1> shares{};
  double before = 0, most = 0;
  for (int i = 0; i <= steps; ++i) {
    const double up_to = i == steps ? 1 : share_up_to(values, top * (i + 1) / steps);
    shares[static_cast<std::size_t>(i)] = std::max(0.0, up_to - before);
    before = std::max(before, up_to);
    most = std::max(most, shares[static_cast<std::size_t>(i)]);
  }
  for (int i = 0; i <= steps; ++i) {
    const double share = shares[static_cast<std::size_t>(i)];
    const std::string edge = i == steps ? "more" : "<= " + format_duration(top * (i + 1) / steps);
    const auto rows = static_cast<std::uint64_t>(share * static_cast<double>(values.count()) + 0.5);
    const std::string bar(static_cast<std::size_t>(share / most * widest + 0.5), '#');
    add("  {:>10} {:>10}{}{}\n", edge, format_count(rows), bar.empty() ? "" : "  ", paint(bar, "32"));
  }
}

void Summary::files() {
  if (settings_.output != "-") add("\nresults: {}\n", inert(settings_.output));
  if (settings_.output == "-") add("\nresults: standard output\n");
  if (figures_.rows_failed > 0) add("errors:  {}\n", inert(settings_.errors));
  if (!settings_.report.empty()) add("report:  {}\n", inert(settings_.report));
}

void Summary::errors() {
  if (figures_.errors.empty()) return;
  std::vector<std::pair<std::string, const ErrorGroup*>> groups;
  for (const auto& [code, group] : figures_.errors) groups.emplace_back(code, &group);
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.second->rows > b.second->rows; });
  out_ += '\n';
  for (std::size_t i = 0; i < std::min(groups.size(), most_errors_shown); ++i) {
    const auto& [code, group] = groups[i];
    add("{} {}\n", paint(fmt::format("{} x", format_count(group->rows)), "31"), code);
    add("    for example {}: {}\n", inert(group->sample_id, 64), inert(group->sample_message, 200));
  }
  if (groups.size() > most_errors_shown) add("... and {} more kinds\n", groups.size() - most_errors_shown);
  if (end_ == RunEnd::complete && settings_.input != "-")
    add("run them again: the same command with --retry-failed\n");
}

void Summary::resume() {
  if (resumable(settings_, end_)) add("\n{} {}\n", paint("resume:", "1;36"), inert(settings_.resume_command));
}

}  // namespace

bool resumable(const Settings& settings, RunEnd end) {
  return end != RunEnd::complete && settings.input != "-" && settings.output != "-";
}

namespace {

std::string reason_of(const GroupMerge& merge) {
  switch (merge.reason) {
    case GroupMerge::Reason::organisation:
      return "their replies name the same organisation";
    case GroupMerge::Reason::remaining:
      return "what remains of their limits falls together";
    case GroupMerge::Reason::earlier_run:
      return "an earlier run found that on " +
             utc_stamp(merge.found_on.time_since_epoch().count()).substr(0, 10);
  }
  return "";
}

}  // namespace

std::string describe(const GroupMerge& merge) {
  constexpr std::size_t most_named = 3;
  const auto named = [&](const std::vector<std::string>& aliases) {
    std::string text;
    for (std::size_t i = 0; i < std::min(aliases.size(), most_named); ++i) {
      text += (i > 0 ? ", " : "") + inert(shortened(aliases[i]));
    }
    if (aliases.size() > most_named) text += fmt::format(" ({} more)", aliases.size() - most_named);
    return text;
  };
  return fmt::format("{} and {} share one quota: {}", named(merge.keys), named(merge.joined),
                     reason_of(merge));
}

std::string render_summary(const Settings& settings, const RunFigures& figures, RunEnd end, bool color) {
  return Summary(settings, figures, end, color).text();
}

}  // namespace batchrun
