// An input cut into lines, however its octets come: the same ones as the simplest splitter finds. Input:
// length of the pieces, longest line allowed; then the text.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/line_source.h"
#include "tests/fuzz/must.h"

namespace {

using namespace batchrun;

class Pieces final : public ByteSource {
 public:
  Pieces(std::string_view text, std::size_t piece) : text_(text), piece_(piece) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t got = std::min({size, piece_, text_.size() - at_});
    std::memcpy(into, text_.data() + at_, got);
    at_ += got;
    return got;
  }
  std::uint64_t bytes_read() const override { return at_; }
  std::uint64_t bytes_total() const override { return text_.size(); }

 private:
  std::string_view text_;
  std::size_t piece_, at_ = 0;
};

using Lines = std::vector<std::pair<std::uint64_t, std::string>>;

// Number and text of every line that is not empty.
Lines split(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Lines lines;
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(number, line);
  }
  return lines;
}

// UTF-16 and UTF-32 are refused as a whole: by their marks, or by where the zeros of their first ASCII
// characters are.
bool is_wide(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  std::string zeros;
  for (const char c : text.substr(0, 4)) {
    const bool ascii = (c > 31 && c < 127) || c == 9 || c == 10 || c == 13;
    zeros += c == 0 ? '0' : ascii ? 'a' : '?';
  }
  return zeros == "a0a0" || zeros == "0a0a" || zeros == "a000" || zeros == "000a";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t longest = data[1] + 16u;
  std::optional<LineSource> source;
  try {
    source.emplace(std::make_unique<Pieces>(text, data[0] + 1u), longest);
  } catch (const InputError&) {
    must(is_wide(text));
    return 0;
  }
  must(!is_wide(text));
  const Lines wanted = split(text);
  std::size_t count = 0;
  for (Line line; source->next(line);) {
    must(count < wanted.size());
    const auto& [number, whole] = wanted[count++];
    must(line.number == number && line.size == whole.size());
    must(line.too_long == (whole.size() > longest));
    must(line.too_long ? whole.starts_with(line.text) : line.text == whole);
  }
  must(count == wanted.size());
  return 0;
}
