#include "bench/mockprovider/json_view.h"

#include <boost/json.hpp>

namespace batchrun::mock {

namespace {

namespace json = boost::json;

const json::value* value_of(const void* p) {
  return static_cast<const json::value*>(p);
}

constexpr int deepest_sample = 16;

std::string lower_text(const json::value* v) {
  std::string text = v && v->is_string() ? std::string(v->get_string()) : std::string();
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return text;
}

json::value sample_of(const json::value& schema, int depth) {
  const json::object* object = schema.if_object();
  if (!object || depth > deepest_sample) return nullptr;
  if (const json::value* choices = object->if_contains("enum"); choices && choices->is_array()) {
    if (!choices->get_array().empty()) return choices->get_array().front();
  }
  const std::string type = lower_text(object->if_contains("type"));
  if (type == "string") return "sample";
  if (type == "integer" || type == "number") return 1;
  if (type == "boolean") return true;
  if (type == "array") return json::array{};
  json::object out;
  if (const json::value* properties = object->if_contains("properties");
      properties && properties->is_object()) {
    for (const auto& p : properties->get_object()) out[p.key()] = sample_of(p.value(), depth + 1);
  }
  return out;
}

}  // namespace

bool JsonView::exists() const {
  return value_ && !value_of(value_)->is_null();
}
bool JsonView::is_text() const {
  return value_ && value_of(value_)->is_string();
}
bool JsonView::is_bool() const {
  return value_ && value_of(value_)->is_bool();
}
bool JsonView::is_array() const {
  return value_ && value_of(value_)->is_array();
}
bool JsonView::is_object() const {
  return value_ && value_of(value_)->is_object();
}
bool JsonView::is_number() const {
  return value_ && value_of(value_)->is_number();
}

std::string_view JsonView::text() const {
  if (!is_text()) return {};
  const json::string& s = value_of(value_)->get_string();
  return {s.data(), s.size()};
}

bool JsonView::is_true() const {
  return is_bool() && value_of(value_)->get_bool();
}

std::optional<std::uint64_t> JsonView::whole() const {
  if (!is_number()) return std::nullopt;
  json::error_code ec;
  const auto number = value_of(value_)->to_number<std::uint64_t>(ec);
  return ec ? std::nullopt : std::optional(number);
}

std::string JsonView::serialized() const {
  return value_ ? json::serialize(*value_of(value_)) : std::string();
}

JsonView JsonView::operator[](std::string_view member) const {
  return is_object() ? JsonView(value_of(value_)->get_object().if_contains(member)) : JsonView();
}

JsonView JsonView::operator[](std::size_t place) const {
  return place < size() ? JsonView(&value_of(value_)->get_array()[place]) : JsonView();
}

std::size_t JsonView::size() const {
  return is_array() ? value_of(value_)->get_array().size() : 0;
}

bool with_json(std::string_view text, const std::function<void(JsonView)>& use) {
  // Requests of ordinary size are parsed without the heap: 16 kB of values and 4 kB of scratch on the stack.
  unsigned char values[16384], scratch[4096];
  json::monotonic_resource resource(values, sizeof values);
  json::parse_options options;
  options.max_depth = 128;
  json::parser parser({}, options, scratch, sizeof scratch);
  parser.reset(&resource);
  json::error_code ec;
  parser.write(text.data(), text.size(), ec);
  if (ec) return false;
  const json::value root = parser.release();
  use(JsonView(&root));
  return true;
}

std::string JsonView::sample() const {
  return is_object() ? json::serialize(sample_of(*value_of(value_), 0)) : "{}";
}

}  // namespace batchrun::mock
