#include "io/ndjson_decoder.h"

#include "io/ascii.h"

namespace batchrun {

std::optional<std::string_view> NdjsonDecoder::next() {
  while (const auto line = take_line()) {
    const std::string_view text = ascii::trim(*line);
    if (!text.empty()) return text;
  }
  return std::nullopt;
}

std::optional<std::string_view> NdjsonDecoder::take_line() {
  if (handed_out_) {
    line_.clear();
    handed_out_ = false;
  }
  if (overflowed_) return std::nullopt;
  const std::size_t lf = octets_.find('\n');
  const std::size_t size = lf == std::string_view::npos ? octets_.size() : lf;
  if (line_.size() + size > max_line_bytes_) {
    overflowed_ = true;
    return std::nullopt;
  }
  const std::string_view rest = octets_.substr(0, size);
  if (lf == std::string_view::npos) {
    line_ += rest;
    octets_ = {};
    if (!ended_ || line_.empty()) return std::nullopt;
    handed_out_ = true;
    return line_;
  }
  octets_.remove_prefix(lf + 1);
  if (line_.empty()) return rest;
  line_ += rest;
  handed_out_ = true;
  return line_;
}

}  // namespace batchrun
