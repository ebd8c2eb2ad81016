#include "runner/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <utility>

#include "io/json_text.h"
#include "io/output_file.h"
#include "runner/answer_sources.h"
#include "runner/inert.h"
#include "runner/progress.h"
#include "runner/run_rates.h"
#include "runner/summary.h"
#include "runner/version.h"

namespace batchrun {
namespace {

namespace json = boost::json;

// Boost.JSON writes 1.5E0 and no line breaks; people read reports too.
void append_pretty(std::string& out, const json::value& value, int depth) {
  const auto new_line = [&](int level) {
    out += '\n';
    out.append(static_cast<std::size_t>(level) * 2, ' ');
  };
  if (const json::object* object = value.if_object()) {
    out += '{';
    bool first = true;
    for (const auto& member : *object) {
      if (!std::exchange(first, false)) out += ',';
      new_line(depth + 1);
      append_json_string(out, std::string_view(member.key().data(), member.key().size()));
      out += ": ";
      append_pretty(out, member.value(), depth + 1);
    }
    if (!object->empty()) new_line(depth);
    out += '}';
  } else if (const json::array* array = value.if_array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ',';
      new_line(depth + 1);
      append_pretty(out, (*array)[i], depth + 1);
    }
    if (!array->empty()) new_line(depth);
    out += ']';
  } else if (const json::string* text = value.if_string()) {
    append_json_string(out, std::string_view(text->data(), text->size()));
  } else if (const double* number = value.if_double()) {
    append_json_number(out, *number);
  } else {
    out += json::serialize(value);
  }
}

// To a thousandth: more digits than that are noise in a report.
double rounded(double value) {
  return std::round(value * 1000) / 1000;
}
double milliseconds(Duration duration) {
  return rounded(seconds(duration) * 1000);
}

json::value latencies(const Histogram& values) {
  return {{"count", values.count()},
          {"mean", milliseconds(values.mean())},
          {"p50", milliseconds(values.percentile(50))},
          {"p90", milliseconds(values.percentile(90))},
          {"p99", milliseconds(values.percentile(99))},
          {"max", milliseconds(values.max())}};
}

json::value keys_of(const PoolFigures& pool) {
  json::array out;
  for (const KeyFigures& key : pool.keys) {
    json::object entry{{"key", key.alias},
                       {"state", json::string(name(key.state))},
                       {"score", std::lround(key.score)},
                       {"requests", key.sends},
                       {"ok", key.successes},
                       {"rate_limited", key.rate_limited},
                       {"faults", key.faults},
                       {"input_tokens", key.input_tokens},
                       {"output_tokens", key.output_tokens}};
    if (!key.out_because.empty()) entry["out_because"] = key.out_because;
    out.push_back(std::move(entry));
  }
  return out;
}

// "requests per minute" -> "requests_per_minute".
template <class Named>
std::string field_name(Named named) {
  std::string out(name(named));
  std::replace(out.begin(), out.end(), ' ', '_');
  return out;
}

json::value groups_of(const RunFigures& figures) {
  json::array out;
  for (const GroupFigures& group : figures.pool.groups) {
    json::object quotas;
    for (std::size_t d = 0; d < dimensions; ++d) {
      const auto dimension = static_cast<Dimension>(d);
      if (!group.limits[d]) continue;
      json::object quota{{"granted", rounded(*group.limits[d])},
                         {"admitted_in_run", rounded(group.total[d])}};
      if (const std::optional<QuotaUse> use = quota_use(group, dimension, figures.elapsed)) {
        quota["used"] = rounded(use->used);
        quota["share"] = rounded(use->share());
      }
      quotas[field_name(dimension)] = std::move(quota);
    }
    out.push_back(json::object{{"group", group.name}, {"quotas", std::move(quotas)}});
  }
  return out;
}

json::value merges_of(const PoolFigures& pool) {
  json::array out;
  for (const GroupMerge& merge : pool.merges) {
    const auto aliases = [](const std::vector<std::string>& keys) {
      return json::array(keys.begin(), keys.end());
    };
    out.push_back(json::object{{"keys", aliases(merge.keys)},
                               {"joined", aliases(merge.joined)},
                               {"reason", json::string(name(merge.reason))},
                               {"found_at", utc_stamp(merge.found_on.time_since_epoch().count())}});
  }
  return out;
}

json::object lost_of(const Losses& lost) {
  json::object out;
  for (std::size_t cause = 0; cause < loss_causes; ++cause) {
    out[field_name(static_cast<LossCause>(cause))] = rounded(lost[cause]);
  }
  return out;
}

json::object optimum_of(const QuotaFigures& quota) {
  json::object out{{"efficiency", rounded(quota.efficiency())},
                   {"least_s", rounded(seconds(quota.least))},
                   {"took_s", rounded(seconds(quota.took))},
                   {"bottleneck_group", quota.group},
                   {"bottleneck_limit", quota.dimension ? field_name(*quota.dimension) : "open_requests"},
                   {"lost", lost_of(quota.lost)}};
  if (quota.share) out["bottleneck_share"] = rounded(*quota.share);
  return out;
}

json::value errors_of(const RunFigures& figures) {
  json::array out;
  for (const auto& [code, group] : figures.errors) {
    out.push_back(json::object{{"code", code},
                               {"rows", group.rows},
                               {"sample_custom_id", group.sample_id},
                               {"sample_message", group.sample_message}});
  }
  return out;
}

// In dollars.
json::object sums(const std::map<std::string, Picodollars>& amounts) {
  json::object out;
  for (const auto& [name, amount] : amounts) {
    if (amount > 0) out[name] = dollars(amount);
  }
  return out;
}

json::object cost_of_run(const CostFigures& cost) {
  std::map<std::string, Picodollars> by_provider;
  for (const auto& [name, amount] : cost.by_model) by_provider[name.substr(0, name.find('/'))] += amount;
  return {{"total_usd", dollars(cost.total)},
          {"rows_without_price", cost.unpriced_rows},
          {"perhaps_billed_requests", cost.perhaps_billed},
          {"perhaps_billed_usd", dollars(cost.perhaps)},
          {"by_provider_usd", sums(by_provider)},
          {"by_model_usd", sums(cost.by_model)},
          {"by_key_usd", sums(cost.by_key)},
          {"by_user_usd", sums(cost.by_user)}};
}

json::object answer_sources_of(const Settings& settings) {
  json::object out;
  for (const auto& [name, value] : answer_sources(settings)) out[name] = value;
  return out;
}

json::object rows_of(const RunFigures& figures) {
  return {{"read", figures.rows_read},
          {"all_read", figures.input_ended},
          {"skipped", figures.rows_skipped},
          {"ok", figures.rows_ok},
          {"failed", figures.rows_failed}};
}

}  // namespace

