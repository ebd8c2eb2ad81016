// What a run does with its files, on a disk that refuses any call, dies at any call, and loses its power
// after any: every row ends with exactly one line, what was said to be safe is never sent again, and the exit
// code is true.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <array>
#include <cstdlib>
#include <set>

#include "io/result.h"
#include "io/row_reader.h"
#include "runner/lines_writer.h"
#include "runner/outputs.h"
#include "tests/support/effort.h"
#include "tests/support/memory_files.h"

namespace batchrun {
namespace {

using Call = MemoryFiles::Call;
using Doom = MemoryFiles::Doom;
using Fate = MemoryFiles::Fate;

constexpr int rows = 9;
constexpr int rows_in_a_batch = 2;
constexpr const char* results_path = "out/results";
constexpr const char* errors_path = "err/errors";

RowPtr row_number(int number) {
  const std::string text = R"({"custom_id":"r)" + std::to_string(number) + R"(","prompt":"café }\n"})";
  auto parsed = parse_row(text, static_cast<std::uint64_t>(number) + 1);
  return std::get<RowPtr>(std::move(parsed));
}

std::string id_of(int number) {
  return "r" + std::to_string(number);
}

bool fails(int number) {
  return number % 3 == 2;
}

std::string line_of(int number, bool failed) {
  const RowPtr row = row_number(number);
  std::string line;
  if (failed) {
    append_error_line(line, *row, {"bad_request", "näh", {}, 400, "", ""}, {});
  } else {
    Answer answer;
    answer.body = R"({"content":"\"}{ 文"})";
    append_result_line(line, *row, answer, 200, "req", {});
  }
  return line;
}

// The ids of a file's lines, by a parser of its own; "?" for what is no line.
std::vector<std::string> ids_in(const std::string& text) {
  std::vector<std::string> ids;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    simdjson::dom::parser parser;
    std::string_view id;
    const bool good = end != std::string::npos &&
                      parser.parse(simdjson::padded_string(text.substr(at, end - at)))["custom_id"].get(id) ==
                          simdjson::SUCCESS;
    ids.emplace_back(good ? id : "?");
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return ids;
}

// One job over any number of processes: what the provider has seen and what the runs have promised.
struct Job {
  MemoryFiles files;
  Settings settings;
  std::set<int> safe;  // rows whose line was said to be synced
  bool all_answered_well = false;

  Job() {
    settings.input = "-";
    settings.output = results_path;
    settings.errors = errors_path;
    settings.sync = SyncPolicy::batch;
    settings.sync_interval = {};
  }

  // What a run does, without the requests between. Gives back its exit code.
  int run(const MemoryFiles::Judge& judge) {
    files.begin_process(judge);
    try {
      return run_to_its_end();
    } catch (const OutputError&) {
      return 6;
    }
  }

  int run_to_its_end() {
    Outputs outputs = open_outputs(settings, files);
    RowReader no_file("/dev/null", {});
    check_resume(settings, outputs, no_file);
    ResultWriter results(std::move(outputs.results)), errors(std::move(outputs.errors));
    LinesLink link(1u << 20);
    std::vector<std::pair<int, bool>> sent;
    Lines batch;
    for (int number = 0; number < rows; ++number) {
      if (outputs.done.find(row_number(number)->identity) != DoneRows::Match::unknown) continue;
      EXPECT_FALSE(!files.killed() && safe.contains(number))
          << "row " << number << " was safe, and is sent again";
      const bool failed = fails(number) && !all_answered_well;
      (failed ? batch.errors : batch.results) += line_of(number, failed);
      sent.emplace_back(number, failed);
      if (sent.size() % rows_in_a_batch == 0) put(link.lines, std::exchange(batch, {}));
    }
    if (batch.size() > 0) put(link.lines, std::move(batch));
    link.lines.close();
    const std::uint64_t results_before = results.written_bytes(), errors_before = errors.written_bytes();
    LinesWriter writer(settings, results, errors, link);
    writer.run();
    note_safe(sent, results.synced_bytes() - results_before, errors.synced_bytes() - errors_before);
    if (writer.failed()) return 6;
    put_away(settings, std::move(results).release(), std::move(errors).release(), true);
    const bool any_failed =
        outputs.failed > 0 || std::any_of(sent.begin(), sent.end(), [](auto& s) { return s.second; });
    return any_failed ? 3 : 0;
  }

