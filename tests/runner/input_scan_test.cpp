#include "runner/input_scan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "io/row_ids.h"
#include "io/row_reader.h"
#include "runner/feeder.h"
#include "runner/routing.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

// By line: what was made of it, in words.
using Verdicts = std::map<std::uint64_t, std::string>;

Settings settings_for(const std::string& input) {
  Settings settings;
  settings.input = input;
  settings.max_line = 3000;
  settings.providers.emplace_back().name = "openai";
  settings.providers.back().dialect = make_dialect(DialectKind::openai);
  settings.keys.push_back({0, "openai-1", {}, {"small", "large"}, {}});
  return settings;
}

std::string verdict(const std::string& lane, double in, double out) {
  return fmt::format("{} {} {}", lane, in, out);
}
std::string verdict(const RowError& refused) {
  return fmt::format("refused at {}: {}", refused.column, refused.message);
}

Verdicts by_scan(const Settings& settings, unsigned threads) {
  Verdicts out;
  InputScan scan(settings, threads);
  RowIds ids;
  std::uint64_t last = 0;
  while (auto block = scan.next()) {
    std::map<std::uint64_t, const RowError*> refused;
    std::map<std::uint64_t, RowFigures*> rows;
    for (const RowError& error : block->refused) refused[error.line] = &error;
    for (RowFigures& row : block->rows) rows[row.line] = &row;
    for (std::uint64_t line = last + 1; !refused.empty() || !rows.empty(); ++line) {
      if (const auto row = rows.extract(line)) {
        RowFigures& figures = *row.mapped();
        RowIdentity identity;
        std::optional<RowIds::Repeated> duplicate;
        if (!figures.made_id.empty()) {
          ids.make(figures.made_id, identity);
        } else {
          duplicate = ids.give(figures.id, line);
        }
        out[line] = duplicate ? "refused at 0: " + duplicate->why
                              : verdict(scan.lanes()[figures.lane].name, figures.input_tokens,
                                        static_cast<double>(figures.without_cap ? 0 : figures.bound.output));
        last = line;
      } else if (const auto error = refused.extract(line)) {
        RowError copy = *error.mapped();
        std::optional<RowIds::Repeated> duplicate;
        if (copy.id_given) {
          duplicate = ids.give(hash_id(copy.custom_id), line);
        } else {
          ids.make(copy.custom_id, copy.identity);
        }
        out[line] = duplicate ? "refused at 0: " + duplicate->why : verdict(copy);
        last = line;
      }
    }
  }
  return out;
}

// What a run makes of the same input, line by line.
Verdicts by_reader(const Settings& settings) {
  Verdicts out;
  RowReader reader(settings.input, {settings.max_line});
  Routing routing(settings);
  std::vector<std::string> lanes;
  for (;;) {
    const auto item = reader.next();
    if (const auto* refused = std::get_if<RowError>(&item)) {
      out[refused->line] = verdict(*refused);
    } else if (const auto* row = std::get_if<RowPtr>(&item)) {
      const auto lane = routing.resolve(**row);
      for (const LaneSpec& fresh : routing.take_new().lanes) lanes.push_back(fresh.name);
      const auto* none = std::get_if<NoRoute>(&lane);
      out[(*row)->line] = none ? "refused at 0: " + none->message
                               : verdict(lanes[std::get<LaneId>(lane).value], estimate_input_tokens(**row),
                                         static_cast<double>((*row)->max_output_tokens * (*row)->choices));
    } else {
      return out;
    }
  }
}

// Rows of every kind: ids given, given twice, made, made twice; bad JSON, blank, too long, no route.
std::string mixed_input(std::uint32_t seed, int lines) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < lines; ++i) {
    const auto id = random() % 5000;
    const std::string filler(random() % 400, 'x');
    switch (random() % 12) {
      case 0:
        text += fmt::format(R"({{"prompt":"{}"}})", id % 200);
        break;
      case 1:
        text += fmt::format(R"({{"id":"{}","prompt":}})", id);
        break;
      case 2:
        text += "  ";
        break;
      case 3:
        text += fmt::format(R"({{"id":"long{}","prompt":"{}"}})", id, std::string(3000, 'y'));
        break;
      case 4:
        text += fmt::format(R"({{"id":"{}","prompt":"?","provider":"nobody"}})", id);
        break;
      default:
        text += fmt::format(
            R"({{"id":"{}","model":"{}","max_tokens":{},"messages":[{{"role":"user","content":"{}"}}]}})", id,
            random() % 3 == 0 ? "large" : "small", random() % 100, filler);
    }
    text += random() % 5 == 0 ? "\r\n" : "\n";
  }
  return text;
}

TEST(InputScan, MakesOfEveryLineWhatARunMakes) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    const ScratchDir scratch;
    scratch.write("in.jsonl", mixed_input(seed, 6000));
    const Settings settings = settings_for("in.jsonl");
    const Verdicts expected = by_reader(settings);
    ASSERT_GT(expected.size(), 5000u);
    for (const unsigned threads : {1u, 2u, 5u}) {
      const Verdicts got = by_scan(settings, threads);
      ASSERT_EQ(got.size(), expected.size());
      for (const auto& [line, what] : expected) ASSERT_EQ(got.at(line), what) << "line " << line;
    }
  }
}

TEST(InputScan, OfNothingIsNothing) {
  const ScratchDir scratch;
  scratch.write("in.jsonl", "");
  const Settings settings = settings_for("in.jsonl");
  InputScan scan(settings, 2);
  EXPECT_FALSE(scan.next());
}

// The team must end whether or not its work is taken.
TEST(InputScan, CanBeLeftInTheMiddle) {
  const ScratchDir scratch;
  scratch.write("in.jsonl", mixed_input(9, 6000));
  const Settings settings = settings_for("in.jsonl");
  InputScan scan(settings, 3);
  EXPECT_TRUE(scan.next());
}

TEST(InputScan, SaysWhatCannotBeOpened) {
  const Settings settings = settings_for("missing.jsonl");
  EXPECT_THROW(InputScan(settings, 2), InputError);
}

}  // namespace
}  // namespace batchrun
