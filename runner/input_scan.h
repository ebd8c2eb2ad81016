// An input read with every core, each row down to what `plan` counts: figures, never rows, as rows that cross
// threads cost more than they save. In the input's order, so that what is counted does not depend on timing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/line_team.h"
#include "io/row.h"
#include "io/row_identity.h"
#include "runner/cost_estimate.h"
#include "runner/settings.h"

namespace batchrun {

struct RowFigures {
  std::uint64_t line = 0;
  std::size_t lane = 0;  // place in InputScan::lanes()
  IdHash id;
  std::string made_id;       // "" when the row gives one
  double input_tokens = 0;   // estimated
  TokenBound bound;          // the most it can use
  bool without_cap = false;  // its output is bounded by output_if_unlimited only: the row sets no max_tokens
};

// Where rows wait, and what may answer them.
struct ScannedLane {
  struct Model {
    std::string name;      // "openai/gpt-4o-mini"
    const Price* price{};  // nullptr: not known
  };
  std::string name;
  std::vector<Model> models;  // each once
};

// The rows of a part of the input, and its lines that are no rows or that no key can answer; each by line.
// Ids given twice are not found yet.
struct ScannedBlock {
  std::vector<RowFigures> rows;
  std::vector<RowError> refused;
};

class InputScan {
 public:
  // Opens settings.input, to be parsed by `threads`. `settings` must outlive this. Throws InputError as
  // RowReader does.
  InputScan(const Settings& settings, unsigned threads);
  ~InputScan();  // waits for the parsers
  InputScan(const InputScan&) = delete;
  InputScan& operator=(const InputScan&) = delete;

  // The next part of the input, nothing at its end. Throws InputError when it cannot be read further.
  std::optional<ScannedBlock> next();

  // The lanes that rows so far wait in.
  const std::vector<ScannedLane>& lanes() const { return lanes_; }

 private:
  struct Parsed;
  class Parser;

  std::size_t lane_number(const ScannedLane& lane);

  LineSource source_;
  std::vector<std::unique_ptr<Parser>> parsers_;  // by the team's seat
  LineTeam<Parsed> team_;
  std::vector<ScannedLane> lanes_;
  std::vector<std::vector<std::size_t>> lane_of_;  // by seat and its parser's own number of the lane
};

}  // namespace batchrun
