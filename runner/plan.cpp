#include "runner/plan.h"

#include <fmt/core.h>

#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/row_ids.h"
#include "runner/diagnostics.h"
#include "runner/inert.h"
#include "runner/input_scan.h"
#include "runner/quantity.h"

namespace batchrun {
namespace {

constexpr std::uint64_t refused_lines_shown = 20;
constexpr std::size_t ids_ahead = 8;

// USD: sums of a plan may be more than Picodollars hold.
struct CostCount {
  double input = 0;  // about
  double most = 0;

  void add(const CostCount& other) {
    input += other.input;
    most += other.most;
  }
};

struct LaneCount {
  std::uint64_t rows = 0;
  double input_tokens = 0;
  double output_tokens = 0;
  std::uint64_t without_cap = 0;  // rows that set no max_tokens
  std::uint64_t unpriced = 0;     // rows that a model without a price may answer; not in `cost`
  CostCount cost;                 // each row's with the dearest model that may answer it

  void add(const LaneCount& other) {
    rows += other.rows;
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    without_cap += other.without_cap;
    unpriced += other.unpriced;
    cost.add(other.cost);
  }
};

CostCount cost_with(const Price& price, const RowFigures& row) {
  Usage input;
  input.input_tokens = static_cast<std::uint64_t>(row.input_tokens);
  return {dollars(cost_of(price, input)), dollars(most_cost_of(price, row.bound.input, row.bound.output))};
}

class Plan {
 public:
  // Both outlive this.
  Plan(const Settings& settings, const InputScan& scan) : settings_(settings), scan_(scan) {}

  void add(ScannedBlock block) {
    auto refused = block.refused.begin();
    for (std::size_t i = 0; i < block.rows.size(); ++i) {
      if (i + ids_ahead < block.rows.size()) ids_.prefetch(block.rows[i + ids_ahead].id);
      for (; refused != block.refused.end() && refused->line < block.rows[i].line; ++refused) add(*refused);
      add(block.rows[i]);
    }
    for (; refused != block.refused.end(); ++refused) add(*refused);
  }

  void print() const {
    LaneCount all;
    for (const Lane& lane : lanes_) all.add(lane.count);
    if (refused_ > refused_lines_shown) {
      fmt::print(stderr, "error: {} more lines are refused\n", refused_ - refused_lines_shown);
    }
    fmt::print("plan for {} (nothing was sent)\n\n", inert(settings_.input));
    fmt::print("  rows     {} usable, {} refused\n", all.rows, refused_);
    fmt::print("  tokens   about {:.0f} in, at most {:.0f} out{}\n", all.input_tokens, all.output_tokens,
               all.without_cap > 0 ? fmt::format(" ({} without max_tokens: {} for each answer)",
                                                 format_rows(all.without_cap), output_if_unlimited)
                                   : "");
    print_cost(all);
    print_lanes();
    print_models();
  }

  bool all_usable() const { return refused_ == 0; }

 private:
  struct Lane {
    LaneCount count;
    std::vector<CostCount> by_model;  // as if it answered every row; in the scan's order
  };

  void add(RowFigures& row) {
    RowIdentity identity;
    if (!row.made_id.empty()) {
      ids_.make(row.made_id, identity);
    } else if (const auto duplicate = ids_.give(row.id, row.line)) {
      return refuse(row.line, 0, duplicate->why);
    }
    if (lanes_.size() <= row.lane) lanes_.resize(row.lane + 1);
    add_cost(lanes_[row.lane], scan_.lanes()[row.lane], row);
  }

  static void add_cost(Lane& lane, const ScannedLane& scanned, const RowFigures& row) {
    LaneCount count{1, row.input_tokens, static_cast<double>(row.bound.output), row.without_cap, 0, {}};
    bool priced = !scanned.models.empty();
    lane.by_model.resize(scanned.models.size());
    for (std::size_t i = 0; i < scanned.models.size(); ++i) {
      const Price* price = scanned.models[i].price;
      priced = priced && price != nullptr;
      if (price == nullptr) continue;
      const CostCount cost = cost_with(*price, row);
      lane.by_model[i].add(cost);
      if (cost.most >= count.cost.most) count.cost = cost;
    }
    if (!priced) {
      count.unpriced = 1;
      count.cost = {};
    }
    lane.count.add(count);
  }

