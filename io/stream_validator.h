// Listens to one reply and decides what it is: an answer, or a fault before or after the first chunk.
//
//   awaiting_head -> awaiting_first_chunk -> streaming -> complete | faulted
//
// Rules: the gate opens at the first chunk with generated content; after it nothing but a
// whole stream is an answer: a finish reason or the end mark must have come, the mark where the dialect says
// so (AnswerDraft::needs_end_mark). Partial text is never an answer.
//
// What the reply is taken for: not 2xx, an error (its status decides, whatever becomes of its body, but for
// errors that end a row: they must come whole); a
// streamed request answered with JSON, a whole body; with neither events, nor lines of JSON, nor JSON (HTML),
// a fault at once; without a content type, what its first byte looks like. A compressed body was not asked
// for and is a fault. The end mark completes the answer even if the connection stays open; a fault of the
// wire after that is of no interest, before it is the verdict.
//
// What ends an answer: OpenAI's chat [DONE], or its finish reason and the end of the stream · responses the
// event that closes it · Anthropic message_stop and nothing else · Gemini, which has no mark, the finish
// reason and the end of the stream · Ollama the line with "done". Where a finish reason is enough, the wait
// for that end is short (Flow::finished), so that a connection that is held open does not cost the answer.
// Some servers say a finish reason with every chunk: where text comes after one, only the stream's end ends
// it.
//
// One thread at a time; used for one reply.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "io/answer.h"
#include "io/dialect.h"
#include "io/http_message.h"
#include "io/ndjson_decoder.h"
#include "io/sse_decoder.h"
#include "io/transport_ending.h"
#include "pool/outcome.h"

namespace batchrun {

struct ReplyCaps {
  std::size_t body_bytes = 64u << 20;        // a whole reply, plain or streamed
  std::size_t event_bytes = 1u << 20;        // one event of a stream; of Api::responses, whose last event is
                                             //   the whole reply, body_bytes hold instead
  std::size_t error_body_bytes = 64u << 10;  // kept of a reply that is an error; the rest is passed over
};

// What came of one attempt: the answer, or the fault with what the server said.
struct Reply {
  std::optional<Fault> fault;  // none: `answer` is good
  int status = 0;              // 0: no head came
  std::string request_id;
  ServerLimits limits;
  Answer answer;
  std::string error_body;  // of a reply that was not 2xx, as it came, capped; may be no JSON and no UTF-8
};

// Seconds since 1970.
using UnixClock = std::function<std::int64_t()>;

class StreamValidator final : public ResponseSink {
 public:
  // `api`: what the row was written for. `streamed`: the request asked for a stream. `clock`: for the time of
  // answers whose provider tells none; 0 without it. The dialect must outlive this.
  StreamValidator(const Dialect& dialect, Api api, bool streamed, const ReplyCaps& caps = {},
                  UnixClock clock = {});

  Flow on_head(ResponseHead head) override;
  Flow on_body(std::string_view octets) override;

  // The verdict. REQUIRES: the exchange is over; call once.
  Reply conclude(const Ending& ending);

 private:
  enum class State { awaiting_head, awaiting_first_chunk, streaming, complete, faulted };
  // What the body is taken for, by status and content type.
  enum class Form { undecided, events, lines, whole, error };

  Form form_of(const ResponseHead& head) const;
  Flow decide_by_first_byte(std::string_view octets);
  Flow take_events(std::string_view octets);
  Flow take_lines(std::string_view octets);
  Flow after_events(bool overflowed);
  Flow take_event(std::string_view name, std::string_view data);
  Flow take_whole(std::string_view octets);
  Flow take_error(std::string_view octets);
  Flow go_on() const;
  bool finished() const;
  Flow fail(Fault fault);
  Flow fail(FaultKind kind, std::string_view message);
  void conclude_error(const Ending& ending);
  void conclude_whole();
  void conclude_events();
  void take_draft();

  const Dialect& dialect_;
  const Api api_;
  const bool streamed_;
  const ReplyCaps caps_;
  const std::size_t event_cap_;
  const UnixClock clock_;
  State state_ = State::awaiting_head;
  Form form_ = Form::undecided;
  ResponseHead head_;
  std::size_t octets_seen_ = 0;        // of the body
  std::string body_;                   // Form::whole and error
  SseDecoder decoder_;                 // Form::events
  NdjsonDecoder line_decoder_;         // Form::lines
  AnswerDraft draft_;                  // Form::events and lines
  bool goes_on_after_finish_ = false;  // its finish reasons end nothing: only the stream's end does
  Reply reply_;
};

}  // namespace batchrun
