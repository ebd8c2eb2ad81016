// What stands in a run's output, read by a parser that is not the program's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace batchrun::story {

struct OutputLine {
  std::uint64_t row = 0;  // its line in the input
  std::string id, code, text, finish;
  bool ok = false;
};

struct OutputText {
  std::vector<OutputLine> lines;  // whole ones, and an object at the end that lacks only its LF
  std::size_t bad = 0;            // all else, and that object, too
};

OutputText read_output(const std::string& text);

}  // namespace batchrun::story
