// What the simulation says of a run that bench/run_saturation makes on sockets: the same config, rows and
// kind of limiter, in virtual time. Prints the share of the binding quota that was used and the share of
// 429s.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "io/input_error.h"
#include "io/row_reader.h"
#include "runner/assemble_pool.h"
#include "runner/config.h"
#include "runner/feeder.h"
#include "tests/sim/sim_pool.h"

namespace {

using namespace batchrun;
using sim::LimiterKind;

constexpr std::uint64_t seeds = 8;  // one run of two minutes is a matter of chance

constexpr std::array<std::pair<std::string_view, LimiterKind>, 8> kinds{
    {{"fixed_window", LimiterKind::fixed_window},
     {"from_first", LimiterKind::from_first},
     {"sliding_log", LimiterKind::sliding_log},
     {"sliding_counter", LimiterKind::sliding_counter},
     {"token_bucket", LimiterKind::token_bucket},
     {"second_bucket", LimiterKind::second_bucket},
     {"ten_seconds", LimiterKind::ten_seconds},
     {"one_second", LimiterKind::one_second}}};

LimiterKind kind_named(std::string_view name) {
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& k) { return k.first == name; });
  if (found == kinds.end()) throw std::runtime_error(fmt::format("no limiter is called {}", name));
  return found->second;
}

double number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value > 0)) {
    throw std::runtime_error(fmt::format("{} is no number of seconds", text));
  }
  return value;
}

// What the pool is told is the runner's estimate, what the server counts is mockprovider's rule.
sim::RowPlan planned(const Row& row) {
  sim::RowPlan plan;
  plan.estimated_input = estimate_input_tokens(row);
  plan.actual_input = std::ceil(row.content_bytes / 4.0) + 3 * row.message_count;
  plan.max_output = static_cast<double>(row.max_output_tokens);
  plan.output = std::floor(plan.max_output / 2);
  return plan;
}

std::vector<sim::RowPlan> read_rows(const std::string& path) {
  RowReader reader(path, {});
  std::vector<sim::RowPlan> rows;
  for (;;) {
    const auto item = reader.next();
    if (std::holds_alternative<RowReader::End>(item)) return rows;
    if (const auto* refused = std::get_if<RowError>(&item)) throw std::runtime_error(refused->message);
    rows.push_back(planned(*std::get<RowPtr>(item)));
  }
}

// Every key may answer every row.
sim::Plan make_plan(const std::string& config, const std::string& rows, LimiterKind limiter, double seconds) {
  Settings settings;
  assemble_pool(read_config(config, {}), settings);
  sim::Plan plan;
  plan.pool = settings.pool;
  plan.rows = read_rows(rows);
  plan.stop_after_s = seconds;
  double largest = 1;
  for (const sim::RowPlan& row : plan.rows) largest = std::max(largest, row.actual_input + row.max_output);
  plan.organisations.assign(plan.pool.groups.size(),
                            {.limiter = limiter, .largest = {1, largest, largest, largest}});
  LaneSpec lane{.name = "lane", .candidates = {}};
  for (std::uint32_t key = 0; key < plan.pool.keys.size(); ++key) lane.candidates.push_back({.key = {key}});
  plan.lanes.push_back(lane);
  plan.dead_keys.resize(plan.pool.keys.size());
  return plan;
}

// Units admitted over units that the limits give in that time, of the dimension that binds.
double share_used(const sim::Plan& plan, const sim::Verdict& verdict) {
  const auto share = [&](Dimension dimension, const std::vector<double>& admitted) {
    double limits = 0, units = 0;
    for (std::size_t g = 0; g < admitted.size(); ++g) {
      limits += plan.pool.groups[g].limits[static_cast<std::size_t>(dimension)].value_or(0);
      units += admitted[g];
    }
    return limits > 0 ? units / (limits * plan.stop_after_s / 60) : 0;
  };
  return std::max(share(Dimension::requests_per_minute, verdict.requests),
                  share(Dimension::tokens_per_minute, verdict.used));
}

void simulate(sim::Plan plan) {
  double used = 0;
  std::uint64_t sends = 0, too_many = 0;
  for (plan.seed = 1; plan.seed <= seeds; ++plan.seed) {
    const sim::Verdict verdict = sim::SimPool(plan).run();
    for (const std::string& what : verdict.violations) throw std::runtime_error(what);
    used += share_used(plan, verdict) / seeds;
    sends += verdict.sends;
    too_many += verdict.too_many;
  }
  fmt::print("{{\"used\":{:.6f},\"refused\":{:.6f},\"requests\":{}}}\n", used,
             static_cast<double>(too_many) / static_cast<double>(std::max<std::uint64_t>(1, sends)), sends);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: sim_saturation CONFIG ROWS LIMITER SECONDS\n");
    return 2;
  }
  try {
    simulate(make_plan(argv[1], argv[2], kind_named(argv[3]), number(argv[4])));
    return 0;
  } catch (const InputError& error) {
    fmt::print(stderr, "error: {}\n", error.message);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
  }
  return 2;
}
