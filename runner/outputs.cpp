#include "runner/outputs.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "io/line_order.h"
#include "io/line_team.h"
#include "io/recovery.h"
#include "io/row_reader.h"

namespace batchrun {
namespace {

constexpr std::size_t changed_lines_listed = 5;

// By what the names lead to: a symbolic or hard link does not hide it.
void refuse_input_as_output(const std::string& input, const std::string& output) {
  struct stat in {
  }, out{};
  if (input == "-" || output == "-") return;
  if (stat(input.c_str(), &in) != 0 || stat(output.c_str(), &out) != 0) return;
  if (in.st_dev == out.st_dev && in.st_ino == out.st_ino && S_ISREG(in.st_mode)) {
    throw UsageError("the output " + output + " is the input itself",
                     "choose another file with -o or --errors");
  }
}

std::string plural(std::uint64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

// Else a power cut could bring old lines back beside the new ones.
void start_over(OutputFile& file) {
  if (!file.is_log() || file.size() == 0) return;
  file.truncate(0);
  file.sync(0);
}

// Makes both files hold exactly one good line for each row they hold at all, and have them on the disk, an
// empty one, too: it may be empty because an earlier run gave its lines another name and failed before that
// was safe.
class Recovery {
 public:
  Recovery(Outputs& outputs, bool retry_failed) : outputs_(outputs), retry_failed_(retry_failed) {}

  void run() {
    const RecoveredFile results = recover_one(outputs_.results, outputs_.done);
    const RecoveredFile errors =
        recover_one(outputs_.errors, retry_failed_ ? outputs_.to_retry : outputs_.done);
    if (retry_failed_ || results.size + errors.size > 0) {
      if (results.size == 0) outputs_.results.sync(0);
      if (errors.size == 0) outputs_.errors.sync(0);
    }
    const std::vector<RowIdentity> repeated = outputs_.done.seal();
    outputs_.answered = results.lines - clean(outputs_.results, results.bad_lines, repeated);
    outputs_.to_retry.seal();
    if (retry_failed_) return;
    outputs_.failed = errors.lines - clean(outputs_.errors, errors.bad_lines, repeated);
  }

 private:
  RecoveredFile recover_one(OutputFile& file, DoneRows& rows) {
    const RecoveredFile found = recover(file, rows);
    if (found.repaired_bytes > 0) {
      outputs_.notes.push_back(file.path() + ": cut " + plural(found.repaired_bytes, "byte") +
                               " of a torn last line");
    }
    return found;
  }

  // Moves what is not good out of the file. Gives back how many lines were readable, but a row's second.
  std::uint64_t clean(OutputFile& file, std::uint64_t bad_lines, const std::vector<RowIdentity>& repeated) {
    if (!file.is_log() || (bad_lines == 0 && repeated.empty())) return 0;
    const std::string aside = file.path() + ".corrupt";
    std::uint64_t second_lines = 0;
    set_lines_aside(file, aside, [&](const std::optional<LoggedRow>& row) {
      if (!row) return true;
      const bool twice = std::binary_search(repeated.begin(), repeated.end(), row->identity);
      const bool second = twice && !seen_.insert(row->identity).second;
      second_lines += second;
      return second;
    });
    if (bad_lines > 0) {
      outputs_.notes.push_back(file.path() + ": " + plural(bad_lines, "unreadable line") + " moved to " +
                               aside + "; the rows are sent again");
    }
    if (second_lines > 0) {
      outputs_.notes.push_back(file.path() + ": " + plural(second_lines, "second line") +
                               " of rows that have one already moved to " + aside);
    }
    return second_lines;
  }

  Outputs& outputs_;
  const bool retry_failed_;
  std::set<RowIdentity> seen_;  // of the repeated ones, those whose first line was met
};

struct Seen {
  RowIdentity identity;
  std::uint64_t line = 0;
};

// Of a row or of a line that is none.
template <class... Others>
Seen seen(const std::variant<RowPtr, RowError, Others...>& item) {
  if (const auto* row = std::get_if<RowPtr>(&item)) return {(*row)->identity, (*row)->line};
  return {std::get<RowError>(item).identity, std::get<RowError>(item).line};
}

template <class Visit>
void visit_rows(const Settings& settings, Visit visit) {
  RowReader reader(settings.input, RowReaderOptions{settings.max_line});
  for (;;) {
    const RowReader::Item item = reader.next();
    if (std::holds_alternative<RowReader::End>(item)) return;
    visit(seen(item));
  }
}

// The rows from that line on, at a glance. An id given twice is not found here, so a row may look changed
// that is only a refused repetition of another; no row that has changed looks as if it had not.
struct Glance {
  bool any_known = false, any_changed = false;
};

Glance glance(const LineBlock& block, const Settings& settings, const Outputs& outputs) {
  Glance found;
  for (const Line& line : block.lines) {
    const auto item = read_line(line, settings.max_line);
    if (!item) continue;
    const RowIdentity identity = seen(*item).identity;
    const DoneRows::Match match = outputs.done.find(identity);
    found.any_known |=
        match == DoneRows::Match::done || outputs.to_retry.find(identity) != DoneRows::Match::unknown;
    found.any_changed |= match == DoneRows::Match::changed;
  }
  return found;
}

Glance glance(const Settings& settings, const Outputs& outputs, const LinePlace& first_line) {
  LineSource lines(settings.input, settings.max_line);
  lines.go_to(first_line);
  using Team = LineTeam<Glance>;
  Team team(lines, Team::seats_for_all(),
            [&](const LineBlock& block, std::size_t /*seat*/) { return glance(block, settings, outputs); });
  Glance found;
  while (const auto worked = team.next()) {
    found.any_known |= worked->made.any_known;
    found.any_changed |= worked->made.any_changed;
  }
  return found;
}

// The rows that have changed, as they are now.
struct Changed {
  std::vector<RowIdentity> rows;
  std::vector<std::uint64_t> at_lines;  // of the first few of these
};

Changed find_changed(const Settings& settings, const DoneRows& done) {
  Changed found;
  visit_rows(settings, [&](const Seen& row) {
    if (done.find(row.identity) != DoneRows::Match::changed) return;
    found.rows.push_back(row.identity);
    if (found.at_lines.size() < changed_lines_listed) found.at_lines.push_back(row.line);
  });
  return found;
}

[[noreturn]] void ask_about_changes(const Settings& settings, const Changed& found) {
  std::string lines;
  for (const std::uint64_t line : found.at_lines) lines += (lines.empty() ? "" : ", ") + std::to_string(line);
  throw UsageError(
      plural(found.rows.size(), "row") + " changed since the answers in " + settings.output +
          " were written (line " + lines + (found.rows.size() > found.at_lines.size() ? ", ...)" : ")"),
      "--changed=rerun sends them again, --changed=keep keeps the old answers, --fresh starts over",
      settings.input);
}

void refuse_other_input(const Settings& settings) {
  if (settings.changed != ChangedRows::stop) return;
  throw UsageError(settings.output + " holds answers to another input",
                   "choose another file with -o, or start over with --fresh", settings.input);
}

// Moves the old lines of rows that are to be sent again out of the outputs, which would else hold two of
// each.
void forget(std::vector<RowIdentity> changed, Outputs& outputs) {
  std::sort(changed.begin(), changed.end());
  const auto is_old = [&](const std::optional<LoggedRow>& row) {
    if (!row) return false;
    const auto at = std::lower_bound(changed.begin(), changed.end(), RowIdentity{row->identity.id_hash, 0});
    return at != changed.end() && at->id_hash == row->identity.id_hash;
  };
  const auto forget_in = [&](OutputFile& file) {
    const std::string aside = file.path() + ".old";
    const std::uint64_t moved = file.is_log() ? set_lines_aside(file, aside, is_old) : 0;
    if (moved > 0) {
      outputs.notes.push_back(file.path() + ": " + plural(moved, "line") + " of changed rows moved to " +
                              aside);
    }
    return moved;
  };
  outputs.answered -= forget_in(outputs.results);
  outputs.failed -= forget_in(outputs.errors);
}

std::uint64_t compare_with_input(const Settings& settings, Outputs& outputs, RowReader& reader) {
  if (outputs.done.size() + outputs.to_retry.size() == 0 || !can_be_read_twice(settings.input)) return 0;
  const RowReader::Skipped skipped = reader.skip(outputs.done);
  if (!skipped.stop || settings.changed == ChangedRows::keep) return skipped.rows;
  const Glance rest = glance(settings, outputs, *skipped.stop);
  if (skipped.rows == 0 && !rest.any_known && !rest.any_changed) refuse_other_input(settings);
  Changed changed;
  if (rest.any_changed) changed = find_changed(settings, outputs.done);
  if (changed.rows.empty()) return skipped.rows;
  if (settings.changed == ChangedRows::stop) ask_about_changes(settings, changed);
  forget(std::move(changed.rows), outputs);
  return skipped.rows;
}

// The errors file is ours while it gets its other name, so that no other run can be writing it.
void set_failed_aside(const Settings& settings, Outputs& outputs) {
  if (!outputs.errors.is_log()) return;
  if (outputs.errors.size() == 0) {
    outputs.notes.push_back("no failed rows to retry: " + settings.errors + " is empty or not there");
    return;
  }
  const std::string aside = settings.errors + ".old";
  Files& files = outputs.errors.files();
  if (const int error = files.rename(settings.errors, aside); error != 0) {
    fail_output("rename", settings.errors, error);
  }
  outputs.errors = OutputFile::open(files, settings.errors);
  outputs.errors.sync(0);
  outputs.notes.push_back("the failed rows are tried again; their old error lines are in " + aside);
}

void put_in_order(const Settings& settings, OutputFile& results, bool resumed) {
  LineOrder order(results);
  if (resumed && can_be_read_twice(settings.input)) {
    visit_rows(settings, [&](const Seen& row) { order.place(row.identity, row.line); });
  }
  order.apply(results);
}

}  // namespace

bool can_be_read_twice(const std::string& input) {
  struct stat status {};
  return input != "-" && stat(input.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

Outputs open_outputs(const Settings& settings, Files& files) {
  refuse_input_as_output(settings.input, settings.output);
  refuse_input_as_output(settings.input, settings.errors);
  // Both locks come before anything is changed.
  Outputs outputs{
      OutputFile::open(files, settings.output), OutputFile::open(files, settings.errors), {}, {}, 0, 0, {}};
  if (settings.fresh) {
    start_over(outputs.results);
    start_over(outputs.errors);
    outputs.done.seal();
    outputs.to_retry.seal();
  } else {
    Recovery(outputs, settings.retry_failed).run();
  }
  return outputs;
}

std::uint64_t check_resume(const Settings& settings, Outputs& outputs, RowReader& reader) {
  const std::uint64_t skipped = compare_with_input(settings, outputs, reader);
  if (settings.retry_failed) set_failed_aside(settings, outputs);
  return skipped;
}

void put_away(const Settings& settings, OutputFile results, OutputFile errors, bool resumed) {
  if (errors.is_log() && errors.size() == 0) errors.remove();
  if (settings.ordered) put_in_order(settings, results, resumed);
}

}  // namespace batchrun
