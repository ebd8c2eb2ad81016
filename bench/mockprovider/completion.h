// What the simulated model says, before any dialect has written it. Pure.
//
// An answer is a function of the scenario's seed and the prompt: the same row gets the same answer in every
// run. Its first token is the prompt's marker, whatever its length, so that even max_tokens 1 shows whose
// answer it is; each further token is one English word. Tool calls and JSON answers are never cut short.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/mockprovider/call.h"
#include "bench/mockprovider/scenario.h"

namespace batchrun::mock {

enum class Finish : std::uint8_t { stop, length, tool_call, filtered, refused };

struct Completion {
  std::string text;                       // of each choice: content, or the arguments of the tool call
  std::vector<std::uint32_t> piece_ends;  // text falls into these pieces, one token each
  Finish finish = Finish::stop;           // `refused`: text is a refusal
  std::string_view thought{};             // "" = none
  std::uint64_t thought_tokens = 0;       // of each choice
  std::uint64_t tokens = 0;               // of all choices together, thoughts included
  bool blocked = false;                   // the prompt was refused: nothing was generated

  bool is_tool_call() const { return finish == Finish::tool_call; }
  bool is_refusal() const { return finish == Finish::refused; }
};

void make_completion(const Call& call, const Scenario& scenario, Completion& out);
// Instead of an answer: none, because of what was asked.
void make_blocked(Completion& out);

// How many chunks of content a stream of it has when `chunks` are wanted (0: one for each token).
inline std::size_t chunk_count(const Completion& completion, std::uint32_t chunks) {
  const std::size_t pieces = completion.piece_ends.size();
  return chunks == 0 ? pieces : std::min<std::size_t>(chunks, pieces);
}

// Calls use(text, tokens so far, is the last) for each of them.
template <class F>
void for_each_chunk(const Completion& completion, std::uint32_t chunks, F use) {
  const std::size_t pieces = completion.piece_ends.size(), count = chunk_count(completion, chunks);
  std::size_t start = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t tokens = (i + 1) * pieces / count;
    const std::size_t end = completion.piece_ends[tokens - 1];
    use(std::string_view(completion.text).substr(start, end - start), tokens, i + 1 == count);
    start = end;
  }
}

}  // namespace batchrun::mock