  static void put(LinesQueue& queue, Lines lines) {
    const std::size_t size = lines.size();
    queue.put(std::move(lines), size);
  }

  void note_safe(const std::vector<std::pair<int, bool>>& sent, std::uint64_t results, std::uint64_t errors) {
    for (const auto& [number, failed] : sent) {
      std::uint64_t& left = failed ? errors : results;
      const std::size_t size = line_of(number, failed).size();
      if (size > left) {
        left = 0;
      } else {
        left -= size;
        safe.insert(number);
      }
    }
  }

  void expect_each_row_once() const {
    std::multiset<std::string> ids, wanted;
    for (const char* path : {results_path, errors_path}) {
      for (std::string& id : ids_in(files.text(path))) ids.insert(std::move(id));
    }
    for (int number = 0; number < rows; ++number) wanted.insert(id_of(number));
    EXPECT_EQ(ids, wanted);
  }

  void expect_order() const {
    const auto ids = ids_in(files.text(results_path));
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  }
};

// What a disk does once, or from then on.
struct Trouble {
  const char* name;
  Doom doom;
  bool for_ever;
  bool process_only;  // also tried without the loss of power
};

constexpr std::array troubles{
    Trouble{"ENOSPC once", {Fate::error, ENOSPC}, false, true},
    Trouble{"EIO once", {Fate::error, EIO}, false, true},
    Trouble{"ENOSPC from then on", {Fate::error, ENOSPC}, true, true},
    // A disk that does nothing any more is mounted anew: what it had only in memory is gone.
    Trouble{"EIO from then on", {Fate::error, EIO}, true, false},
    Trouble{"half", {Fate::half, 0}, false, true},
    Trouble{"half from then on", {Fate::half, 0}, true, true},
    Trouble{"EINTR", {Fate::interrupted, EINTR}, false, true},
    Trouble{"killed before", {Fate::kill_before, 0}, false, true},
    Trouble{"killed halfway", {Fate::kill_half, 0}, false, true},
};

bool can_happen(const Trouble& trouble, Call call) {
  if (trouble.doom.fate == Fate::interrupted) return call == Call::read || call == Call::append;
  if (trouble.doom.error == ENOSPC) return call == Call::append || call == Call::sync || call == Call::name;
  return true;
}

MemoryFiles::Judge at_call(std::uint64_t when, const Trouble& trouble, bool& happened) {
  return [=, &happened](Call call, std::uint64_t number) {
    const bool now = (number == when || (trouble.for_ever && number > when)) && can_happen(trouble, call);
    happened = happened || now;
    return now ? trouble.doom : Doom{};
  };
}

Doom healthy(Call, std::uint64_t) {
  return {};
}

// The files a job begins with, and what it does.
struct Scene {
  const char* name;
  void (*prepare)(Job&);
};

std::string lines_of(std::initializer_list<int> numbers, bool failed) {
  std::string text;
  for (const int number : numbers) text += line_of(number, failed);
  return text;
}

const std::array scenes{
    Scene{"a first run", [](Job&) {}},
    Scene{"a first run with its results put in order",
          [](Job& job) {
            job.files.put(results_path, lines_of({6, 1}, false));
            job.safe = {1, 6};
            job.settings.ordered = true;
          }},
    Scene{"a resume of damaged files",
          [](Job& job) {
            job.files.put(results_path, line_of(0, false) + "gar\0bage\n" + lines_of({3, 0}, false) +
                                            line_of(4, false).substr(0, 90) + std::string(20, '\0'));
            job.files.put(errors_path, lines_of({2, 2, 3}, true) + line_of(5, true).substr(0, 99));
            job.safe = {0, 2, 3};
          }},
    Scene{"failed rows tried again",
          [](Job& job) {
            job.files.put(results_path, lines_of({0, 1, 3, 4}, false));
            job.files.put(errors_path, lines_of({2, 5}, true));
            job.safe = {0, 1, 3, 4};
            job.settings.retry_failed = true;
            job.all_answered_well = true;
          }},
};

