#include "runner/input_scan.h"

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "io/row_reader.h"
#include "runner/feeder.h"
#include "runner/handoff.h"
#include "runner/routing.h"

namespace batchrun {
namespace {

constexpr std::size_t block_bytes = 128u << 10;
constexpr std::size_t blocks_ahead = 3;  // for each parser

// Lines of the input, copied out of its buffer.
struct LineBlock {
  std::string text;
  std::vector<Line> lines;  // their texts point into `text` once it is complete

  void add(const Line& line) {
    text += line.text;
    lines.push_back(line);
  }
  // What is added may move `text`; when all is there, its lines follow each other.
  void point() {
    std::size_t at = 0;
    for (Line& line : lines) {
      line.text = {text.data() + at, line.text.size()};
      at += line.text.size();
    }
  }
};

}  // namespace

struct InputScan::Parsed {
  ScannedBlock block;                  // lanes by the parser's own numbers
  std::vector<ScannedLane> new_lanes;  // of the numbers that are new in this block
};

struct InputScan::Task {
  LineBlock lines;
  std::promise<Parsed> done;
};

// One thread of the team, with a routing of its own.
class InputScan::Parser {
 public:
  explicit Parser(const Settings& settings)
      : settings_(settings), routing_(settings), tasks_(blocks_ahead + 1), thread_([this] { run(); }) {}
  ~Parser() {
    tasks_.close();
    thread_.join();
  }

  std::future<Parsed> parse(LineBlock lines) {
    Task task{std::move(lines), {}};
    auto done = task.done.get_future();
    tasks_.push(std::move(task), 1);
    return done;
  }

 private:
  void run() {
    while (!tasks_.ended()) {
      auto task = tasks_.pop(std::chrono::seconds(1));
      if (task) task->done.set_value(parse_now(task->lines));
    }
  }

  Parsed parse_now(const LineBlock& lines) {
    Parsed parsed;
    parsed.block.rows.reserve(lines.lines.size());
    for (const Line& line : lines.lines) {
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
    figures.input_tokens = estimate_input_tokens(row);
    figures.output_tokens = row.max_output_tokens * row.choices;
    figures.bound = token_bound(row);
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
  Handoff<Task> tasks_;
  std::thread thread_;
};

InputScan::InputScan(const Settings& settings, unsigned threads)
    : source_(settings.input, settings.max_line) {
  for (unsigned i = 0; i < std::max(threads, 1u); ++i) team_.push_back(std::make_unique<Parser>(settings));
  lane_of_.resize(team_.size());
}

InputScan::~InputScan() = default;

// Hands the next block to the parser whose turn it is; false at the end of the input.
bool InputScan::read_block() {
  LineBlock block;
  block.text.reserve(block_bytes + (block_bytes >> 2));
  for (Line line; block.text.size() < block_bytes && source_.next(line);) block.add(line);
  if (block.lines.empty()) return false;
  block.point();
  blocks_.push_back(team_[handed_++ % team_.size()]->parse(std::move(block)));
  return true;
}

std::optional<ScannedBlock> InputScan::next() {
  while (blocks_.size() < blocks_ahead * team_.size() && read_block()) {
  }
  if (blocks_.empty()) return std::nullopt;
  Parsed parsed = blocks_.front().get();
  blocks_.pop_front();
  std::vector<std::size_t>& lane_of = lane_of_[taken_++ % team_.size()];
  for (const ScannedLane& lane : parsed.new_lanes) lane_of.push_back(lane_number(lane));
  for (RowFigures& row : parsed.block.rows) row.lane = lane_of[row.lane];
  return std::move(parsed.block);
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
