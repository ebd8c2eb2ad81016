// The members of a row, or of its body, that mean something to batchrun: found by name, each once. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/json_tokens.h"
#include "io/row.h"

namespace batchrun {

// Why a line is no row: a sentence, and the byte of the line it is about.
struct RowRefusal {
  static constexpr std::size_t whole_line = static_cast<std::size_t>(-1);
  std::size_t at = whole_line;
  std::string message;
};

// `text` for use in a message: quoted if it is harmless on a terminal and short.
std::string shown(std::string_view text);

// In the order of their texts in the .cpp. Parameters of a chat first: see given_parameters().
enum class MemberName : std::uint8_t {
  // clang-format off
  audio, modalities, tools, tool_choice, parallel_tool_calls, functions, function_call, response_format, stop, seed, n,
  temperature, top_p, top_k, min_p, frequency_penalty, presence_penalty, repetition_penalty, logit_bias, logprobs,
  top_logprobs, reasoning_effort, reasoning, service_tier, prediction, web_search_options, verbosity, user,
  safety_identifier, store, prompt_cache_key,
  metadata,  // batchrun's own, but for a batch line's body
  max_tokens, max_completion_tokens, max_output_tokens,
  custom_id, id, method, url, body, messages, prompt, system, provider, model, route, tags, priority,
  batchrun, request, query, contents, input, stream, stream_options, generationConfig, options,
  none
  // clang-format on
};
inline constexpr std::size_t member_names = static_cast<std::size_t>(MemberName::none);
inline constexpr std::size_t parameter_names = static_cast<std::size_t>(MemberName::metadata) + 1;

// The first member of a row or its body, a valid JSON object, that means nothing to batchrun in that place,
// for a message; "" when all do.
std::string unknown_member(std::string_view object, BodyPlace place);

class RowMembers {
 public:
  RowMembers() { values_.fill(absent); }

  // Refuses a member given twice, and any by which a row would choose where its request goes; the first of
  // them, with all members read. One that is null counts as not given.
  std::optional<RowRefusal> read(const JsonTokens& tokens, JsonTokens::Value object);

  bool has(MemberName name) const { return (*this)[name] != absent; }
  JsonTokens::Value operator[](MemberName name) const { return values_[static_cast<std::size_t>(name)]; }

  // Bit i: the parameter MemberName(i) is there.
  std::uint32_t given_parameters() const { return static_cast<std::uint32_t>(given_); }
  // A member that means nothing in that place: none of MemberName, or a word of another shape of row.
  bool has_unknown(BodyPlace place) const;
  // One that would be sent only if it stood in the body of the batch line that these are of; none if there is
  // no such.
  MemberName outside_its_body() const;

 private:
  static constexpr JsonTokens::Value absent = static_cast<JsonTokens::Value>(-1);
  std::array<JsonTokens::Value, member_names> values_;
  std::uint64_t given_ = 0;  // bit i: MemberName(i)
  bool unknown_ = false;
  static_assert(parameter_names <= 32 && member_names <= 64);
};

// As it is written.
std::string_view text_of(MemberName name);

}  // namespace batchrun
