#include "bench/mockprovider/call.h"

#include <algorithm>
#include <functional>

#include "bench/mockprovider/random.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

constexpr std::size_t longest_marker = 64;

std::uint64_t hash_of(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

void find_marker(Call& call) {
  const std::string_view text = call.last_user_text;
  const std::size_t open = text.find("[[");
  const std::size_t close = open == text.npos ? text.npos : text.find("]]", open);
  if (close != text.npos && close - open - 2 <= 4 * longest_marker) {
    call.marker = text.substr(open + 2, close - open - 2);
    call.marker_given = true;
  } else {
    call.marker = utf8_prefix(text, longest_marker);
  }
}

}  // namespace

void Call::clear() {
  task = Task::chat;
  model.clear();
  stream = include_usage = one_array = thinks = shows_thought = marker_given = base64 = in_array = false;
  choices = 1;
  max_tokens.reset();
  prompt_tokens = cached_tokens = content_hash = 0;
  last_user_text.clear();
  marker.clear();
  tool_name.clear();
  tool_arguments.clear();
  json_answer.clear();
  inputs.clear();
  dimensions = 0;
  queries.clear();
  results = 10;
  parameters.clear();
}

void PromptReader::message(std::string_view role) {
  role_ = role;
  ++messages_;
  call_.content_hash = mix(call_.content_hash ^ hash_of(role));
  if (role == "user") call_.last_user_text.clear();
}

void PromptReader::text(std::string_view text) {
  bytes_ += text.size();
  call_.content_hash = mix(call_.content_hash ^ hash_of(text));
  if (role_ == "user") call_.last_user_text += text;
}

void PromptReader::done() {
  call_.prompt_tokens = std::max<std::uint64_t>(1, (bytes_ + 3) / 4) + 3 * messages_;
  find_marker(call_);
}

std::string marker_as_json(const Call& call) {
  std::string out = "{\"answer\":";
  append_json_string(out, call.marker);
  return out + '}';
}

std::uint64_t execution_id(const Call& call) {
  return call.marker_given ? execution_id_of_marker(call.marker) : call.content_hash;
}

std::uint64_t execution_id_of_marker(std::string_view marker) {
  return mix(hash_of(marker) ^ 1);
}

}  // namespace batchrun::mock
