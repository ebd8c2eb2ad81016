#include "io/stream_validator.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "io/ascii.h"
#include "io/fault_message.h"

namespace batchrun {

namespace {

constexpr std::size_t largest_reserve = 64u << 10;  // a stated length is believed only this far

// The media type without its parameters.
std::string_view media_type(const ResponseHead& head) {
  const std::string_view field = head.field("content-type");
  return ascii::trim(field.substr(0, field.find(';')));
}

bool is_json(std::string_view type) {
  return ascii::same(type, "application/json") || ascii::same(type, "text/json") ||
         (type.size() > 5 && ascii::same(type.substr(type.size() - 5), "+json"));
}

bool is_compressed(const ResponseHead& head) {
  const std::string_view coding = ascii::trim(head.field("content-encoding"));
  return !coding.empty() && !ascii::same(coding, "identity");
}

std::size_t stated_length(const ResponseHead& head) {
  const std::string_view field = head.field("content-length");
  std::size_t length = 0;
  std::from_chars(field.data(), field.data() + field.size(), length);
  return length;
}

// Octets of text and calls that the first so many choices have so far.
std::size_t text_size(const AnswerDraft& draft, std::size_t choices) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < choices; ++i) {
    const AnswerDraft::Choice& choice = draft.choices[i];
    size += choice.content.size() + choice.refusal.size() + choice.reasoning.size();
    for (const AnswerDraft::ToolCall& call : choice.tool_calls)
      size += call.name.size() + call.arguments.size();
  }
  return size;
}

}  // namespace

StreamValidator::StreamValidator(const Dialect& dialect, Api api, bool streamed, const ReplyCaps& caps,
                                 UnixClock clock)
    : dialect_(dialect),
      api_(api),
      streamed_(streamed),
      caps_(caps),
      event_cap_(api == Api::responses ? caps.body_bytes : caps.event_bytes),
      clock_(std::move(clock)),
      decoder_(event_cap_),
      line_decoder_(event_cap_) {}

Flow StreamValidator::on_head(ResponseHead head) {
  head_ = std::move(head);
  if (clock_) head_.began = clock_();
  reply_.status = head_.status;
  reply_.limits = dialect_.limits(head_);
  reply_.request_id = dialect_.request_id(head_);
  state_ = State::awaiting_first_chunk;
  form_ = form_of(head_);
  if (form_ == Form::error) return Flow::awaiting;
  if (is_compressed(head_))
    return fail(FaultKind::malformed_reply, "the reply is compressed, which was not asked for");
  if (form_ == Form::undecided && !media_type(head_).empty()) {
    return fail(FaultKind::malformed_reply,
                "the reply is " + std::string(media_type(head_)) + ", neither an event stream nor JSON");
  }
  if (form_ == Form::whole) body_.reserve(std::min(stated_length(head_), largest_reserve));
  return Flow::awaiting;
}

StreamValidator::Form StreamValidator::form_of(const ResponseHead& head) const {
  if (head.status < 200 || head.status >= 300) return Form::error;
  const std::string_view type = media_type(head);
  if (!streamed_ || is_json(type)) return Form::whole;
  if (ascii::same(type, "application/x-ndjson")) return Form::lines;
  return ascii::same(type, "text/event-stream") ? Form::events : Form::undecided;
}

Flow StreamValidator::on_body(std::string_view octets) {
  // Cut at the cap first: what lies before it counts the same however the octets come.
  const std::size_t room = caps_.body_bytes - octets_seen_;
  const bool over = octets.size() > room;
  octets = octets.substr(0, room);
  octets_seen_ += octets.size();
  Flow flow = Flow::awaiting;
  switch (form_) {
    case Form::undecided:
      flow = decide_by_first_byte(octets);
      break;
    case Form::events:
      flow = take_events(octets);
      break;
    case Form::lines:
      flow = take_lines(octets);
      break;
    case Form::whole:
      flow = take_whole(octets);
      break;
    case Form::error:
      flow = take_error(octets);
      return over ? Flow::done : flow;
  }
  if (!over || flow == Flow::done || flow == Flow::stop) return flow;
  return fail(FaultKind::too_large,
              "the reply is longer than " + std::to_string(caps_.body_bytes) + " bytes");
}

Flow StreamValidator::decide_by_first_byte(std::string_view octets) {
  const std::size_t first = octets.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return Flow::awaiting;  // says nothing in either form
  switch (octets[first]) {
    case '{':
    case '[':
    case '<':  // HTML: no answer, but its text is worth quoting
      form_ = Form::whole;
      return take_whole(octets.substr(first));
    default:
      form_ = Form::events;
      return take_events(octets.substr(first));
  }
}

