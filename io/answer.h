// An answer in OpenAI's chat.completion form, finished or being put together from chunks. Values; no thread
// rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pool/outcome.h"

namespace batchrun {

// A finished answer.
struct Answer {
  std::string body;           // one JSON object on one line: a chat.completion, or the provider's own words
  std::string model;          // what the provider says answered
  std::string finish_reason;  // of the first choice: "stop", "length", "tool_calls", "content_filter", ...
  Usage usage;
};

// A streamed answer so far.
struct AnswerDraft {
  struct ToolCall {
    std::string id, type, name, arguments;
    std::uint64_t block = 0;  // the number its pieces name it by, where that is not its place in the list
  };
  struct Choice {
    std::string role, content, refusal, reasoning, finish_reason;
    bool has_content = false, has_refusal = false, has_reasoning = false;
    std::vector<ToolCall> tool_calls;
    std::optional<ToolCall> function_call;  // the older form of a single tool call; no id, no type
    std::string logprobs_content,
        logprobs_refusal;  // elements of the two arrays as they came, with commas between
    bool has_logprobs = false;
  };
  std::string id, model, system_fingerprint, service_tier;
  std::int64_t created = 0;
  std::vector<Choice> choices;  // by index, at most 128
  Usage usage;
  std::string usage_json;  // the provider's usage object as it came, on one line; "" if none
  std::string body;        // the whole answer in the provider's own words, when the stream brings it; else ""
  bool content_seen = false;    // text, a tool call or a finish reason has come: the first-chunk gate opens
  bool end_mark = false;        // the stream's own end mark has come ([DONE])
  bool needs_end_mark = false;  // and without it the stream is not whole, whatever has finished

  bool every_choice_finished() const;  // false while there is no choice
  // The draft as a finished answer: `body`, or a chat.completion made of the choices; "usage" is left out
  // when none came. REQUIRES: complete by the provider's end rules.
  Answer finish() const;
};

}  // namespace batchrun
