// The thread that reads the input: rows that still need an answer go to the shard, lines that cannot be used
// with them.
#pragma once

#include <optional>
#include <string>

#include "io/done_rows.h"
#include "io/row_reader.h"
#include "runner/intake.h"
#include "runner/outputs.h"
#include "runner/routing.h"
#include "runner/settings.h"

namespace batchrun {

// Tokens the model will read, before correction by what replies report: about four bytes a token, three for
// each message's frame. Source: OpenAI's guide to counting tokens.
double estimate_input_tokens(const Row& row);

class Feeder {
 public:
  // All of these outlive the feeder. `done` is sealed. `rows_skipped`: how many were read before, and are
  // done.
  Feeder(const Settings& settings, RowReader& reader, const DoneRows& done, IntakeQueue& intake,
         std::uint64_t rows_skipped = 0);

  // Reads to the end, to --max-rows, or until the queue is closed; then closes it. One thread.
  void run();

  // What run() is made of: reads the next stretch and hands it over, which waits while the queue is full.
  // False: that was the last, and the queue is closed.
  bool step();

  // After run(): why reading stopped before the end, if it did.
  const std::optional<InputError>& failure() const { return failure_; }
  bool max_rows_reached() const { return max_rows_reached_; }

 private:
  bool read_stretch();
  void take(RowPtr row);
  void take(RowError refused);
  void refuse(RowError refused);
  bool skip(const RowIdentity& identity, std::uint64_t line);
  bool hand_over();
  void refuse_changed(std::uint64_t line) const;

  const Settings& settings_;
  RowReader& reader_;
  const DoneRows& done_;
  IntakeQueue& intake_;
  Routing routing_;
  Intake batch_;
  std::size_t batch_bytes_ = 0;
  std::uint64_t fresh_rows_ = 0;
  std::optional<InputError> failure_;
  bool max_rows_reached_ = false;
};

}  // namespace batchrun