  void print_cost(const LaneCount& all) const {
    if (all.rows > all.unpriced) {
      fmt::print("  cost     at most ${:.6f}, the input alone about ${:.6f}\n", all.cost.most,
                 all.cost.input);
    }
    if (all.unpriced > 0)
      fmt::print("  {:<8} {} may go to a model whose price is not known{}\n",
                 all.rows > all.unpriced ? "" : "cost", format_rows(all.unpriced),
                 all.rows > all.unpriced ? "; not in these sums" : "");
  }

  void print_lanes() const {
    fmt::print("\n  {:<44} {:>10} {:>14} {:>14} {:>14}\n", "lane", "rows", "tokens in", "tokens out",
               "at most USD");
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const LaneCount& lane = lanes_[i].count;
      if (lane.rows == 0) continue;
      fmt::print("  {:<44} {:>10} {:>14.0f} {:>14.0f} {:>14}\n", inert(scan_.lanes()[i].name), lane.rows,
                 lane.input_tokens, lane.output_tokens,
                 lane.unpriced > 0 ? "not known" : fmt::format("{:.6f}", lane.cost.most));
    }
  }

  void print_models() const {
    struct Sum {
      std::uint64_t rows = 0;
      bool priced = true;
      CostCount cost;
    };
    std::map<std::string, Sum> models;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const std::vector<ScannedLane::Model>& of_lane = scan_.lanes()[i].models;
      for (std::size_t m = 0; m < lanes_[i].by_model.size(); ++m) {
        Sum& sum = models[of_lane[m].name];
        sum.rows += lanes_[i].count.rows;
        sum.priced = of_lane[m].price != nullptr;
        sum.cost.add(lanes_[i].by_model[m]);
      }
    }
    if (models.empty()) return;
    fmt::print("\n  {:<44} {:>10} {:>14} {:>14} {:>14}\n", "model, if it answers all it may", "rows", "",
               "input USD", "at most USD");
    for (const auto& [name, sum] : models) {
      fmt::print("  {:<44} {:>10} {:>14} {:>14} {:>14}\n", inert(name), sum.rows, "",
                 sum.priced ? fmt::format("{:.6f}", sum.cost.input) : "",
                 sum.priced ? fmt::format("{:.6f}", sum.cost.most) : "not known");
    }
  }

  void add(RowError& line) {
    if (!line.id_given) {
      ids_.make(line.custom_id, line.identity);
    } else if (const auto duplicate = ids_.give(hash_id(line.custom_id), line.line)) {
      return refuse(line.line, 0, duplicate->why);
    }
    refuse(line.line, line.column, line.message);
  }

  void refuse(std::uint64_t line, std::uint32_t column, const std::string& message) {
    if (refused_++ >= refused_lines_shown) return;
    const std::string place = column > 0 ? fmt::format("{}:{}:{}", settings_.input, line, column)
                                         : fmt::format("{}:{}", settings_.input, line);
    fmt::print(stderr, "error: {}\n  --> {}\n", inert(message), inert(place));
  }

  const Settings& settings_;
  const InputScan& scan_;
  RowIds ids_;
  std::vector<Lane> lanes_;  // by lane of the scan
  std::uint64_t refused_ = 0;
};

}  // namespace

int print_plan(const Settings& settings) {
  for (const std::string& notice : settings.notices) fmt::print(stderr, "{}", render_note(notice, false));
  InputScan scan(settings, std::thread::hardware_concurrency());
  Plan plan(settings, scan);
  while (auto block = scan.next()) plan.add(std::move(*block));
  plan.print();
  return plan.all_usable() ? 0 : 3;
}

}  // namespace batchrun
