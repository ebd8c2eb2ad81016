// A chat row taken apart, for dialects that say the same in other words. Pure.
//
// Everything is JSON text as it came, a part of the row (or of `made`, for a prompt row): a string has its
// quotes and its escapes, so that it can be put into another JSON text without being read.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "io/row.h"

namespace batchrun {

struct ChatView {
  struct Part {
    enum class Kind { text, image_url, image_data };
    Kind kind = Kind::text;
    std::string_view text;        // text: a JSON string
    std::string_view url;         // image_url: a JSON string
    std::string_view media_type;  // image_data: "image/png", plain; "" when the URL has none
    std::string_view data;        // image_data: base64, plain
  };

  struct ToolCall {
    std::string_view id, name;   // JSON strings
    std::string_view arguments;  // a JSON string that holds JSON, as OpenAI has it
  };

  struct Message {
    enum class Role { system, user, assistant, tool };  // a developer's message is a system message
    Role role = Role::user;
    std::vector<Part> parts;  // of content; empty when it is null
    std::vector<ToolCall> tool_calls;
    std::string_view tool_call_id;  // of a tool's message: a JSON string
  };

  struct Tool {
    std::string_view name, description;  // JSON strings; description may be absent
    std::string_view parameters;         // a JSON schema; may be absent
    std::string_view strict;             // may be absent
  };

  enum class ToolChoice { automatic, none, required, one };
  enum class Format { text, json_object, json_schema };

  std::vector<Message> messages;  // in their order
  std::vector<Tool> tools;
  ToolChoice tool_choice = ToolChoice::automatic;
  std::string_view chosen_tool;  // ToolChoice::one: its name, a JSON string
  bool serial_tool_calls = false;
  Format format = Format::text;
  std::string_view schema_name, schema;  // Format::json_schema: a JSON string; a JSON schema
  std::vector<std::string_view> stop;    // JSON strings
  std::string_view temperature, top_p, top_k, seed, frequency_penalty, presence_penalty, repetition_penalty,
      min_p, reasoning_effort, user, logprobs, top_logprobs, service_tier, choices;  // "" when absent or null
  std::string_view max_output_tokens;  // max_completion_tokens, else max_tokens; "" when absent

  std::deque<std::string> made;  // text that is no part of the row
};

// Takes apart a row of Api::chat. REQUIRES: parse_row() made it. What it does not know stays out: Row::needs
// names it (Feature::other, functions, ...), and no dialect that uses this honours those. A role it does not
// know is a user's.
ChatView view_chat(const Row& row);

// What a JSON string stands for.
std::string text_of(std::string_view json_string);

// The object that a call's arguments hold, for providers that want it as one; {} for none. Where they hold no
// object, the string as it is, for the provider to refuse.
void append_arguments(std::string& out, std::string_view arguments);

// [a,b]
void append_list(std::string& out, const std::vector<std::string_view>& values);

}  // namespace batchrun
