// What the simulated model says, and how each flavour writes it: as one JSON object or as the events of a
// stream. Pure.
//
// An answer is a function of the scenario's seed and the prompt: the same row gets the same answer in every
// run. Its first token is the prompt's marker, whatever its length, so that even max_tokens 1 shows whose
// answer it is; each further token is one English word. Tool calls and JSON answers are never cut short.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/mockprovider/chat_request.h"
#include "bench/mockprovider/scenario.h"

namespace batchrun::mock {

struct Completion {
  std::string text;                       // of each choice: content, or the arguments of the tool call
  std::vector<std::uint32_t> piece_ends;  // text falls into these pieces, one token each
  std::string_view finish_reason;
  bool is_tool_call = false;
  bool is_refusal = false;   // text is a refusal
  std::uint64_t tokens = 0;  // of all choices together
};

void make_completion(const ChatRequest& request, const Scenario& scenario, Completion& out);

// The parts of a reply that are the same for all its chunks.
struct ReplyFrame {
  Flavour flavour = Flavour::openai;
  std::string_view id{};     // 22 characters that make the ids of this reply
  std::string_view model{};  // as replies name it
  std::int64_t created = 0;
  bool usage = true;  // false: no usage anywhere
};

// OpenAI answers with the dated snapshot behind an alias; other names stay as they are.
std::string_view model_snapshot(std::string_view model);

void append_plain(std::string& out, const ChatRequest& request, const Completion& completion,
                  const ReplyFrame& frame);

// The data of a stream's events, [DONE] not included. Element `first_content` is the first with generated
// content; those of all choices follow one another.
struct StreamEvents {
  std::vector<std::string> data;
  std::size_t first_content = 0, contents = 0;
  std::size_t finish = 0;  // the first with a finish reason
};
void make_events(StreamEvents& out, const ChatRequest& request, const Completion& completion,
                 const ReplyFrame& frame, std::uint32_t chunks);

}  // namespace batchrun::mock
