#include "runner/options.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runner/diagnostics.h"
#include "runner/inert.h"
#include "runner/nearest.h"
#include "runner/option_table.h"
#include "runner/version.h"

namespace batchrun {
namespace {

constexpr const char* help_hint = "batchrun --help lists every option and what it takes";

constexpr std::array<std::string_view, 3> verbs{"run", "plan", "keys"};
constexpr std::array<std::string_view, 2> later_verbs{"bench", "report"};
constexpr std::size_t names_compared = 10'000;  // files of a directory looked at for "did you mean"

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  for (const std::string_view known : names) {
    if (known == name) return true;
  }
  return false;
}

constexpr std::size_t longest_shown = 200;  // of a path or a value as it was typed

// Throws where it cannot be read. `may_be_verb`: it is the first argument, so that a verb may be meant.
void check_input(const std::string& input, bool may_be_verb);

class Parser {
 public:
  Parser(int argc, const char* const* argv) {
    for (int i = 0; i < argc; ++i) options_.argv.emplace_back(argv[i]);
  }

  std::variant<Options, Exit> parse();

 private:
  void read_argument(const std::string& argument);
  void read_long(std::string_view text);
  void read_short(std::string_view letters);
  void read_positional(const std::string& text);
  void read_keys_word(const std::string& text);
  void apply(const OptionRow& row, std::string_view value, const std::string& shown);
  std::string_view value_after(const std::string& shown);
  void check_verb() const;
  [[noreturn]] void unknown(const std::string& shown, std::string_view name) const;
  std::uint8_t verb_bit() const { return verb_ == "plan" ? for_plan : verb_ == "keys" ? for_keys : for_run; }

