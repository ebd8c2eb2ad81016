#include "bench/mockprovider/chat_request.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <functional>

#include "bench/mockprovider/random.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

namespace json = boost::json;

constexpr std::size_t longest_marker = 64;

std::uint64_t hash_of(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

std::string_view text_of(const json::value& v) {
  const json::string& s = v.get_string();
  return {s.data(), s.size()};
}

std::string_view text_member(const json::object& object, std::string_view name) {
  const json::value* v = object.if_contains(name);
  return v && v->is_string() ? text_of(*v) : std::string_view{};
}

ApiError missing(std::string_view param) {
  return {.message = fmt::format("Missing required parameter: '{}'.", param),
          .param = std::string(param),
          .code = "missing_required_parameter"};
}

ApiError wrong_type(std::string_view param, std::string_view wanted) {
  return {.message = fmt::format("Invalid type for '{}': expected {}.", param, wanted),
          .param = std::string(param),
          .code = "invalid_type"};
}

ApiError wrong_value(std::string_view param, std::string_view wanted) {
  return {.message = fmt::format("Invalid value for '{}': expected {}.", param, wanted),
          .param = std::string(param),
          .code = "invalid_value"};
}

// A value that fits a JSON schema, as far as its "type", "enum" and "properties" say.
json::value sample_of(const json::value& schema, int depth) {
  const json::object* object = schema.if_object();
  if (!object || depth > 16) return nullptr;
  if (const json::value* choices = object->if_contains("enum"); choices && choices->is_array()) {
    if (!choices->get_array().empty()) return choices->get_array().front();
  }
  const std::string_view type = text_member(*object, "type");
  if (type == "string") return "sample";
  if (type == "integer" || type == "number") return 1;
  if (type == "boolean") return true;
  if (type == "array") return json::array{};
  json::object sample;
  if (const json::value* properties = object->if_contains("properties");
      properties && properties->is_object()) {
    for (const auto& p : properties->get_object()) sample[p.key()] = sample_of(p.value(), depth + 1);
  }
  return sample;
}

bool known_role(std::string_view role) {
  return role == "user" || role == "system" || role == "assistant" || role == "developer" || role == "tool" ||
         role == "function";
}

class Reader {
 public:
  Reader(const json::object& body, ChatRequest& out) : body_(body), out_(out) {}

  std::optional<ApiError> read() {
    out_.model = text_member(body_, "model");
    if (out_.model.empty()) {
      return ApiError{.message = "you must provide a model parameter"};
    }
    if (auto error = read_messages()) return error;
    if (auto error = read_limits()) return error;
    if (auto error = read_stream()) return error;
    find_marker();
    read_tools();
    read_response_format();
    return std::nullopt;
  }

 private:
  std::optional<ApiError> read_messages() {
    const json::value* messages = body_.if_contains("messages");
    if (!messages) return missing("messages");
    if (!messages->is_array()) return wrong_type("messages", "an array of objects");
    if (messages->get_array().empty()) return wrong_value("messages", "an array with at least one message");
    std::uint64_t bytes = 0;
    std::size_t place = 0;
    for (const json::value& message : messages->get_array()) {
      if (auto error = read_message(message, place++, bytes)) return error;
    }
    out_.prompt_tokens = std::max<std::uint64_t>(1, (bytes + 3) / 4) + 3 * place;
    return std::nullopt;
  }

  std::optional<ApiError> read_message(const json::value& message, std::size_t place, std::uint64_t& bytes) {
    const json::object* m = message.if_object();
    if (!m) return wrong_type(fmt::format("messages[{}]", place), "an object");
    const std::string_view role = text_member(*m, "role");
    if (!known_role(role)) return wrong_value(fmt::format("messages[{}].role", place), "a supported role");
    out_.content_hash = mix(out_.content_hash ^ hash_of(role));
    if (role == "user") out_.last_user_text.clear();
    last_role_is_tool_ = role == "tool";
    const json::value* content = m->if_contains("content");
    const bool may_be_null = role == "assistant" || role == "function";
    if (!content || content->is_null()) {
      if (may_be_null) return std::nullopt;
      return wrong_type(fmt::format("messages[{}].content", place), "one of a string or array of objects");
    }
    if (content->is_string()) {
      take_text(text_of(*content), role, bytes);
      return std::nullopt;
    }
    if (!content->is_array()) {
      return wrong_type(fmt::format("messages[{}].content", place), "one of a string or array of objects");
    }
    for (const json::value& part : content->get_array()) {
      if (!part.is_object())
        return wrong_type(fmt::format("messages[{}].content", place), "an array of objects");
      take_text(text_member(part.get_object(), "text"), role, bytes);
    }
    return std::nullopt;
  }

  void take_text(std::string_view text, std::string_view role, std::uint64_t& bytes) {
    bytes += text.size();
    out_.content_hash = mix(out_.content_hash ^ hash_of(text));
    if (role == "user") out_.last_user_text += text;
  }

  // A whole number of at least `least`, or nothing when absent or null.
  std::optional<ApiError> read_count(std::string_view name, std::uint64_t least,
                                     std::optional<std::uint64_t>& out) {
    const json::value* v = body_.if_contains(name);
    if (!v || v->is_null()) return std::nullopt;
    json::error_code ec;
    const auto number = v->to_number<std::uint64_t>(ec);
    if (ec) return wrong_type(name, "a whole number");
    if (number < least) return wrong_value(name, fmt::format("a value >= {}", least));
    out = number;
    return std::nullopt;
  }

  std::optional<ApiError> read_limits() {
    std::optional<std::uint64_t> old_name, n;
    if (auto error = read_count("max_completion_tokens", 1, out_.max_tokens)) return error;
    if (auto error = read_count("max_tokens", 1, old_name)) return error;
    if (auto error = read_count("n", 1, n)) return error;
    if (!out_.max_tokens) out_.max_tokens = old_name;
    if (n.value_or(1) > 128) return wrong_value("n", "a value <= 128");
    out_.choices = static_cast<std::uint32_t>(n.value_or(1));
    return std::nullopt;
  }

  std::optional<ApiError> read_stream() {
    if (const json::value* v = body_.if_contains("stream"); v && !v->is_null()) {
      if (!v->is_bool()) return wrong_type("stream", "a boolean");
      out_.stream = v->get_bool();
    }
    const json::value* options = body_.if_contains("stream_options");
    if (!options || options->is_null()) return std::nullopt;
    if (!out_.stream) {
      return ApiError{.message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                      .param = "stream_options"};
    }
    if (!options->is_object()) return wrong_type("stream_options", "an object");
    const json::value* usage = options->get_object().if_contains("include_usage");
    out_.include_usage = usage && usage->is_bool() && usage->get_bool();
    return std::nullopt;
  }

  void find_marker() {
    const std::string_view text = out_.last_user_text;
    const std::size_t open = text.find("[[");
    const std::size_t close = open == text.npos ? text.npos : text.find("]]", open);
    if (close != text.npos && close - open - 2 <= 4 * longest_marker) {
      out_.marker = text.substr(open + 2, close - open - 2);
      out_.marker_given = true;
    } else {
      out_.marker = utf8_prefix(text, longest_marker);
    }
  }

  // A tool is called once: after its result (a last message of role tool) the model answers with text.
  void read_tools() {
    const json::value* tools = body_.if_contains("tools");
    if (!tools || !tools->is_array() || last_role_is_tool_) return;
    std::string_view wanted;
    if (const json::value* choice = body_.if_contains("tool_choice")) {
      if (choice->is_string() && text_of(*choice) == "none") return;
      if (const json::object* o = choice->if_object()) {
        const json::value* function = o->if_contains("function");
        if (function && function->is_object()) wanted = text_member(function->get_object(), "name");
      }
    }
    for (const json::value& tool : tools->get_array()) {
      const json::value* function = tool.is_object() ? tool.get_object().if_contains("function") : nullptr;
      if (!function || !function->is_object()) continue;
      const std::string_view name = text_member(function->get_object(), "name");
      if (name.empty() || (!wanted.empty() && wanted != name)) continue;
      out_.tool_name = name;
      const json::value* parameters = function->get_object().if_contains("parameters");
      out_.tool_arguments = parameters ? json::serialize(sample_of(*parameters, 0)) : "{}";
      return;
    }
  }

  void read_response_format() {
    const json::value* format = body_.if_contains("response_format");
    if (!format || !format->is_object()) return;
    const std::string_view type = text_member(format->get_object(), "type");
    if (type == "json_object") {
      out_.json_answer = "{\"answer\":";
      append_json_string(out_.json_answer, out_.marker);
      out_.json_answer += '}';
    } else if (type == "json_schema") {
      const json::value* named = format->get_object().if_contains("json_schema");
      const json::value* schema =
          named && named->is_object() ? named->get_object().if_contains("schema") : nullptr;
      out_.json_answer = schema ? json::serialize(sample_of(*schema, 0)) : "{}";
    }
  }

  const json::object& body_;
  ChatRequest& out_;
  bool last_role_is_tool_ = false;
};

}  // namespace

