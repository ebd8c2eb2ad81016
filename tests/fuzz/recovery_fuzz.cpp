// A results file as anything may have left it: recovered, it ends in a whole line, nothing good is lost, and
// to recover it again changes nothing, whether it is scanned whole or in parts; and a file that is refused
// stays as it is. Input: where the file is cut off; then the file.
#include <cstdint>
#include <string>

#include "io/recovery.h"
#include "tests/fuzz/must.h"
#include "tests/support/memory_files.h"

namespace {

using namespace batchrun;

struct Recovered {
  bool refused = false;
  RecoveredFile file;
  std::size_t rows = 0;
  std::string text;
};

Recovered recovered(const std::string& text, std::uint64_t octets) {
  MemoryFiles files;
  files.put("results", text);
  Recovered result;
  {
    OutputFile file = OutputFile::open(files, "results");
    DoneRows done;
    try {
      result.file = recover(file, done, {octets, std::launch::deferred});
    } catch (const OutputError&) {
      result.refused = true;
    }
    done.seal();
    result.rows = done.size();
  }
  result.text = files.text("results");
  return result;
}

// What is good and ends in LF, judged by each line on its own.
std::uint64_t whole_good_lines(const std::string& text) {
  LogLineParser parser;
  std::uint64_t good = 0;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    if (parser.parse(std::string_view(text).substr(at, end - at))) ++good;
  }
  return good;
}

void check(const std::string& text) {
  constexpr std::uint64_t one_part = 1u << 30;
  const std::uint64_t small_parts = text.size() / 3 + 16;
  const Recovered once = recovered(text, one_part);
  if (once.refused) {
    must(once.text == text && whole_good_lines(text) == 0);
    must(recovered(text, small_parts).refused);
    return;
  }
  must(once.text.empty() || once.text.back() == '\n');
  must(once.file.size == once.text.size());
  must(once.file.lines == whole_good_lines(once.text));
  must(once.file.lines >= whole_good_lines(text));
  must(once.rows <= once.file.lines);

  const Recovered in_parts = recovered(text, small_parts);
  must(in_parts.text == once.text && in_parts.rows == once.rows);
  must(in_parts.file.lines == once.file.lines && in_parts.file.bad_lines == once.file.bad_lines);

  const Recovered again = recovered(once.text, one_part);
  must(again.text == once.text && again.rows == once.rows && again.file.repaired_bytes == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  check(text);
  check(text.substr(0, (data[0] * 256u + data[1]) % (text.size() + 1)));
  return 0;
}
