#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "io/api_path.h"
#include "io/ascii.h"
#include "io/chat_needs.h"
#include "io/json_text.h"
#include "io/json_tokens.h"
#include "io/native_body.h"
#include "io/row_identity.h"
#include "io/row_members.h"
#include "io/row_reader.h"
#include "io/search_needs.h"

namespace batchrun {
namespace {

using Value = JsonTokens::Value;
using Name = MemberName;
using Members = RowMembers;
using Refusal = RowRefusal;

constexpr std::size_t max_id_size = 512;
constexpr std::size_t kept_of_bad_text = 64u << 10;
constexpr std::size_t row_depth = 128;
constexpr std::size_t error_line_depth =
    row_depth + 1;  // a line of batchrun's own has the row one level down
constexpr std::size_t whole_line = Refusal::whole_line;
constexpr std::string_view supported =
    "a row is an OpenAI Batch line (url and body), a chat body (messages), a prompt (prompt) or a search "
    "(query)";

std::uint64_t whole_number(std::string_view raw) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), number);
  return error == std::errc() && end == raw.data() + raw.size() ? number : 0;
}

// Reads one line into a Row. Used once.
class RowParser {
 public:
  RowParser(JsonTokens& tokens, std::string text, std::uint64_t line)
      : tokens_(tokens), row_(std::make_unique<Row>()) {
    row_->text = std::move(text);
    row_->line = line;
  }

  // `outer_id`: the id of the error line the text was the request of; "" if there was none.
  std::variant<RowPtr, RowError> parse(std::string_view outer_id) {
    outer_id_ = outer_id;
    if (auto refusal = read()) return refuse(std::move(*refusal));
    return std::move(row_);
  }

  // The row inside of an error line of batchrun's own, if the text is one. REQUIRES: parse() refused it.
  std::optional<std::pair<std::string, std::string>> request() const { return request_; }

 private:
  std::optional<Refusal> read();
  std::optional<Refusal> read_id();
  std::optional<Refusal> read_request();
  std::optional<Refusal> read_shape();
  std::optional<Refusal> read_batch_line();
  std::optional<Refusal> read_url(Value url);
  std::optional<Refusal> read_body_model(const Members& body);
  std::optional<Refusal> read_chat(const Members& body, std::string_view text);
  std::optional<Refusal> read_native(const Members& body, Value value);
  std::optional<Refusal> read_messages(Value messages);
  std::optional<Refusal> read_message(Value message);
  std::optional<Refusal> read_prompt();
  std::optional<Refusal> read_search();
  std::optional<Refusal> read_choices();
  std::optional<Refusal> read_tags(Value tags);
  std::optional<Refusal> read_text(const Members& members, Name name, std::string_view word,
                                   std::string& into) const;
  void read_sizes(const Members& members);
  std::optional<Refusal> read_content(Value content);
  void count_json(Value value) {
    row_->content_bytes += static_cast<std::uint32_t>(tokens_.raw(value).size());
  }
  void settle_identity(std::uint64_t content_hash);
  Refusal unknown_shape() const;
  RowError refuse(Refusal refusal);

  std::string_view inner(Value value) const { return tokens_.inner(value); }
  void append_text(std::string& into, Value string) const {
    if (tokens_.has_escapes()) return append_json_unescaped(into, inner(string));
    into += inner(string);
  }
  bool is_string(Value value) const { return tokens_.first(value) == '"'; }
  bool is_null(Value value) const { return tokens_.first(value) == 'n'; }
  Refusal at(Value value, std::string message) const { return {tokens_.offset(value), std::move(message)}; }

  JsonTokens& tokens_;
  RowPtr row_;
  Members members_;
  std::string_view outer_id_;
  bool is_object_ = false;
  bool seen_other_message_ = false;  // than a system message
  std::optional<std::pair<std::string, std::string>> request_;
};

