// JSON that came from a server: scanned whole or refused, then read member by member. Pure; per thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/json_tokens.h"

namespace batchrun {

// A JSON text and its tokens. Both hold until the calling thread's next scan_reply.
struct ReplyJson {
  const JsonTokens* tokens = nullptr;  // nullptr: the text is no JSON
  std::string_view text;               // a copy the tokens are places in, without white space around it
  const char* wrong = "";              // why it is no JSON

  explicit operator bool() const { return tokens != nullptr; }
  bool is_object() const { return tokens != nullptr && tokens->first(JsonTokens::root) == '{'; }
};

// Scans `text`: one JSON value nested at most 128 deep, in UTF-8. A BOM before it is passed over. Escaped
// surrogates without their partner, which servers send when they cut a character in two, become U+FFFD in the
// result's text.
ReplyJson scan_reply(std::string_view text);

// What a string is between its quotes, escapes as they are; "" for any other value.
std::string_view string_inner(const JsonTokens& tokens, JsonTokens::Value value);

// What a string stands for; "" for any other value.
std::string string_of(const JsonTokens& tokens, JsonTokens::Value value);

// A number that is a whole count: not negative, less than 2^53; nothing for any other value. "14.0" and "1e3"
// count.
std::optional<std::uint64_t> count_of(const JsonTokens& tokens, JsonTokens::Value value);

// As JavaScript sees it: not null, false, zero or "".
bool is_truthy(const JsonTokens& tokens, JsonTokens::Value value);

}  // namespace batchrun
