#include "io/dialects/error_body.h"

#include <algorithm>

#include "io/ascii.h"
#include "io/duration_text.h"
#include "io/reply_json.h"

namespace batchrun {

namespace {

using Value = JsonTokens::Value;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

void take_status(const JsonTokens& tokens, Value value, ErrorBody& error) {
  const auto number = count_of(tokens, value);
  const auto quoted = parse_field_number(string_inner(tokens, value));
  const double status = number ? static_cast<double>(*number) : quoted.value_or(0);
  if (status >= 400 && status <= 599) error.status = static_cast<int>(status);
}

// OpenRouter's metadata: what the provider behind it said, and why an input was flagged.
void read_metadata(const JsonTokens& tokens, Value metadata, ErrorBody& error) {
  if (tokens.first(metadata) != '{') return;
  for (ObjectWalk walk(tokens, metadata); walk.next();) {
    if (is_one_of(walk.name(), {"reasons", "flagged_input"})) error.moderated = true;
    if (walk.name() == "raw") {
      const std::string raw = string_of(tokens, walk.value());
      if (!raw.empty()) error.message += ": " + raw;
    }
  }
}

// FastAPI: {"detail": "..."} or {"detail": [{"msg": "...", ...}]}.
void read_detail(const JsonTokens& tokens, Value detail, ErrorBody& error) {
  if (!error.message.empty()) return;
  error.message = string_of(tokens, detail);
  if (tokens.first(detail) == '[') error.message = std::string(tokens.raw(detail));
}

void read_finer_code(const JsonTokens& tokens, Value details, std::string_view name, ErrorBody& error) {
  if (tokens.first(details) != '{') return;
  for (ObjectWalk walk(tokens, details); walk.next();) {
    if (walk.name() == name) error.detail_code = string_of(tokens, walk.value());
  }
}

void read_object(const JsonTokens& tokens, Value object, ErrorBody& error) {
  Value metadata = JsonTokens::root;
  for (ObjectWalk walk(tokens, object); walk.next();) {
    const std::string_view name = walk.name();
    const Value value = walk.value();
    if (name == "message") error.message = string_of(tokens, value);
    if (name == "type") error.type = string_of(tokens, value);
    if (name == "code") error.code = string_of(tokens, value);
    if (is_one_of(name, {"code", "status", "status_code"})) take_status(tokens, value, error);
    if (name == "innererror") read_finer_code(tokens, value, "code", error);
    if (name == "details") read_finer_code(tokens, value, "error_code", error);
    if (name == "metadata") metadata = value;
    if (name == "detail") read_detail(tokens, value, error);
  }
  if (metadata != JsonTokens::root) read_metadata(tokens, metadata, error);
}

// An error object, an error string, or an object with one of them in `error`.
void read_error(const JsonTokens& tokens, Value root, ErrorBody& into) {
  if (tokens.first(root) == '[') {
    ArrayWalk elements(tokens, root);
    if (elements.next() && tokens.first(elements.value()) != '[') read_error(tokens, elements.value(), into);
    return;
  }
  if (tokens.first(root) != '{') {
    into.message = string_of(tokens, root);
    return;
  }
  Value error = root;
  Value groq = root;
  for (ObjectWalk walk(tokens, root); walk.next();) {
    if (walk.name() == "error" && is_truthy(tokens, walk.value())) error = walk.value();
    if (walk.name() == "x_groq") groq = walk.value();
    if (walk.name() == "status_code") take_status(tokens, walk.value(), into);
  }
  if (error == root && groq != root && tokens.first(groq) == '{') {
    read_error(tokens, groq, into);
  } else if (tokens.first(error) == '{') {
    read_object(tokens, error, into);
  } else {
    into.message = string_of(tokens, error);
  }
}

}  // namespace

bool ErrorBody::says(std::initializer_list<std::string_view> names) const {
  return is_one_of(code, names) || is_one_of(type, names) || is_one_of(detail_code, names);
}

ErrorBody read_error_body(std::string_view body) {
  ErrorBody error;
  const ReplyJson json = scan_reply(body);
  if (!json) return error;
  error.json = true;
  read_error(*json.tokens, JsonTokens::root, error);
  return error;
}

std::string html_title(std::string_view body) {
  const std::size_t open = ascii::find(body, "<title>");
  if (open == std::string_view::npos) return "";
  const std::string_view rest = body.substr(open + 7);
  return std::string(rest.substr(0, rest.find('<')));
}

}  // namespace batchrun