std::optional<Refusal> RowParser::read() {
  std::string& text = row_->text;
  while (!text.empty() && ascii::is_space(text.back())) text.pop_back();
  if (!tokens_.scan(text)) return Refusal{tokens_.fault().at, tokens_.fault().message};
  if (tokens_.first(JsonTokens::root) != '{') return at(JsonTokens::root, "a row must be a JSON object");
  is_object_ = true;
  // In valid JSON a raw CR is only white space. As a space it cannot end a line of the output, and the row's
  // hash is the same when it comes back from there.
  for (std::size_t cr = text.find('\r'); cr != std::string::npos; cr = text.find('\r', cr)) text[cr] = ' ';
  auto refusal = members_.read(tokens_, JsonTokens::root);
  if (!refusal && members_.has(Name::batchrun)) return read_request();
  auto bad_id = read_id();  // whatever is wrong with the row, its error line has the row's own id
  if (refusal) return refusal;
  if (bad_id) return bad_id;
  if (auto bad_choice = read_choices()) return bad_choice;
  return read_shape();
}

std::optional<Refusal> RowParser::read_id() {
  const bool has_custom = members_.has(Name::custom_id);
  if (!has_custom && !members_.has(Name::id)) {
    row_->custom_id = outer_id_;
    row_->id_given = !outer_id_.empty();
    return std::nullopt;
  }
  const std::string_view word = has_custom ? "custom_id" : "id";
  const Value id = members_[has_custom ? Name::custom_id : Name::id];
  if (!is_string(id)) return at(id, fmt::format("{} must be a string", word));
  std::string text;
  append_text(text, id);
  if (text.empty()) return at(id, fmt::format("{} must not be empty", word));
  if (text.size() > max_id_size) return at(id, fmt::format("{} is longer than {} bytes", word, max_id_size));
  row_->custom_id = std::move(text);
  row_->id_given = true;
  return std::nullopt;
}

// An error line of batchrun's own holds the row that failed: as an object, or as a string when it is no valid
// one.
std::optional<Refusal> RowParser::read_request() {
  if (!members_.has(Name::request)) {
    return Refusal{whole_line, "this is a result line of batchrun, not a row; " + std::string(supported)};
  }
  auto refusal = read_id();
  if (refusal) return refusal;
  const Value request = members_[Name::request];
  std::string text;
  if (is_string(request)) {
    append_json_unescaped(text, inner(request));
  } else {
    text = tokens_.raw(request);
  }
  request_.emplace(std::move(text), row_->custom_id);
  return Refusal{whole_line, "the request of an error line must be a row"};
}

std::optional<Refusal> RowParser::read_text(const Members& members, Name name, std::string_view word,
                                            std::string& into) const {
  if (!members.has(name)) return std::nullopt;
  if (!is_string(members[name])) return at(members[name], fmt::format("{} must be a string", word));
  append_text(into, members[name]);
  return std::nullopt;
}

// What any row may say about where it goes and what goes with it.
std::optional<Refusal> RowParser::read_choices() {
  if (auto refusal = read_text(members_, Name::provider, "provider", row_->provider)) return refusal;
  if (auto refusal = read_text(members_, Name::route, "route", row_->route)) return refusal;
  if (auto refusal = read_text(members_, Name::model, "model", row_->model)) return refusal;
  if (members_.has(Name::metadata)) {
    const Value metadata = members_[Name::metadata];
    if (tokens_.first(metadata) != '{') return at(metadata, "metadata must be an object");
    row_->metadata = tokens_.raw(metadata);
  }
  return members_.has(Name::tags) ? read_tags(members_[Name::tags]) : std::nullopt;
}

std::optional<Refusal> RowParser::read_tags(Value tags) {
  if (tokens_.first(tags) != '[') return at(tags, "tags must be an array of strings");
  for (ArrayWalk walk(tokens_, tags); walk.next();) {
    if (!is_string(walk.value())) return at(walk.value(), "tags must be an array of strings");
    append_text(row_->tags.emplace_back(), walk.value());
  }
  return std::nullopt;
}

