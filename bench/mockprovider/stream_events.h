// The events of a streamed answer, and how they stand on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace batchrun::mock {

struct StreamForm {
  enum class Framing : std::uint8_t { sse, ndjson, array };
  Framing framing = Framing::sse;
  std::string_view content_type = "text/event-stream; charset=utf-8";
  std::string_view line_end = "\n";
  bool named = false;            // each event has an "event:" line, equal to the type its data starts with
  bool end_mark_needed = false;  // a stream without its end mark is not a whole answer
  std::string_view content_member = "choices";  // the member of an event that holds what was generated
};

// Elements `first_content` up to `first_content + contents` hold generated content.
struct StreamEvents {
  StreamForm form{};
  std::string preamble{};  // goes out before the wait for the first chunk: comment lines
  std::vector<std::string> data{};
  std::size_t first_content = 0, contents = 0;
  std::size_t finish = 0;    // the first with a finish reason
  std::size_t end_mark = 0;  // the first of those that only say that this was all; data.size(): there is none
  std::string tail{};        // bytes after the last event that are none themselves
  bool broken_off = false;   // an array is not closed
};

// The type that an event's data starts with ({"type":"NAME",...), "" when it does not.
std::string_view event_type(std::string_view data);

}  // namespace batchrun::mock
