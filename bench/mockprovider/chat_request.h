// A chat completion request as the simulated model needs it. Pure.
//
// Prompt tokens: max(1, ceil(bytes of text / 4)) + 3 for each message. Parts of a content array count their
// text.
//
// A prompt's marker tells answers apart: "[[...]]" in the last user message if it holds one, else that
// message's first 64 bytes. Every answer starts with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/mockprovider/api_error.h"

namespace batchrun::mock {

struct ChatRequest {
  std::string model;
  bool stream = false, include_usage = false;
  std::uint32_t choices = 1;                // "n"
  std::optional<std::uint64_t> max_tokens;  // max_completion_tokens, else max_tokens
  std::uint64_t prompt_tokens = 0;
  std::string last_user_text;
  std::string marker;
  bool marker_given = false;       // it was "[[...]]"
  std::uint64_t content_hash = 0;  // of roles and texts of all messages; stable within one build
  std::string tool_name;           // "" = answer with text
  std::string tool_arguments;      // a JSON object that fits the tool's parameters
  std::string json_answer;         // "" = plain text; else the JSON that response_format asks for

  void clear();
};

// Reads a request body into `out`. An error: what the provider would say about it.
std::optional<ApiError> parse_chat_request(std::string_view body, ChatRequest& out);

// What a prompt is counted under (/mock/executions): its given marker, else its whole content.
std::uint64_t execution_id(const ChatRequest& request);
std::uint64_t execution_id_of_marker(std::string_view marker);

}  // namespace batchrun::mock