std::optional<Refusal> RowParser::read_shape() {
  if (members_.has(Name::body) || members_.has(Name::url) || members_.has(Name::method))
    return read_batch_line();
  if (members_.has(Name::messages) && members_.has(Name::prompt)) {
    return at(members_[Name::prompt], "a row has either messages or a prompt, not both");
  }
  if (members_.has(Name::query) && (members_.has(Name::messages) || members_.has(Name::prompt))) {
    return at(members_[Name::query], "a row is either for a model or a search (query), not both");
  }
  if (members_.has(Name::messages)) return read_chat(members_, tokens_.raw(JsonTokens::root));
  if (members_.has(Name::prompt)) return read_prompt();
  if (members_.has(Name::query)) return read_search();
  return unknown_shape();
}

Refusal RowParser::unknown_shape() const {
  for (const Name native : {Name::contents, Name::input}) {
    if (!members_.has(native)) continue;
    return at(members_[native],
              fmt::format("a row in a provider's own words needs a url and a body; urls are {}", api_paths));
  }
  return {whole_line, fmt::format("the row has no body, messages, prompt or query; {}", supported)};
}

std::optional<Refusal> RowParser::read_batch_line() {
  if (members_.has(Name::url)) {
    if (auto refusal = read_url(members_[Name::url])) return refusal;
  }
  if (members_.has(Name::method)) {
    const Value method = members_[Name::method];
    if (!is_string(method) || inner(method) != "POST") return at(method, "method must be \"POST\"");
  }
  if (!members_.has(Name::body)) return Refusal{whole_line, "the row has no body"};
  if (const Name outside = members_.outside_its_body(); outside != Name::none) {
    return at(members_[outside],
              fmt::format("{} stands beside the body, where nobody reads it; it belongs in the body",
                          text_of(outside)));
  }
  const Value body = members_[Name::body];
  if (tokens_.first(body) != '{') return at(body, "body must be an object");
  Members members;
  if (auto refusal = members.read(tokens_, body)) return refusal;
  return row_->api == Api::chat ? read_chat(members, tokens_.raw(body)) : read_native(members, body);
}

std::optional<Refusal> RowParser::read_url(Value url) {
  if (!is_string(url)) return at(url, "url must be a string");
  std::string path;
  append_text(path, url);
  const std::optional<ApiPath> known = parse_api_path(path);
  if (!known) {
    if (path.find("//") != std::string::npos || !path.starts_with('/')) {
      return at(url, "url must be a path: a row may not choose a scheme or host, since the key goes there");
    }
    return at(url, fmt::format("url {} is not supported; supported are {}", shown(path), api_paths));
  }
  row_->api = known->api;
  if (known->model.empty()) return std::nullopt;
  if (!row_->model.empty() && row_->model != known->model) {
    return at(url, "the row names one model and its url another");
  }
  row_->model = known->model;
  return std::nullopt;
}

// The model may stand beside the body or in it.
std::optional<Refusal> RowParser::read_body_model(const Members& body) {
  if (!body.has(Name::model)) return std::nullopt;
  std::string model;
  if (auto refusal = read_text(body, Name::model, "model", model)) return refusal;
  if (model.empty()) return std::nullopt;
  if (!row_->model.empty() && row_->model != model) {
    return at(body[Name::model], "the row names one model and its body another");
  }
  row_->model = std::move(model);
  return std::nullopt;
}

std::optional<Refusal> RowParser::read_chat(const Members& body, std::string_view text) {
  const bool in_body = text.data() != tokens_.raw(JsonTokens::root).data();
  const std::string beside = in_body ? row_->model : std::string();
  if (in_body) {
    if (auto refusal = read_body_model(body)) return refusal;
  }
  if (!body.has(Name::messages)) return Refusal{whole_line, "the body has no messages"};
  if (body.has(Name::system)) {
    return at(
        body[Name::system],
        "beside messages there is no system: its text is a message, {\"role\":\"system\",\"content\":...}");
  }
  if (auto refusal = read_messages(body[Name::messages])) return refusal;
  row_->needs.add(
      features_of_parameters(tokens_, body, in_body ? BodyPlace::in_batch_line : BodyPlace::is_the_row));
  read_sizes(body);
  row_->shape = RowShape::body;
  row_->body = text;
  settle_identity(hash_content(beside, text));
  return std::nullopt;
}