  Options options_;
  std::size_t at_ = 1;
  bool options_over_ = false;
  bool help_ = false, version_ = false;
  bool input_given_ = false;
  std::string verb_;  // as given; "" = not given
  std::vector<const OptionRow*> used_;
};

void Parser::unknown(const std::string& shown, std::string_view name) const {
  std::vector<std::string> names;
  for (const OptionRow& row : option_table()) names.push_back("--" + std::string(row.long_name));
  std::string hint = did_you_mean("--" + std::string(name), names);
  if (hint.empty()) hint = "batchrun --help lists the options";
  throw UsageError(fmt::format("unknown option {}", inert(shown, 200)), hint);
}

std::string_view Parser::value_after(const std::string& shown) {
  const bool there = at_ < options_.argv.size();
  const std::string_view next = there ? std::string_view(options_.argv[at_]) : std::string_view();
  if (!there || (next.size() > 1 && next.front() == '-')) {
    throw UsageError(
        fmt::format("option {} needs a value", shown),
        next.empty() ? "" : fmt::format("a value that begins with a dash is given as {}=VALUE", shown));
  }
  ++at_;
  return next;
}

void Parser::apply(const OptionRow& row, std::string_view value, const std::string& shown) {
  used_.push_back(&row);
  options_.given.emplace_back(row.long_name);
  if (!row.set) {
    (row.long_name == "help" ? help_ : version_) = true;
  } else if (!row.set(options_, value)) {
    throw UsageError(fmt::format("{}: {} is not {}", shown, in_quotes(value, longest_shown), row.expects),
                     help_hint);
  }
}

void Parser::read_long(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string shown = "--" + std::string(name);
  for (const OptionRow& row : option_table()) {
    if (row.long_name != name) continue;
    if (row.argument.empty() && equals != std::string_view::npos) {
      throw UsageError(fmt::format("option {} takes no value", shown), help_hint);
    }
    const bool inside = equals != std::string_view::npos;
    apply(row, row.argument.empty() ? "" : inside ? text.substr(equals + 1) : value_after(shown), shown);
    return;
  }
  unknown(shown, name);
}

// One or more flags (-qv), or an option with its value beside it (-j8, -j 8).
void Parser::read_short(std::string_view letters) {
  while (!letters.empty()) {
    const OptionRow* found = nullptr;
    for (const OptionRow& row : option_table()) {
      if (row.short_name && row.short_name == letters.front()) found = &row;
    }
    const std::string shown = fmt::format("-{}", letters.front());
    if (!found) unknown("-" + std::string(letters), letters);
    letters.remove_prefix(1);
    if (found->argument.empty()) {
      apply(*found, "", shown);
      continue;
    }
    if (!letters.empty() && letters.front() == '=') letters.remove_prefix(1);
    apply(*found, letters.empty() ? value_after(shown) : letters, shown);
    return;
  }
}

void Parser::read_positional(const std::string& text) {
  if (verb_.empty() && !input_given_ && (contains(verbs, text) || contains(later_verbs, text))) {
    verb_ = text;
    if (verb_ == "plan") options_.verb = Verb::plan;
    if (verb_ == "keys") options_.verb = Verb::keys;
    return;
  }
  if (contains(later_verbs, verb_)) return;
  if (verb_ == "keys") return read_keys_word(text);
  if (input_given_) {
    check_input(options_.input, verb_.empty());  // a verb with a slip of the pen?
    throw UsageError(fmt::format("one input at a time: {} came after {}", in_quotes(text, longest_shown),
                                 in_quotes(options_.input, longest_shown)),
                     "several files: cat A B | batchrun -");
  }
  if (text.empty()) throw UsageError("the input's name is empty");
  input_given_ = true;
  options_.input = text;
}

void Parser::read_keys_word(const std::string& text) {
  if (text != "check" || options_.verb == Verb::check_keys) {
    throw UsageError(fmt::format("keys cannot take {}", in_quotes(text, longest_shown)),
                     "batchrun keys lists the keys, batchrun keys check tries them");
  }
  options_.verb = Verb::check_keys;
}

void Parser::read_argument(const std::string& argument) {
  if (options_over_ || argument.size() < 2 || argument[0] != '-') return read_positional(argument);
  if (argument == "--") {
    options_over_ = true;
  } else if (argument[1] == '-') {
    read_long(std::string_view(argument).substr(2));
  } else {
    read_short(std::string_view(argument).substr(1));
  }
}

void Parser::check_verb() const {
  for (const OptionRow* row : used_) {
    if ((row->verbs & verb_bit()) == 0) {
      throw UsageError(
          fmt::format("--{} is not an option of {}", row->long_name, verb_.empty() ? "run" : verb_),
          help_hint);
    }
  }
  if (options_.fresh && options_.retry_failed) {
    throw UsageError("--fresh and --retry-failed exclude each other",
                     "--fresh starts over; --retry-failed keeps what succeeded");
  }
}

std::vector<std::string> files_beside(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::vector<std::string> names;
  DIR* directory = ::opendir(folder.empty() ? "." : folder.c_str());
  if (!directory) return names;
  while (const dirent* entry = ::readdir(directory)) {
    if (names.size() == names_compared) break;
    if (entry->d_name[0] != '.') names.push_back(folder + entry->d_name);
  }
  ::closedir(directory);
  return names;
}

[[noreturn]] void refuse_missing(const std::string& input, bool may_be_verb) {
  const std::string hint = did_you_mean(input, files_beside(input));
  if (!may_be_verb) throw UsageError(fmt::format("no such file: {}", in_quotes(input, longest_shown)), hint);
  const std::string verb = nearest(input, {verbs.begin(), verbs.end()});
  throw UsageError(fmt::format("{} is neither a file nor a verb", in_quotes(input, longest_shown)),
                   !verb.empty()
                       ? fmt::format("did you mean batchrun {}{}?", verb, verb == "keys" ? "" : " INPUT")
                   : !hint.empty() ? hint
                                   : "the verbs are run, plan and keys; batchrun --help shows examples");
}

void check_input(const std::string& input, bool may_be_verb) {
  if (input == "-") return;
  struct stat status {};
  if (::stat(input.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) refuse_missing(input, may_be_verb);
    throw UsageError(
        fmt::format("cannot read {}: {}", in_quotes(input, longest_shown), std::strerror(errno)));
  }
  if (S_ISDIR(status.st_mode)) {
    throw UsageError(fmt::format("{} is a directory", in_quotes(input, longest_shown)),
                     "INPUT is one file; several: cat A B | batchrun -");
  }
  if (::access(input.c_str(), R_OK) != 0) {
    throw UsageError(
        fmt::format("cannot read {}: {}", in_quotes(input, longest_shown), std::strerror(errno)));
  }
}

std::variant<Options, Exit> Parser::parse() {
  while (at_ < options_.argv.size()) {
    const std::string argument = options_.argv[at_++];
    read_argument(argument);
  }
  if (version_) return Exit{0, fmt::format("batchrun {}\n", program_version), false};
  if (help_) return Exit{0, render_help(verb_.empty() ? for_all : verb_bit()), false};
  if (contains(later_verbs, verb_)) {
    return Exit{2,
                render_error(fmt::format("the verb {} is not in this version ({})", verb_, program_version),
                             "", fmt::format("a file of that name is given as ./{}", verb_), false),
                true};
  }
  check_verb();
  if (verb_ == "keys") return std::move(options_);
  if (!input_given_) {
    if (options_.print_config) return std::move(options_);
    if (::isatty(STDIN_FILENO)) return Exit{2, render_short_help(), true};
    throw UsageError("no input given", "batchrun INPUT.jsonl, or batchrun - to read standard input");
  }
  check_input(options_.input, verb_.empty());
  return std::move(options_);
}

}  // namespace

std::variant<Options, Exit> parse_options(int argc, const char* const* argv) {
  return Parser(argc, argv).parse();
}

}  // namespace batchrun
