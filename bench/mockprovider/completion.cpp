#include "bench/mockprovider/completion.h"

#include <algorithm>
#include <array>

#include "bench/mockprovider/random.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

// Each with the space before it, as most tokens of a real model have.
constexpr std::array<std::string_view, 64> words = {
    " the",   " of",      " and",    " to",      " in",      " is",     " that",   " for",
    " it",    " as",      " with",   " on",      " by",      " this",   " from",   " or",
    " are",   " which",   " at",     " one",     " all",     " can",    " more",   " when",
    " there", " other",   " some",   " time",    " these",   " two",    " may",    " then",
    " first", " any",     " like",   " over",    " such",    " most",   " each",   " between",
    " often", " small",   " large",  " water",   " light",   " energy", " system", " number",
    " part",  " process", " result", " reason",  " example", " common", " simple", " higher",
    " lower", " before",  " after",  " because", " while",   " called", " means",  " usually"};

constexpr std::string_view thought = "The user wants an answer, so I give one.";
constexpr std::uint64_t thought_tokens = 10;
constexpr std::size_t bytes_per_piece = 8;  // of tool arguments and JSON answers

void add_piece(Completion& out, std::string_view piece) {
  out.text += piece;
  out.piece_ends.push_back(static_cast<std::uint32_t>(out.text.size()));
}

void add_in_pieces(Completion& out, std::string_view text) {
  while (!text.empty()) {
    const std::string_view piece = utf8_prefix(text, bytes_per_piece);
    add_piece(out, piece);
    text.remove_prefix(piece.size());
  }
}

// Reasoning comes first and takes its part of max_tokens.
std::uint64_t think(const Call& call, std::uint64_t allowed, Completion& out) {
  out.thought = {};
  out.thought_tokens = 0;
  if (!call.thinks) return allowed;
  out.thought = thought;
  out.thought_tokens = std::min(thought_tokens, allowed);
  return allowed - out.thought_tokens;
}

void add_words(const Call& call, const Scenario& scenario, std::uint64_t allowed, Completion& out) {
  Random random(mix(scenario.seed) ^ call.content_hash);
  // Lengths from a quarter of max_tokens to five quarters: one answer in five is cut by it.
  const auto quarters = static_cast<double>(allowed) / 4;
  const auto wished = scenario.answer_tokens > 0
                          ? std::uint64_t{scenario.answer_tokens}
                          : static_cast<std::uint64_t>(quarters * (1 + 4 * random.unit())) + 1;
  const std::uint64_t length = std::min(wished, allowed);
  out.finish = wished > allowed ? Finish::length : Finish::stop;
  if (length == 0) return;
  add_piece(out, call.marker.empty() ? std::string_view("Answer") : std::string_view(call.marker));
  while (out.piece_ends.size() + 1 < length) add_piece(out, words[random.next() % words.size()]);
  if (length > 1)
    add_piece(out, wished > allowed ? words[random.next() % words.size()] : std::string_view("."));
}

}  // namespace

void make_completion(const Call& call, const Scenario& scenario, Completion& out) {
  out.text.clear();
  out.piece_ends.clear();
  out.blocked = false;
  out.finish = call.tool_name.empty() ? Finish::stop : Finish::tool_call;
  const std::uint64_t wanted = call.max_tokens.value_or(scenario.default_max_tokens);
  const std::uint64_t left = think(call, std::min<std::uint64_t>(wanted, scenario.longest_answer), out);
  if (out.is_tool_call()) {
    add_in_pieces(out, call.tool_arguments);
  } else if (!call.json_answer.empty()) {
    add_in_pieces(out, call.json_answer);
  } else {
    add_words(call, scenario, left, out);
  }
  out.tokens = (out.piece_ends.size() + out.thought_tokens) * call.choices;
}

void make_blocked(Completion& out) {
  out = {};
  out.blocked = true;
  out.finish = Finish::filtered;
}

}  // namespace batchrun::mock
