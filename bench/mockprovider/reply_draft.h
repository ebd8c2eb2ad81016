// A reply before it is bytes: status, fields, and a body or events. Faults that change what is said edit
// this; faults that change how it is sent are wire_reply's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/fault.h"
#include "bench/mockprovider/problem.h"
#include "bench/mockprovider/stream_events.h"

namespace batchrun::mock {

struct ReplyDraft {
  int status = 200;
  std::string_view content_type = "application/json";  // "" = none
  std::string fields;                                  // further header lines, each with its CRLF
  std::string body;                                    // of a plain reply
  bool streamed = false;
  StreamEvents events;
  bool comments = false, multi_line_data = false, final_blank_line = true;
  std::string_view keep_alive = ": keep-alive\n\n";

  void clear();
};

// Turns the draft into this error.
void make_error(ReplyDraft& draft, const Problem& problem, const Dialect& dialect);

// What a fault of stage `refused` or `replaces_answer` says instead of the answer. `about`: whose request it
// was and what for; its trouble is the fault's.
void replace_with_fault(ReplyDraft& draft, const FaultRule& rule, const Problem& about,
                        const Dialect& dialect, std::int64_t unix_s);

// Applies a fault of stage `events` to an answer that `endpoint` wrote.
void spoil_events(ReplyDraft& draft, const FaultRule& rule, const Problem& about, const Endpoint& endpoint,
                  const Dialect& dialect);

// Place in events.data of the content chunk that comes after `chunks` others (the last at most).
std::size_t event_after(const StreamEvents& events, std::uint32_t chunks);

}  // namespace batchrun::mock
