// Lines of NDJSON out of bytes that come cut anywhere. Pure; one thread. Same shape as SseDecoder:
//
//   decoder.feed(octets);
//   while (auto line = decoder.next()) ...
//   if (decoder.overflowed()) ...
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace batchrun {

class NdjsonDecoder {
 public:
  // No line may be longer than `max_line_bytes`.
  explicit NdjsonDecoder(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // Adds octets, which must stay where they are until next() has answered nothing.
  void feed(std::string_view octets) { octets_ = octets; }
  // The stream is over: next() will also hand out a line that no LF ends.
  void end() { ended_ = true; }

  // The next line without its end, blank ones passed over; or nothing: more octets are needed, or the stream
  // has overflowed. The view holds until the next call of any method.
  std::optional<std::string_view> next();

  bool overflowed() const { return overflowed_; }

 private:
  std::optional<std::string_view> take_line();

  std::size_t max_line_bytes_;
  std::string_view octets_;  // fed and not read yet
  std::string line_;         // the start of a line whose end has not come
  bool handed_out_ = false;  // line_ is, and is to be cleared
  bool ended_ = false, overflowed_ = false;
};

}  // namespace batchrun