std::optional<Refusal> RowParser::read_native(const Members& body, Value value) {
  const std::string beside = row_->model;
  if (auto refusal = read_body_model(body)) return refusal;
  const NativeSizes sizes = sizes_of_native_body(tokens_, value, body);
  row_->content_bytes = sizes.content_bytes;
  row_->media_count = sizes.media_count;
  row_->max_output_tokens = sizes.max_output_tokens;
  row_->message_count = 1;
  row_->shape = RowShape::body;
  row_->body = tokens_.raw(value);
  // The same body means something else to another interface.
  settle_identity(hash_content(fmt::format("{}\n{}", name(row_->api), beside), row_->body));
  return std::nullopt;
}

std::optional<Refusal> RowParser::read_messages(Value messages) {
  if (tokens_.first(messages) != '[') return at(messages, "messages must be an array");
  for (ArrayWalk walk(tokens_, messages); walk.next();) {
    if (auto refusal = read_message(walk.value())) return refusal;
  }
  if (row_->message_count == 0) return at(messages, "messages must not be empty");
  return std::nullopt;
}

std::optional<Refusal> RowParser::read_message(Value message) {
  if (tokens_.first(message) != '{') return at(message, "a message must be an object");
  ++row_->message_count;
  bool is_system = false, has_name = false, of_function = false;
  for (ObjectWalk walk(tokens_, message); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "content") {
      if (auto refusal = read_content(walk.value())) return refusal;
    } else if (name == "role") {
      if (!is_string(walk.value())) return at(walk.value(), "role must be a string");
      const std::string_view role = inner(walk.value());
      is_system = role == "system" || role == "developer";
      of_function = role == "function";
      const bool known = is_system || of_function || role == "user" || role == "assistant" || role == "tool";
      if (!known) row_->needs.add(Feature::other_value);
    } else if (name == "name") {
      has_name = !is_null(walk.value());
    } else if (name == "function_call") {
      of_function = of_function || !is_null(walk.value());
      count_json(walk.value());
    } else if (name == "tool_calls") {
      count_json(walk.value());
    } else if (!is_null(walk.value())) {
      row_->needs.add(features_of_message_member(name));
    }
  }
  if (of_function) row_->needs.add(Feature::functions);
  if (has_name && !of_function) row_->needs.add(Feature::message_name);
  if (is_system && seen_other_message_) row_->needs.add(Feature::late_system);
  seen_other_message_ = seen_other_message_ || !is_system;
  return std::nullopt;
}

// Counts the text of a message: a string, or the text parts of an array.
std::optional<Refusal> RowParser::read_content(Value content) {
  const auto count = [&](Value text) {
    const std::string_view raw = inner(text);
    row_->content_bytes +=
        static_cast<std::uint32_t>(tokens_.has_escapes() ? json_unescaped_size(raw) : raw.size());
  };
  if (is_null(content)) return std::nullopt;
  if (is_string(content)) {
    count(content);
    return std::nullopt;
  }
  if (tokens_.first(content) != '[') return at(content, "content must be a string or an array of parts");
  for (ArrayWalk parts(tokens_, content); parts.next();) {
    if (tokens_.first(parts.value()) != '{') return at(parts.value(), "a part of content must be an object");
    bool is_text = false;
    for (ObjectWalk part(tokens_, parts.value()); part.next();) {
      if (part.name() != "text" || is_null(part.value())) continue;
      if (!is_string(part.value())) return at(part.value(), "text must be a string");
      is_text = true;
      count(part.value());
    }
    row_->needs.add(features_of_part(tokens_, parts.value()));
    if (is_text) continue;
    row_->content_bytes += bytes_of_an_image;
    ++row_->media_count;
  }
  return std::nullopt;
}

