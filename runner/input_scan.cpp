#include "runner/input_scan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "io/row_reader.h"
#include "runner/feeder.h"
#include "runner/routing.h"

namespace batchrun {
struct InputScan::Parsed {
  ScannedBlock block;                  // lanes by the parser's own numbers
  std::vector<ScannedLane> new_lanes;  // of the numbers that are new in this block
};

// Parses the blocks of one seat, with a routing of its own.
class InputScan::Parser {
 public:
  explicit Parser(const Settings& settings) : settings_(settings), routing_(settings) {}

  Parsed parse(const LineBlock& block) {
    Parsed parsed;
    parsed.block.rows.reserve(block.lines.size());
    for (const Line& line : block.lines) {
      auto result = read_line(line, settings_.max_line);
      if (!result) continue;
      if (auto* row = std::get_if<RowPtr>(&*result)) {
        add(parsed, std::move(**row));
      } else {
        parsed.block.refused.push_back(std::get<RowError>(std::move(*result)));
      }
    }
    return parsed;
  }

 private:
  void add(Parsed& parsed, Row&& row) {
    const auto lane = lane_of(parsed, row);
    if (const auto* none = std::get_if<NoRoute>(&lane)) {
      RowError refused;
      refused.line = row.line;
      refused.message = none->message;
      refused.custom_id = std::move(row.custom_id);
      refused.id_given = row.id_given;
      parsed.block.refused.push_back(std::move(refused));
      return;
    }
    RowFigures& figures = parsed.block.rows.emplace_back();
    figures.line = row.line;
    figures.lane = std::get<std::size_t>(lane);
    figures.id = hash_id(row.custom_id);
    if (!row.id_given) figures.made_id = std::move(row.custom_id);
    if (row.api == Api::search) return;  // has no tokens
    figures.input_tokens = estimate_input_tokens(row);
    figures.bound = token_bound(row);
    figures.without_cap = row.max_output_tokens == 0;
  }

  std::variant<std::size_t, NoRoute> lane_of(Parsed& parsed, const Row& row) {
    if (settings_.keys.empty()) {
      if (!std::exchange(keyless_lane_known_, true)) parsed.new_lanes.push_back({"(no key configured)", {}});
      return std::size_t{0};
    }
    auto lane = routing_.resolve(row);
    if (auto* none = std::get_if<NoRoute>(&lane)) return std::move(*none);
    for (LaneSpec& fresh : routing_.take_new().lanes)
      parsed.new_lanes.push_back({std::move(fresh.name), models_of(fresh)});
    return std::size_t{std::get<LaneId>(lane).value};
  }

  std::vector<ScannedLane::Model> models_of(const LaneSpec& lane) const {
    std::set<std::pair<std::size_t, std::uint32_t>> seen;
    std::vector<ScannedLane::Model> models;
    for (const Candidate& candidate : lane.candidates) {
      const std::size_t number = settings_.keys[candidate.key.value].provider;
      if (!seen.emplace(number, candidate.model).second) continue;
      const Provider& provider = settings_.providers[number];
      const std::string_view model = routing_.model(candidate.model);
      models.push_back({model.empty() ? provider.name : provider.name + "/" + std::string(model),
                        price_of(settings_, provider, model)});
    }
    return models;
  }

  const Settings& settings_;
  Routing routing_;
  bool keyless_lane_known_ = false;
};

InputScan::InputScan(const Settings& settings, unsigned threads)
    : source_(settings.input, settings.max_line),
      team_(source_, threads,
            [this](const LineBlock& block, std::size_t seat) { return parsers_[seat]->parse(block); }),
      lane_of_(team_.seats()) {
  for (std::size_t i = 0; i < team_.seats(); ++i) parsers_.push_back(std::make_unique<Parser>(settings));
}

InputScan::~InputScan() = default;

std::optional<ScannedBlock> InputScan::next() {
  auto worked = team_.next();
  if (!worked) return std::nullopt;
  std::vector<std::size_t>& lane_of = lane_of_[worked->seat];
  for (const ScannedLane& lane : worked->made.new_lanes) lane_of.push_back(lane_number(lane));
  for (RowFigures& row : worked->made.block.rows) row.lane = lane_of[row.lane];
  return std::move(worked->made.block);
}

// Lanes are known by their names here: the parsers number them each for itself.
std::size_t InputScan::lane_number(const ScannedLane& lane) {
  const auto found = std::find_if(lanes_.begin(), lanes_.end(),
                                  [&](const ScannedLane& known) { return known.name == lane.name; });
  if (found != lanes_.end()) return static_cast<std::size_t>(found - lanes_.begin());
  lanes_.push_back(lane);
  return lanes_.size() - 1;
}

}  // namespace batchrun