Flow StreamValidator::take_events(std::string_view octets) {
  decoder_.feed(octets);
  while (const auto event = decoder_.next()) {
    const Flow flow = take_event(event->name, event->data);
    if (flow == Flow::done || flow == Flow::stop) return flow;
  }
  return after_events(decoder_.overflowed());
}

Flow StreamValidator::take_lines(std::string_view octets) {
  line_decoder_.feed(octets);
  while (const auto line = line_decoder_.next()) {
    const Flow flow = take_event("", *line);
    if (flow == Flow::done || flow == Flow::stop) return flow;
  }
  return after_events(line_decoder_.overflowed());
}

Flow StreamValidator::after_events(bool overflowed) {
  if (!overflowed) return go_on();
  return fail(FaultKind::malformed_reply, "an event is longer than " + std::to_string(event_cap_) + " bytes");
}

Flow StreamValidator::take_event(std::string_view name, std::string_view data) {
  const std::size_t had_finished = finished() ? draft_.choices.size() : 0;
  const std::size_t text = text_size(draft_, had_finished);
  if (auto fault = dialect_.decode_event(api_, name, data, draft_)) return fail(std::move(*fault));
  goes_on_after_finish_ |= text_size(draft_, had_finished) > text;
  if (!draft_.end_mark) {
    if (draft_.content_seen) state_ = State::streaming;
    return go_on();
  }
  if (!draft_.content_seen) return fail(FaultKind::truncated_reply, "the stream ended without an answer");
  state_ = State::complete;
  return Flow::done;
}

Flow StreamValidator::take_whole(std::string_view octets) {
  if (body_.empty()) {
    // White space is sent to keep a slow reply's connection open; it is no part of it.
    octets.remove_prefix(std::min(octets.find_first_not_of(" \t\r\n"), octets.size()));
  }
  body_ += octets;
  if (!body_.empty()) state_ = State::streaming;
  return go_on();
}

Flow StreamValidator::take_error(std::string_view octets) {
  if (is_compressed(head_)) return Flow::awaiting;  // not to be read; the status says enough
  body_ += octets.substr(0, caps_.error_body_bytes - body_.size());
  return Flow::awaiting;
}

Flow StreamValidator::go_on() const {
  if (state_ != State::streaming) return Flow::awaiting;
  return finished() && !goes_on_after_finish_ ? Flow::finished : Flow::committed;
}

// The rest of the stream is of use, but it is not needed.
bool StreamValidator::finished() const {
  return !draft_.needs_end_mark && draft_.every_choice_finished();
}

Flow StreamValidator::fail(Fault fault) {
  fault.status = reply_.status;
  reply_.fault = std::move(fault);
  state_ = State::faulted;
  return Flow::stop;
}

Flow StreamValidator::fail(FaultKind kind, std::string_view message) {
  Fault fault;
  fault.kind = kind;
  fault.message = fault_message(message);
  return fail(std::move(fault));
}

Reply StreamValidator::conclude(const Ending& ending) {
  if (state_ == State::complete) {
    take_draft();
  } else if (state_ != State::awaiting_head && form_ == Form::error) {
    conclude_error(ending);
  } else if (state_ == State::faulted) {
    // Found while the reply came.
  } else if (ending.fault) {
    fail(*ending.fault);
  } else if (state_ == State::awaiting_head) {
    fail(FaultKind::truncated_reply, "the connection ended before a reply");
  } else if (form_ == Form::events || form_ == Form::lines) {
    conclude_events();
  } else {
    conclude_whole();
  }
  return std::move(reply_);
}

// The row is not given up for what was not heard to its end: of some providers the body alone tells a bad
// request from a bad key.
void StreamValidator::conclude_error(const Ending& ending) {
  Fault said = dialect_.classify(head_, body_);
  if (ending.fault && !traits(said.kind).retryable) said = *ending.fault;
  fail(std::move(said));
  reply_.error_body = std::move(body_);
}

void StreamValidator::conclude_whole() {
  if (auto fault = dialect_.decode_body(api_, head_, body_, reply_.answer)) fail(std::move(*fault));
}

void StreamValidator::conclude_events() {
  if (form_ == Form::lines) {
    line_decoder_.end();
    take_lines({});
  } else {
    decoder_.end();
    take_events({});
  }
  if (state_ == State::faulted) return;
  if (state_ != State::complete && !finished()) {
    fail(FaultKind::truncated_reply, "the stream ended without a finish reason or an end mark");
    return;
  }
  take_draft();
}

void StreamValidator::take_draft() {
  if (draft_.created == 0) draft_.created = head_.began;
  reply_.answer = draft_.finish();
}

}  // namespace batchrun
