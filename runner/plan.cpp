#include "runner/plan.h"

#include <fmt/core.h>

#include <vector>

#include "io/row_reader.h"
#include "runner/diagnostics.h"
#include "runner/feeder.h"
#include "runner/inert.h"
#include "runner/routing.h"

namespace batchrun {
namespace {

constexpr std::uint64_t refused_lines_shown = 20;

struct LaneCount {
  std::string name;
  std::uint64_t rows = 0;
  double input_tokens = 0;
  double max_output_tokens = 0;
  std::uint64_t without_cap = 0;  // rows that set no max_tokens

  void add(const LaneCount& other) {
    rows += other.rows;
    input_tokens += other.input_tokens;
    max_output_tokens += other.max_output_tokens;
    without_cap += other.without_cap;
  }
};

class Plan {
 public:
  explicit Plan(const Settings& settings) : settings_(settings), routing_(settings) {}

  void add(const Row& row) {
    std::variant<LaneId, NoRoute> lane;
    if (!settings_.keys.empty()) {
      lane = routing_.resolve(row);
      if (const auto* none = std::get_if<NoRoute>(&lane)) return refuse(row.line, 0, none->message);
      for (const LaneSpec& fresh : routing_.take_new().lanes) lanes_.push_back({fresh.name});
    } else if (lanes_.empty()) {
      lanes_.push_back({"(no key configured)"});
    }
    LaneCount& count = lanes_[std::get<LaneId>(lane).value];
    ++count.rows;
    count.input_tokens += estimate_input_tokens(row);
    count.max_output_tokens += static_cast<double>(row.max_output_tokens * row.choices);
    count.without_cap += row.max_output_tokens == 0;
  }

  void refuse(std::uint64_t line, std::uint32_t column, const std::string& message) {
    if (refused_++ >= refused_lines_shown) return;
    const std::string place = column > 0 ? fmt::format("{}:{}:{}", settings_.input, line, column)
                                         : fmt::format("{}:{}", settings_.input, line);
    fmt::print(stderr, "error: {}\n  --> {}\n", inert(message), inert(place));
  }

  void print() const {
    LaneCount all;
    for (const LaneCount& lane : lanes_) all.add(lane);
    if (refused_ > refused_lines_shown) {
      fmt::print(stderr, "error: {} more lines are refused\n", refused_ - refused_lines_shown);
    }
    fmt::print("plan for {} (nothing was sent)\n\n", inert(settings_.input));
    fmt::print("  rows     {} usable, {} refused\n", all.rows, refused_);
    fmt::print("  tokens   about {:.0f} in, at most {:.0f} out{}\n\n", all.input_tokens,
               all.max_output_tokens,
               all.without_cap > 0 ? fmt::format(" ({} rows set no max_tokens)", all.without_cap) : "");
    fmt::print("  {:<44} {:>10} {:>14} {:>14}\n", "lane", "rows", "tokens in", "tokens out");
    for (const LaneCount& lane : lanes_) {
      if (lane.rows == 0) continue;
      fmt::print("  {:<44} {:>10} {:>14.0f} {:>14.0f}\n", inert(lane.name), lane.rows, lane.input_tokens,
                 lane.max_output_tokens);
    }
  }

  bool all_usable() const { return refused_ == 0; }

 private:
  const Settings& settings_;
  Routing routing_;
  std::vector<LaneCount> lanes_;  // by LaneId
  std::uint64_t refused_ = 0;
};

}  // namespace

int print_plan(const Settings& settings) {
  for (const std::string& notice : settings.notices) fmt::print(stderr, "{}", render_note(notice, false));
  RowReader reader(settings.input, RowReaderOptions{settings.max_line});
  Plan plan(settings);
  for (;;) {
    const auto item = reader.next();
    if (std::holds_alternative<RowReader::End>(item)) break;
    if (const auto* row = std::get_if<RowPtr>(&item)) {
      plan.add(**row);
    } else {
      const RowError& refused = std::get<RowError>(item);
      plan.refuse(refused.line, refused.column, refused.message);
    }
  }
  plan.print();
  return plan.all_usable() ? 0 : 3;
}

}  // namespace batchrun
