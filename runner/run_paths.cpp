#include "runner/run_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "runner/inert.h"

namespace batchrun {
namespace {

namespace fs = std::filesystem;

bool drop_end(std::string& text, std::string_view end) {
  if (text.size() <= end.size() || text.compare(text.size() - end.size(), end.size(), end) != 0) return false;
  text.resize(text.size() - end.size());
  return true;
}

std::string true_path(const std::string& path) {
  std::error_code error;
  const fs::path found = fs::weakly_canonical(path, error);
  return error ? fs::path(path).lexically_normal().string() : found.string();
}

// Whether other files can lie beside it. Not so for a device, and what a shell makes of <(command).
bool has_a_place(const std::string& path) {
  std::error_code error;
  if (path.empty() || path == "-" || fs::is_character_file(path, error)) return false;
  const std::string whole = fs::absolute(path, error).lexically_normal().string();
  return whole.rfind("/dev/", 0) != 0 && whole.rfind("/proc/", 0) != 0;
}

void check_different(const Settings& settings) {
  const std::array<std::pair<std::string_view, const std::string*>, 4> files{
      {{"the input", &settings.input},
       {"the output", &settings.output},
       {"the errors file", &settings.errors},
       {"the report", &settings.report}}};
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t j = i + 1; j < files.size(); ++j) {
      if (!has_a_place(*files[i].second) || !has_a_place(*files[j].second)) continue;
      if (true_path(*files[i].second) != true_path(*files[j].second)) continue;
      throw UsageError(fmt::format("{} and {} are the same file: \"{}\"", files[i].first, files[j].first,
                                   inert(*files[j].second)),
                       "name other files with -o, --errors and --report");
    }
  }
}

std::string quoted_for_shell(const std::string& word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace

std::string path_stem(const std::string& path) {
  fs::path whole(path);
  std::string file = whole.filename().string();
  if (!drop_end(file, ".gz")) drop_end(file, ".zst");
  const std::size_t dot = file.rfind('.');
  if (dot != std::string::npos && dot != 0) file.resize(dot);
  return (whole.parent_path() / file).string();
}

void set_paths(const GivenPaths& given, Settings& settings) {
  settings.input = given.input;
  const bool from_file = has_a_place(given.input);
  std::string stem = from_file ? path_stem(given.input) : "stdin";
  settings.output = given.output ? *given.output : from_file ? stem + ".results.jsonl" : "-";
  if (given.output && has_a_place(*given.output)) {
    stem = path_stem(*given.output);
    drop_end(stem, ".results");
  }
  settings.errors = given.errors ? *given.errors : stem + ".errors.jsonl";
  if (settings.errors == "-")
    throw UsageError("--errors needs a file: stdout is for results", "--errors errors.jsonl");
  const bool to_stdout = settings.output == "-";
  settings.report = given.report ? *given.report : to_stdout ? "" : stem + ".report.json";
  if (settings.report == "-" && to_stdout) throw UsageError("results and report cannot both go to stdout");
  if (to_stdout && settings.ordered) throw UsageError("--ordered needs a file: -o results.jsonl");
  check_different(settings);
}

std::string resume_command(const std::vector<std::string>& argv) {
  std::string out;
  for (const std::string& word : argv) {
    if (word == "--fresh" || word == "--retry-failed") continue;  // that has been done
    if (!out.empty()) out += ' ';
    out += quoted_for_shell(word);
  }
  return out;
}

}  // namespace batchrun
