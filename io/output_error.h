// What is thrown when an output file cannot be read, repaired or written: full disk, I/O error, another run
// holds it. What was synced before stays good.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace batchrun {

struct OutputError : std::runtime_error {
  OutputError(const std::string& message, std::string hint_)
      : std::runtime_error(message), hint(std::move(hint_)) {}
  std::string hint;
};

// Another run has the file: nothing is wrong with it.
struct OutputInUse : OutputError {
  using OutputError::OutputError;
};

// Throws "cannot WHAT PATH: what the errno means".
[[noreturn]] void fail_output(std::string_view what, const std::string& path, int error,
                              std::string_view hint = "");

// For what fails while a run writes.
inline constexpr std::string_view resume_hint =
    "what was synced before is kept; make room and run the same command again to go on";

}  // namespace batchrun