std::optional<Refusal> RowParser::read_prompt() {
  if (!is_string(members_[Name::prompt])) return at(members_[Name::prompt], "prompt must be a string");
  if (auto refusal = read_text(members_, Name::prompt, "prompt", row_->prompt)) return refusal;
  if (auto refusal = read_text(members_, Name::system, "system", row_->system)) return refusal;
  row_->shape = RowShape::prompt;
  row_->content_bytes = static_cast<std::uint32_t>(row_->prompt.size() + row_->system.size());
  row_->message_count = row_->system.empty() ? 1 : 2;
  row_->needs = features_of_parameters(tokens_, members_, BodyPlace::is_the_row);
  read_sizes(members_);
  settle_identity(hash_content("", tokens_.raw(JsonTokens::root)));
  return std::nullopt;
}

std::optional<Refusal> RowParser::read_search() {
  if (!is_string(members_[Name::query])) return at(members_[Name::query], "query must be a string");
  if (auto refusal = read_text(members_, Name::query, "query", row_->prompt)) return refusal;
  if (row_->prompt.empty()) return at(members_[Name::query], "query must not be empty");
  row_->shape = RowShape::search;
  row_->api = Api::search;
  row_->needs = features_of_search(tokens_, JsonTokens::root);
  settle_identity(hash_content("", tokens_.raw(JsonTokens::root)));
  return std::nullopt;
}

void RowParser::read_sizes(const Members& members) {
  for (const Name name : {Name::tools, Name::functions, Name::response_format}) {  // the model reads them too
    if (members.has(name)) count_json(members[name]);
  }
  for (const Name name : {Name::max_tokens, Name::max_completion_tokens}) {  // the later one wins
    if (members.has(name)) row_->max_output_tokens = whole_number(tokens_.raw(members[name]));
  }
  if (members.has(Name::n)) {
    const std::uint64_t choices = whole_number(tokens_.raw(members[Name::n]));
    row_->choices = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(choices, 1, 1u << 20));
  }
}

void RowParser::settle_identity(std::uint64_t content_hash) {
  if (!row_->id_given) row_->custom_id = made_id(content_hash);
  row_->identity = make_identity(row_->custom_id, content_hash);
}

RowError RowParser::refuse(Refusal refusal) {
  RowError error;
  error.line = row_->line;
  if (refusal.at != whole_line) error.column = static_cast<std::uint32_t>(refusal.at + 1);
  error.code = "invalid_row";
  error.message = std::move(refusal.message);
  const std::uint64_t hash = hash_line(row_->text);
  if (!row_->id_given && !outer_id_.empty()) {
    row_->custom_id = outer_id_;
    row_->id_given = true;
  }
  error.id_given = row_->id_given;
  error.custom_id = row_->id_given ? std::move(row_->custom_id) : made_id(hash);
  error.identity = make_identity(error.custom_id, hash);
  error.text_is_json = is_object_;
  error.text = std::move(row_->text);
  if (!is_object_ && error.text.size() > kept_of_bad_text) error.text.resize(kept_of_bad_text);
  return error;
}

}  // namespace

std::variant<RowPtr, RowError> parse_row(std::string text, std::uint64_t line) {
  thread_local JsonTokens tokens(row_depth);
  thread_local JsonTokens deep_tokens(error_line_depth);
  const bool error_line = text.starts_with("{\"id\":\"br-");
  RowParser parser(error_line ? deep_tokens : tokens, std::move(text), line);
  auto result = parser.parse("");
  auto request = parser.request();
  if (!request) return result;
  RowParser inner(tokens, std::move(request->first), line);
  return inner.parse(request->second);
}

}  // namespace batchrun
