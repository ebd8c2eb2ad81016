// The program: argv to exit code. Everything it does is in the library beside it.
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <exception>
#include <utility>

#include "io/output_error.h"
#include "io/row_reader.h"
#include "runner/diagnostics.h"
#include "runner/exit_code.h"
#include "runner/keys.h"
#include "runner/make_settings.h"
#include "runner/options.h"
#include "runner/plan.h"
#include "runner/run.h"

namespace {

using namespace batchrun;

// A core would hold every key. With a limit of 0 one could still go to a program that collects them; 1 is no
// core at all (core(5)).
void leave_no_core() {
  const rlimit none{1, 1};
  setrlimit(RLIMIT_CORE, &none);
}

// One file descriptor for each open request; the settings have counted on the hard limit.
void raise_open_files() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

int act(const Options& options, const Environment& environment) {
  if (options.print_config) {
    fmt::print("{}", effective_config(options, environment));
    return 0;
  }
  Settings settings = make_settings(options, environment);
  switch (settings.verb) {
    case Verb::plan:
      return print_plan(settings);
    case Verb::keys:
    case Verb::check_keys:
      return print_keys(settings);
    case Verb::run:
      break;
  }
  return run_batch(std::move(settings), environment);
}

constexpr const char* can_be_resumed =
    "this is a bug in batchrun; the output files are in order and the run can be resumed";

// An exception that nobody expected on some thread, a broken invariant, memory at its end (mimalloc aborts
// there): what went wrong has been printed, and what is left behind is what a kill would leave.
void end_aborted(int /*signal*/) {
  for (const char* const part : {"error: it cannot go on\n  hint: ", can_be_resumed, "\n"}) {
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  _exit(static_cast<int>(ExitCode::internal_error));
}

int complain(const std::string& message, const std::string& place, const std::string& hint, ExitCode code,
             const Environment& environment) {
  const bool color = use_color(ColorMode::automatic, environment, isatty(STDERR_FILENO) != 0);
  fmt::print(stderr, "{}", render_error(message, place, hint, color));
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, end_aborted);
  leave_no_core();
  raise_open_files();
  const Environment environment = process_environment();
  try {
    auto parsed = parse_options(argc, argv);
    if (const auto* exit = std::get_if<Exit>(&parsed)) {
      fmt::print(exit->to_stderr ? stderr : stdout, "{}", exit->text);
      return exit->code;
    }
    return act(std::get<Options>(parsed), environment);
  } catch (const UsageError& error) {
    return complain(error.what(), error.place, error.hint, ExitCode::usage, environment);
  } catch (const InputError& error) {
    return complain(error.message, "", error.hint, ExitCode::usage, environment);
  } catch (const OutputInUse& error) {
    return complain(error.what(), "", error.hint, ExitCode::usage, environment);
  } catch (const OutputError& error) {
    return complain(error.what(), "", error.hint, ExitCode::output_failed, environment);
  } catch (const std::exception& error) {
    return complain(error.what(), "", can_be_resumed, ExitCode::internal_error, environment);
  }
}