void run_with_trouble(Job& job, std::uint64_t when, const Trouble& trouble, bool power_fails,
                      std::mt19937_64& random) {
  bool happened = false;
  const int code = job.run(at_call(when, trouble, happened));
  const bool says_complete = !job.files.killed() && code != 6;
  if (!happened || says_complete) {
    EXPECT_EQ(code, job.all_answered_well ? 0 : 3);
  }
  const bool to_be_gone_on_with = trouble.doom.fate == Fate::half || trouble.doom.fate == Fate::interrupted;
  EXPECT_TRUE(says_complete || !to_be_gone_on_with);
  if (power_fails) job.files.lose_power(random);
  if (says_complete) job.expect_each_row_once();
  job.settings.retry_failed = job.settings.retry_failed && !says_complete;
}

void finish(Job& job, std::mt19937_64& random) {
  EXPECT_EQ(job.run(healthy), job.all_answered_well ? 0 : 3);
  job.files.lose_power(random);
  job.expect_each_row_once();
  if (job.settings.ordered) job.expect_order();
}

class DiskTorture : public testing::TestWithParam<Scene> {};

TEST_P(DiskTorture, AnyCallMeetsTrouble) {
  Job untroubled;
  GetParam().prepare(untroubled);
  untroubled.run(healthy);
  const std::uint64_t calls = untroubled.files.calls();
  ASSERT_GT(calls, 20u);
  for (const Trouble& trouble : troubles) {
    for (const bool power_fails : {false, true}) {
      if (!power_fails && !trouble.process_only) continue;
      const auto rounds = static_cast<int>(power_fails ? seeds_of(4) : 1);
      for (std::uint64_t when = 0; when <= calls && !HasFailure(); ++when) {
        for (int round = 0; round < rounds && !HasFailure(); ++round) {
          SCOPED_TRACE(std::string(trouble.name) + " at call " + std::to_string(when) +
                       (power_fails ? ", then the power fails, seed " + std::to_string(round) : ""));
          std::mt19937_64 random(when * 1000 + static_cast<std::uint64_t>(round));
          Job job;
          GetParam().prepare(job);
          run_with_trouble(job, when, trouble, power_fails, random);
          finish(job, random);
        }
      }
    }
  }
}

// BATCHRUN_TORTURE_ROUNDS=100000 is a long form.
int recoveries() {
  const char* const given = std::getenv("BATCHRUN_TORTURE_ROUNDS");
  return given != nullptr ? std::atoi(given) : static_cast<int>(seeds_of(1500));
}

// The second trouble meets the run that recovers from the first.
TEST_P(DiskTorture, ARecoveryMeetsTroubleToo) {
  std::mt19937_64 random(20);
  for (int round = 0; round < recoveries() && !HasFailure(); ++round) {
    Job job;
    GetParam().prepare(job);
    std::string trace;
    for (int i = 0; i < 3; ++i) {
      const Trouble& trouble = troubles[random() % troubles.size()];
      const std::uint64_t when = random() % 60;
      const bool power_fails = !trouble.process_only || random() % 2 == 0;
      trace += std::string(trouble.name) + " at call " + std::to_string(when) +
               (power_fails ? ", power fails; " : "; ");
      SCOPED_TRACE("round " + std::to_string(round) + ": " + trace);
      run_with_trouble(job, when, trouble, power_fails, random);
    }
    SCOPED_TRACE("round " + std::to_string(round) + ": " + trace);
    finish(job, random);
  }
}

INSTANTIATE_TEST_SUITE_P(Scenes, DiskTorture, testing::ValuesIn(scenes), [](const auto& scene) {
  std::string name;
  for (const char* c = scene.param.name; *c != '\0'; ++c) name += *c == ' ' ? '_' : *c;
  return name;
});

}  // namespace
}  // namespace batchrun
