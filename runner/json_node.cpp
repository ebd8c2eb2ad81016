#include "runner/json_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runner/inert.h"
#include "runner/nearest.h"
#include "runner/settings.h"

namespace batchrun {
namespace {

namespace json = boost::json;

std::string_view kind_name(json::kind kind) {
  switch (kind) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "true or false";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

std::string_view without_bom(std::string_view text) {
  return text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text;
}

json::value parse_json(std::string_view text, const std::string& path) {
  json::parse_options options;
  options.allow_comments = true;
  options.allow_trailing_commas = true;
  json::parser parser({}, options);
  boost::system::error_code error;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  const bool rest = !error && read < text.size();
  if (!error && !rest) return parser.release();
  const TextPlace place = place_at(text, read);
  const std::string where = fmt::format("{}:{}:{}", path, place.line, place.column);
  if (rest)
    throw UsageError("something follows the end of the config", "one JSON object, comments allowed", where);
  if (error == json::error::incomplete) {
    const TextPlace end = place_at(text, text.size());
    throw UsageError("the config ends in the middle", "a brace, bracket or quote is not closed",
                     fmt::format("{}:{}:{}", path, end.line, end.column));
  }
  throw UsageError(fmt::format("not valid JSON: {}", error.message()),
                   "JSON with // comments and trailing commas is expected", where);
}

}  // namespace

void JsonNode::fail(const std::string& message, const std::string& hint) const {
  throw UsageError(message, hint, place());
}

bool JsonNode::has(std::string_view member) const {
  return value_->is_object() && value_->get_object().contains(member);
}

const json::object& JsonNode::object() const {
  if (!value_->is_object()) wrong_kind("an object");
  return value_->get_object();
}

std::string JsonNode::text() const {
  if (!value_->is_string()) wrong_kind("a string");
  const json::string& text = value_->get_string();
  return {text.data(), text.size()};
}

std::string JsonNode::name() const {
  std::string out = text();
  if (out.empty()) fail("a name cannot be empty");
  if (out.size() > 128) fail("a name has at most 128 bytes");
  if (inert(out) != out) fail(fmt::format("{} holds characters that cannot be shown", in_quotes(out)));
  return out;
}

std::vector<std::string> JsonNode::names() const {
  std::vector<std::string> out;
  for (const JsonNode& element : elements()) out.push_back(element.name());
  return out;
}

bool JsonNode::boolean() const {
  if (!value_->is_bool()) wrong_kind("true or false");
  return value_->get_bool();
}

double JsonNode::number() const {
  if (!value_->is_number()) wrong_kind("a number");
  return value_->to_number<double>();
}

std::int64_t JsonNode::whole(std::int64_t least, std::int64_t most) const {
  const double value = number();
  if (value != std::floor(value) || value < static_cast<double>(least) || value > static_cast<double>(most))
    fail(fmt::format("expected a whole number from {} to {}", least, most));
  return static_cast<std::int64_t>(value);
}

Duration JsonNode::positive_seconds() const {
  const double value = number();
  if (!(value > 0) || value > 86400.0 * 366) fail("expected seconds: more than 0, at most a year");
  return from_seconds(value);
}

JsonNode JsonNode::operator[](std::string_view member) const {
  return {object().at(member), pointer_to(pointer_, member), *places_, *path_};
}

std::vector<JsonNode> JsonNode::elements() const {
  if (!value_->is_array()) wrong_kind("an array");
  std::vector<JsonNode> out;
  for (const json::value& element : value_->get_array()) {
    out.emplace_back(element, pointer_to(pointer_, std::to_string(out.size())), *places_, *path_);
  }
  return out;
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::members() const {
  std::vector<std::pair<std::string, JsonNode>> out;
  for (const auto& member : object()) {
    const std::string name(member.key().data(), member.key().size());
    out.emplace_back(name, JsonNode(member.value(), pointer_to(pointer_, name), *places_, *path_));
  }
  return out;
}

void JsonNode::only(const std::vector<std::string>& known) const {
  for (const auto& [name, node] : members()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = did_you_mean(name, known);
    throw UsageError(fmt::format("unknown field {}", in_quotes(name)),
                     near.empty() ? fmt::format("valid here: {}", fmt::join(known, ", ")) : near,
                     node.name_place());
  }
}

std::string JsonNode::in_file(const TextPlace& place) const {
  return fmt::format("{}:{}:{}", *path_, place.line, place.column);
}

void JsonNode::wrong_kind(std::string_view wanted) const {
  fail(fmt::format("expected {}, found {}", wanted, kind_name(value_->kind())));
}

JsonDocument::JsonDocument(std::string_view text, std::string path)
    : path_(std::move(path)), value_(parse_json(without_bom(text), path_)), places_(without_bom(text)) {
  if (places_.duplicate().empty()) return;
  const TextPlace place = places_.duplicate_place();
  const std::string& pointer = places_.duplicate();
  throw UsageError(fmt::format("{} is there twice", in_quotes(pointer.substr(pointer.rfind('/') + 1))), "",
                   fmt::format("{}:{}:{}", path_, place.line, place.column));
}

}  // namespace batchrun