void ChatRequest::clear() {
  model.clear();
  stream = include_usage = marker_given = false;
  choices = 1;
  max_tokens.reset();
  prompt_tokens = content_hash = 0;
  last_user_text.clear();
  marker.clear();
  tool_name.clear();
  tool_arguments.clear();
  json_answer.clear();
}

std::optional<ApiError> parse_chat_request(std::string_view body, ChatRequest& out) {
  out.clear();
  // Requests of ordinary size are parsed without the heap: 16 kB of values and 4 kB of scratch on the stack.
  unsigned char values[16384], scratch[4096];
  json::monotonic_resource resource(values, sizeof values);
  json::parse_options options;
  options.max_depth = 128;
  json::parser parser({}, options, scratch, sizeof scratch);
  parser.reset(&resource);
  json::error_code ec;
  parser.write(body.data(), body.size(), ec);
  if (ec) {
    return ApiError{
        .message =
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
            "using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was "
            "sent was not valid JSON.)"};
  }
  const json::value root = parser.release();
  if (!root.is_object()) return wrong_type("body", "an object");
  return Reader(root.get_object(), out).read();
}

std::uint64_t execution_id(const ChatRequest& request) {
  return request.marker_given ? execution_id_of_marker(request.marker) : request.content_hash;
}

std::uint64_t execution_id_of_marker(std::string_view marker) {
  return mix(hash_of(marker) ^ 1);
}

}  // namespace batchrun::mock
