// Server-sent events out of bytes that come cut anywhere. Pure; one thread.
//
//   decoder.feed(octets);
//   while (auto event = decoder.next()) ...
//   if (decoder.overflowed()) ...
//
// Follows the WHATWG HTML standard, 9.2.6 (LF, CRLF or CR end a line; BOM; comments; data lines joined with
// LF), with two differences that the providers' own clients have too: an event the stream ends in is
// delivered, not dropped; and where an event could start, a line that starts with { or [ is no field but the
// first of a bare JSON text, which goes on to the next blank line and is handed out as an event's data.
// Gemini says so in mid-stream that it failed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace batchrun {

struct SseEvent {
  std::string_view name;  // "" when the event has no `event` field
  std::string_view data;
};

class SseDecoder {
 public:
  // No line, and no event's data, may be longer than `max_event_bytes`.
  explicit SseDecoder(std::size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  // Adds octets. They must stay where they are until next() has answered nothing: an event that lies in them
  // whole, with one data line, is handed out in place. REQUIRES: next() has answered nothing since the last
  // feed.
  void feed(std::string_view octets);

  // The stream is over: next() will also hand out an event that no blank line ends. REQUIRES: as for feed.
  void end() { ended_ = true; }

  // The next event, or nothing: more octets are needed, or the stream has overflowed. The views hold until
  // the next call of any method.
  std::optional<SseEvent> next();

  // A line or an event was longer than allowed; nothing more will come.
  bool overflowed() const { return overflowed_; }

 private:
  bool take_line(std::string_view& line);
  void take_field(std::string_view line, bool in_place);
  void add_data(std::string_view value, bool in_place);
  std::optional<SseEvent> out_of_input();
  SseEvent deliver();
  void own_data();

  std::size_t max_event_bytes_;

  const char* at_ = nullptr;  // octets fed and not read yet
  const char* end_ = nullptr;
  const char* lf_ = nullptr;  // the first LF not before at_, or end_; so that streams of CR stay linear
  std::string line_;          // the start of a line whose end has not come

  std::string name_;
  std::string data_;           // the event's data, when it is not in place
  std::string_view in_place_;  // the event's data, a part of the octets
  bool data_in_place_ = false;
  bool has_data_ = false;
  bool bare_ = false;       // the event is a JSON text without field names
  bool delivered_ = false;  // the event above was handed out and is to be cleared

  bool first_line_ = true;  // a BOM may come
  bool after_cr_ = false;   // an LF now belongs to the CR before it
  bool ended_ = false;
  bool overflowed_ = false;
};

}  // namespace batchrun