std::string_view end_name(RunEnd end) {
  switch (end) {
    case RunEnd::complete:
      return "complete";
    case RunEnd::interrupted:
      return "interrupted";
    case RunEnd::stopped:
      return "stopped";
    case RunEnd::no_usable_key:
      return "no_usable_key";
    case RunEnd::output_failed:
      return "output_failed";
    case RunEnd::input_failed:
      return "input_failed";
  }
  return "";
}

std::string render_report(const Settings& settings, const RunFigures& figures, RunEnd end,
                          std::time_t started, std::time_t finished) {
  const RunRates now = rates(figures);
  json::object report{{"schema_version", report_schema_version},
                      {"program", {{"name", "batchrun"}, {"version", json::string(program_version)}}},
                      {"end", json::string(end_name(end))},
                      {"started_at", utc_stamp(started)},
                      {"finished_at", utc_stamp(finished)},
                      {"elapsed_s", rounded(seconds(figures.elapsed))},
                      {"files",
                       {{"input", settings.input},
                        {"results", settings.output},
                        {"results_bytes", figures.results_bytes},
                        {"errors", settings.errors},
                        {"errors_bytes", figures.errors_bytes}}},
                      {"answer_sources", answer_sources_of(settings)},
                      {"rows", rows_of(figures)},
                      {"rows_per_second", rounded(now.rows_per_second)},
                      {"requests",
                       {{"sent", figures.attempts},
                        {"rate_limited", figures.rate_limited},
                        {"retries", figures.pool.retries}}},
                      {"tokens",
                       {{"input", figures.input_tokens},
                        {"output", figures.output_tokens},
                        {"per_minute", rounded(now.tokens_per_minute)}}},
                      {"cost", cost_of_run(figures.cost)},
                      {"latency_ms", latencies(figures.latency)},
                      {"first_chunk_ms", latencies(figures.first_chunk)},
                      {"keys", keys_of(figures.pool)},
                      {"groups", groups_of(figures)},
                      {"merges", merges_of(figures.pool)},
                      {"errors", errors_of(figures)}};
  if (figures.pool.quota) report["optimum"] = optimum_of(*figures.pool.quota);
  if (resumable(settings, end)) report["resume_command"] = settings.resume_command;
  std::string out;
  append_pretty(out, report, 0);
  return out + "\n";
}

void write_whole_file(const std::string& path, const std::string& text) {
  Files& files = system_files();
  FileStatus there;
  const bool replaceable = path != "-" && (files.status(path, there) != 0 || there.regular);
  if (!replaceable) return OutputFile::open(files, path).append(text);
  ReplacementFile file(files, path);
  file.append(text);
  file.keep();
}

}  // namespace batchrun
