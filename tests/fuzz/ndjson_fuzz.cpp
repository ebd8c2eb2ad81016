// Lines of NDJSON cut anywhere: the same ones as the simplest reader finds. Input: length of the pieces; then
// the stream.
#include <cstdint>
#include <vector>

#include "io/ndjson_decoder.h"
#include "tests/fuzz/must.h"

namespace {

constexpr const char* white = " \t\r\n";

// Lines end in LF; white space around them is none of theirs, and blank ones are none.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t first = line.find_first_not_of(white);
    if (first == std::string::npos) continue;
    lines.push_back(line.substr(first, line.find_last_not_of(white) - first + 1));
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchrun;
  if (size < 1) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] % 32 + 1u;
  std::vector<std::string> found;
  NdjsonDecoder decoder(1u << 20);
  const auto drain = [&] {
    while (const auto line = decoder.next()) found.emplace_back(*line);
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string octets = text.substr(at, piece);
    decoder.feed(octets);
    drain();
  }
  decoder.end();
  decoder.feed({});
  drain();
  must(!decoder.overflowed());
  must(found == lines_of(text));
  return 0;
}
