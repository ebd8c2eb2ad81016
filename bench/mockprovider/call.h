// What a request asks for, in terms that belong to no provider: every dialect reads its own body into this,
// and the simulated model answers this. Plain data.
//
// Prompt tokens: max(1, ceil(bytes of text / 4)) + 3 for each message, a system prompt counting as one. The
// same conversation costs the same in every dialect.
//
// A prompt's marker tells answers apart: "[[...]]" in the last user message if it holds one, else that
// message's first 64 bytes. Every answer starts with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace batchrun::mock {

enum class Task : std::uint8_t { chat, embedding, search };

struct Call {
  Task task = Task::chat;
  std::string model;
  bool stream = false;
  bool include_usage = false;  // OpenAI chat: usage was asked for in a stream
  bool one_array = false;      // Gemini: the stream is one JSON array
  bool thinks = false;         // reasoning was asked for,
  bool shows_thought = false;  //   and Gemini is to tell it
  std::uint32_t choices = 1;   // "n"
  std::optional<std::uint64_t> max_tokens;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_tokens =
      0;  // of prompt_tokens: read from a cache. The scenario's share, not the request's
  std::string last_user_text;
  std::string marker;
  bool marker_given = false;       // it was "[[...]]"
  std::uint64_t content_hash = 0;  // of roles and texts of all messages; stable within one build
  std::string tool_name;           // "" = answer with text
  std::string tool_arguments;      // a JSON object that fits the tool's parameters
  std::string json_answer;         // "" = plain text; else the JSON that was asked for

  // embedding
  std::vector<std::uint64_t> inputs;  // hashes of what is to be embedded
  std::uint32_t dimensions = 0;       // 0 = the model's own number
  bool base64 = false;

  // search; last_user_text is the first of
  std::vector<std::string> queries;
  std::uint32_t results = 10;                                   // that are wanted for each
  std::vector<std::pair<std::string, std::string>> parameters;  // as the reply repeats them
  bool in_array = false;                                        // Serper: asked in an array, answered in one

  void clear();
};

// Takes a prompt's messages one after the other and fills the members of a call that depend on its text.
// Roles are "system", "user", "assistant", "tool", whatever the dialect calls them.
class PromptReader {
 public:
  explicit PromptReader(Call& call) : call_(call) {}
  void message(std::string_view role);
  void text(std::string_view text);
  bool last_is_tool() const { return role_ == "tool"; }
  // After the last message: counts tokens and finds the marker.
  void done();

 private:
  Call& call_;
  std::string role_;
  std::uint64_t bytes_ = 0, messages_ = 0;
};

// {"answer":MARKER}: what is said when JSON without a schema was asked for.
std::string marker_as_json(const Call& call);

// What a prompt is counted under (/mock/executions): its given marker, else its whole content.
std::uint64_t execution_id(const Call& call);
std::uint64_t execution_id_of_marker(std::string_view marker);

}  // namespace batchrun::mock
