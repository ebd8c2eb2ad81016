#include "runner/plan.h"

#include <fmt/core.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/row_ids.h"
#include "runner/diagnostics.h"
#include "runner/inert.h"
#include "runner/input_scan.h"

namespace batchrun {
namespace {

constexpr std::uint64_t refused_lines_shown = 20;
constexpr std::size_t ids_ahead = 8;

struct LaneCount {
  std::uint64_t rows = 0;
  double input_tokens = 0;
  double output_tokens = 0;
  std::uint64_t without_cap = 0;  // rows that set no max_tokens

  void add(const LaneCount& other) {
    rows += other.rows;
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    without_cap += other.without_cap;
  }
};

class Plan {
 public:
  explicit Plan(const Settings& settings) : settings_(settings) {}

  void add(ScannedBlock block) {
    auto refused = block.refused.begin();
    for (std::size_t i = 0; i < block.rows.size(); ++i) {
      if (i + ids_ahead < block.rows.size()) ids_.prefetch(block.rows[i + ids_ahead].id);
      for (; refused != block.refused.end() && refused->line < block.rows[i].line; ++refused) add(*refused);
      add(block.rows[i]);
    }
    for (; refused != block.refused.end(); ++refused) add(*refused);
  }

  void print(const std::vector<std::string>& names) const {
    LaneCount all;
    for (const LaneCount& lane : lanes_) all.add(lane);
    if (refused_ > refused_lines_shown) {
      fmt::print(stderr, "error: {} more lines are refused\n", refused_ - refused_lines_shown);
    }
    fmt::print("plan for {} (nothing was sent)\n\n", inert(settings_.input));
    fmt::print("  rows     {} usable, {} refused\n", all.rows, refused_);
    fmt::print("  tokens   about {:.0f} in, at most {:.0f} out{}\n\n", all.input_tokens, all.output_tokens,
               all.without_cap > 0 ? fmt::format(" ({} rows set no max_tokens)", all.without_cap) : "");
    fmt::print("  {:<44} {:>10} {:>14} {:>14}\n", "lane", "rows", "tokens in", "tokens out");
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const LaneCount& lane = lanes_[i];
      if (lane.rows == 0) continue;
      fmt::print("  {:<44} {:>10} {:>14.0f} {:>14.0f}\n", inert(names[i]), lane.rows, lane.input_tokens,
                 lane.output_tokens);
    }
  }

  bool all_usable() const { return refused_ == 0; }

 private:
  void add(RowFigures& row) {
    RowIdentity identity;
    if (!row.made_id.empty()) {
      ids_.make(row.made_id, identity);
    } else if (const auto duplicate = ids_.give(row.id, row.line)) {
      return refuse(row.line, 0, *duplicate);
    }
    if (lanes_.size() <= row.lane) lanes_.resize(row.lane + 1);
    lanes_[row.lane].add(
        {1, row.input_tokens, static_cast<double>(row.output_tokens), row.output_tokens == 0});
  }

  void add(RowError& line) {
    if (!line.id_given) {
      ids_.make(line.custom_id, line.identity);
    } else if (const auto duplicate = ids_.give(hash_id(line.custom_id), line.line)) {
      return refuse(line.line, 0, *duplicate);
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
  RowIds ids_;
  std::vector<LaneCount> lanes_;  // by lane of the scan
  std::uint64_t refused_ = 0;
};

}  // namespace

int print_plan(const Settings& settings) {
  for (const std::string& notice : settings.notices) fmt::print(stderr, "{}", render_note(notice, false));
  InputScan scan(settings, std::thread::hardware_concurrency());
  Plan plan(settings);
  while (auto block = scan.next()) plan.add(std::move(*block));
  plan.print(scan.lanes());
  return plan.all_usable() ? 0 : 3;
}

}  // namespace batchrun
