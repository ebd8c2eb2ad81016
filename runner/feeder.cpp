#include "runner/feeder.h"

#include <utility>

namespace batchrun {
namespace {

constexpr std::size_t batch_rows = 128;
constexpr std::size_t batch_bytes = 128u << 10;
constexpr double bytes_per_token = 4;
constexpr double tokens_per_message = 3;

}  // namespace

double estimate_input_tokens(const Row& row) {
  return row.content_bytes / bytes_per_token + tokens_per_message * (row.message_count + 1);
}

Feeder::Feeder(const Settings& settings, RowReader& reader, const DoneRows& done, IntakeQueue& intake,
               std::uint64_t rows_skipped)
    : settings_(settings), reader_(reader), done_(done), intake_(intake), routing_(settings) {
  batch_.rows_read = batch_.rows_skipped = rows_skipped;
}

void Feeder::run() {
  while (step()) {
  }
}

bool Feeder::step() {
  bool more = false;
  try {
    more = read_stretch();
  } catch (const InputError& error) {
    failure_ = error;
  }
  if (hand_over() && more) return true;
  intake_.close();
  return false;
}

// False: there is nothing more to read.
bool Feeder::read_stretch() {
  do {
    RowReader::Item item = reader_.next();
    if (std::holds_alternative<RowReader::End>(item)) return false;
    ++batch_.rows_read;
    if (auto* row = std::get_if<RowPtr>(&item)) {
      take(std::move(*row));
    } else {
      take(std::get<RowError>(std::move(item)));
    }
    if (settings_.max_rows > 0 && fresh_rows_ >= settings_.max_rows) {
      max_rows_reached_ = true;
      return false;
    }
    if (batch_.rows.size() >= batch_rows || batch_bytes_ >= batch_bytes) return true;
    // A pipe may be slow: what has been read must not wait for what has not.
  } while (batch_.rows.empty() || reader_.line_is_buffered());
  return true;
}

// The first pass over the input has asked about changed rows, or has put their old lines aside. What is met
// here came by a pipe, or has changed since.
void Feeder::refuse_changed(std::uint64_t line) const {
  if (settings_.changed == ChangedRows::keep) return;
  if (settings_.changed == ChangedRows::rerun && can_be_read_twice(settings_.input)) return;
  throw InputError{"line " + std::to_string(line) + " has changed since its answer was written",
                   can_be_read_twice(settings_.input)
                       ? "choose with --changed=rerun or --changed=keep, or start over with --fresh"
                       : "--changed=keep keeps the old answer; --changed=rerun needs the input as a file"};
}

// Whether the line has its line in the output already, or keeps that of what it was before.
bool Feeder::skip(const RowIdentity& identity, std::uint64_t line) {
  const DoneRows::Match match = done_.find(identity);
  if (match == DoneRows::Match::unknown) return false;
  if (match == DoneRows::Match::changed) {
    refuse_changed(line);
    if (settings_.changed != ChangedRows::keep) return false;
  }
  ++batch_.rows_skipped;
  return true;
}

void Feeder::take(RowPtr row) {
  if (skip(row->identity, row->line)) return;
  auto lane = routing_.resolve(*row);
  if (auto* none = std::get_if<NoRoute>(&lane)) {
    RowError refused;
    refused.line = row->line;
    refused.code = none->code;
    refused.message = none->message;
    refused.custom_id = row->custom_id;
    refused.text = std::move(row->text);
    refused.text_is_json = true;
    refused.identity = row->identity;
    return refuse(std::move(refused));
  }
  ++fresh_rows_;
  batch_bytes_ += row->text.size();
  Arrival arrival;
  arrival.lane = std::get<LaneId>(lane);
  arrival.input_tokens = estimate_input_tokens(*row);
  arrival.max_output_tokens = static_cast<double>(row->max_output_tokens * row->choices);
  arrival.row = std::move(row);
  batch_.rows.push_back(std::move(arrival));
}

void Feeder::take(RowError refused) {
  if (!skip(refused.identity, refused.line)) refuse(std::move(refused));
}

void Feeder::refuse(RowError refused) {
  batch_bytes_ += refused.text.size();
  batch_.refused.push_back(std::move(refused));
}

bool Feeder::hand_over() {
  batch_.lanes = routing_.take_new();
  batch_.input_bytes = reader_.bytes_done();
  batch_.input_bytes_total = reader_.bytes_total();
  const std::size_t weight = std::exchange(batch_bytes_, 0) + 1;
  return intake_.push(std::exchange(batch_, {}), weight);
}

}  // namespace batchrun
