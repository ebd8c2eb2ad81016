#include "runner/outputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

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

std::uint64_t recover_one(const ResultWriter& file, DoneRows& done, std::vector<std::string>& notes) {
  if (file.path() == "-") return 0;
  const RecoveredFile found = recover(file.fd(), file.path(), done);
  if (found.repaired_bytes > 0) {
    notes.push_back(file.path() + ": cut " + plural(found.repaired_bytes, "byte") + " of a torn last line");
  }
  if (found.corrupt_lines > 0) {
    notes.push_back(file.path() + ": " + plural(found.corrupt_lines, "unreadable line") + " copied to " +
                    file.path() + ".corrupt; the rows are sent again");
  }
  return found.lines;
}

void set_aside(const std::string& errors, std::vector<std::string>& notes) {
  const std::string aside = errors + ".old";
  if (std::rename(errors.c_str(), aside.c_str()) == 0) {
    notes.push_back("the failed rows are tried again; their old error lines are in " + aside);
  } else {
    notes.push_back("no failed rows to retry: there is no " + errors);
  }
}

void empty(const ResultWriter& file) {
  if (file.path() != "-" && ftruncate(file.fd(), 0) != 0) {
    throw OutputError("cannot empty " + file.path(), "check that the file can be written");
  }
}

}  // namespace

Outputs open_outputs(const Settings& settings) {
  refuse_input_as_output(settings.input, settings.output);
  refuse_input_as_output(settings.input, settings.errors);
  std::vector<std::string> notes;
  ResultWriter results = ResultWriter::open(settings.output);  // its lock comes before anything is changed
  if (settings.retry_failed && !settings.fresh) set_aside(settings.errors, notes);
  Outputs outputs{std::move(results), ResultWriter::open(settings.errors), {}, 0, 0, std::move(notes)};
  if (settings.fresh) {
    empty(outputs.results);
    empty(outputs.errors);
  } else {
    outputs.answered = recover_one(outputs.results, outputs.done, outputs.notes);
    outputs.failed = recover_one(outputs.errors, outputs.done, outputs.notes);
  }
  outputs.done.seal();
  return outputs;
}

void check_resume(const Settings& settings, const DoneRows& done) {
  if (done.size() == 0 || settings.input == "-" || settings.changed != ChangedRows::stop) return;
  RowReader reader(settings.input, RowReaderOptions{settings.max_line});
  std::uint64_t known = 0, changed = 0;
  std::string lines;
  for (;;) {
    auto item = reader.next();
    if (std::holds_alternative<RowReader::End>(item)) break;
    const auto* row = std::get_if<RowPtr>(&item);
    const RowIdentity& identity = row != nullptr ? (*row)->identity : std::get<RowError>(item).identity;
    const DoneRows::Match match = done.find(identity);
    known += match == DoneRows::Match::done;
    if (match != DoneRows::Match::changed) continue;
    if (changed++ < changed_lines_listed) {
      const std::uint64_t line = row != nullptr ? (*row)->line : std::get<RowError>(item).line;
      lines += (lines.empty() ? "" : ", ") + std::to_string(line);
    }
  }
  if (changed > 0) {
    throw UsageError(
        plural(changed, "row") + " changed since the answers in " + settings.output + " were written (line " +
            lines + (changed > changed_lines_listed ? ", ...)" : ")"),
        "--changed=rerun sends them again, --changed=keep keeps the old answers, --fresh starts over",
        settings.input);
  }
  if (known == 0) {
    throw UsageError(settings.output + " holds answers to another input",
                     "choose another file with -o, or start over with --fresh", settings.input);
  }
}

}  // namespace batchrun
