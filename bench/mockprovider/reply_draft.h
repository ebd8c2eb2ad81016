// A reply before it is bytes: status, fields, and a body or events. Faults that change what is said edit
// this; faults that change how it is sent are wire_reply's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/mockprovider/api_error.h"
#include "bench/mockprovider/completion.h"
#include "bench/mockprovider/fault.h"
#include "bench/mockprovider/moment.h"

namespace batchrun::mock {

struct ReplyDraft {
  int status = 200;
  std::string_view content_type = "application/json";  // "" = none
  std::string fields;                                  // further header lines, each with its CRLF
  std::string body;                                    // of a plain reply
  bool streamed = false;
  StreamEvents events;
  bool done_mark = true;  // [DONE] after the last event
  std::string_view line_end = "\n";
  bool comments = false, multi_line_data = false, final_blank_line = true;

  void clear();
};

// Turns the draft into this error.
void make_error(ReplyDraft& draft, const ApiError& error, Flavour flavour);

// Adds retry-after (and retry-after-ms) for a wait, as the flavour does.
void add_retry_after(ReplyDraft& draft, Moment wait, Flavour flavour);

// What a fault of stage `refused` or `replaces_answer` says instead of the answer.
struct FaultContext {
  Flavour flavour = Flavour::openai;
  std::string_view key{}, organisation{}, model{};
  std::uint64_t prompt_tokens = 0;
  std::int64_t unix_s = 0;
};
void replace_with_fault(ReplyDraft& draft, const FaultRule& rule, const FaultContext& context);

// Applies a fault of stage `events` to an answer.
void spoil_events(ReplyDraft& draft, const FaultRule& rule, Flavour flavour);

// Place in draft.events.data of the content chunk that comes after rule.after_chunks others (the last at
// most).
std::size_t event_after(const StreamEvents& events, std::uint32_t chunks);

}  // namespace batchrun::mock
