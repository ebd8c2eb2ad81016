#include "io/chat_view.h"

#include "io/ascii.h"
#include "io/json_members.h"
#include "io/json_text.h"
#include "io/reply_json.h"

namespace batchrun {
namespace {

using Message = ChatView::Message;
using Part = ChatView::Part;

bool is_string(std::string_view json) {
  return json.size() >= 2 && json.front() == '"';
}
bool is_null(std::string_view json) {
  return json == "null";
}

// Walks the elements of an array. REQUIRES: valid JSON.
template <class Take>
void for_each_element(std::string_view array, Take take) {
  if (array.empty() || array.front() != '[') return;
  const char* at = array.data() + 1;
  const char* const end = array.data() + array.size();
  const auto skip = [&] {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r' || *at == ',')) ++at;
  };
  for (skip(); at < end && *at != ']'; skip()) {
    const char* const value_end = end_of_json_value(at, end);
    take(std::string_view(at, static_cast<std::size_t>(value_end - at)));
    at = value_end;
  }
}

template <class Take>
void for_each_member(std::string_view object, Take take) {
  if (object.empty() || object.front() != '{') return;
  std::string decoded;
  JsonMembers members(object);
  for (std::string_view key, value; members.next(key, value);) take(json_unescaped(key, decoded), value);
}

std::string_view member(std::string_view object, std::string_view wanted) {
  std::string_view found;
  for_each_member(object, [&](std::string_view name, std::string_view value) {
    if (name == wanted && !is_null(value)) found = value;
  });
  return found;
}

class Viewer {
 public:
  explicit Viewer(ChatView& view) : view_(view) {}

  void view_members(std::string_view object, bool with_messages);
  void add_prompt(Message::Role role, std::string_view text);

 private:
  void add_message(std::string_view message);
  void add_content(std::string_view content, Message& message);
  void add_image(std::string_view part, Message& message);
  void add_tool_call(std::string_view call, Message& message);
  void add_tool(std::string_view tool);
  void set_tool_choice(std::string_view choice);
  void set_format(std::string_view format);
  void set_stop(std::string_view stop);
  // A string kept by the view.
  std::string_view keep(std::string text) { return view_.made.emplace_back(std::move(text)); }

  ChatView& view_;
};

void Viewer::view_members(std::string_view object, bool with_messages) {
  struct Scalar {
    std::string_view name;
    std::string_view ChatView::*place;
  };
  static constexpr Scalar scalars[] = {
      {"temperature", &ChatView::temperature},
      {"top_p", &ChatView::top_p},
      {"top_k", &ChatView::top_k},
      {"min_p", &ChatView::min_p},
      {"seed", &ChatView::seed},
      {"frequency_penalty", &ChatView::frequency_penalty},
      {"presence_penalty", &ChatView::presence_penalty},
      {"repetition_penalty", &ChatView::repetition_penalty},
      {"reasoning_effort", &ChatView::reasoning_effort},
      {"user", &ChatView::user},
      {"safety_identifier", &ChatView::user},
      {"logprobs", &ChatView::logprobs},
      {"top_logprobs", &ChatView::top_logprobs},
      {"service_tier", &ChatView::service_tier},
      {"n", &ChatView::choices},
  };
  std::string_view max_tokens, max_completion_tokens;
  for_each_member(object, [&](std::string_view name, std::string_view value) {
    if (is_null(value)) return;
    for (const Scalar& scalar : scalars) {
      if (scalar.name == name) {
        view_.*scalar.place = value;
        return;
      }
    }
    if (name == "messages" && with_messages) {
      for_each_element(value, [&](std::string_view message) { add_message(message); });
    } else if (name == "tools") {
      for_each_element(value, [&](std::string_view tool) { add_tool(tool); });
    } else if (name == "tool_choice") {
      set_tool_choice(value);
    } else if (name == "parallel_tool_calls") {
      view_.serial_tool_calls = value == "false";
    } else if (name == "response_format") {
      set_format(value);
    } else if (name == "stop") {
      set_stop(value);
    } else if (name == "max_tokens") {
      max_tokens = value;
    } else if (name == "max_completion_tokens") {
      max_completion_tokens = value;
    }
  });
  view_.max_output_tokens = max_completion_tokens.empty() ? max_tokens : max_completion_tokens;
}

void Viewer::add_prompt(Message::Role role, std::string_view text) {
  std::string json;
  append_json_string(json, text);
  Message& message = view_.messages.emplace_back();
  message.role = role;
  message.parts.emplace_back().text = keep(std::move(json));
}

void Viewer::add_message(std::string_view object) {
  Message& message = view_.messages.emplace_back();
  for_each_member(object, [&](std::string_view name, std::string_view value) {
    if (name == "role") {
      if (value == "\"system\"" || value == "\"developer\"") message.role = Message::Role::system;
      if (value == "\"assistant\"") message.role = Message::Role::assistant;
      if (value == "\"tool\"") message.role = Message::Role::tool;
    } else if (name == "content") {
      add_content(value, message);
    } else if (name == "tool_calls") {
      for_each_element(value, [&](std::string_view call) { add_tool_call(call, message); });
    } else if (name == "tool_call_id" && is_string(value)) {
      message.tool_call_id = value;
    }
  });
}

void Viewer::add_content(std::string_view content, Message& message) {
  if (is_string(content)) {
    message.parts.emplace_back().text = content;
    return;
  }
  for_each_element(content, [&](std::string_view part) {
    if (const std::string_view text = member(part, "text"); is_string(text)) {
      message.parts.emplace_back().text = text;
    } else if (const std::string_view refusal = member(part, "refusal"); is_string(refusal)) {
      message.parts.emplace_back().text = refusal;
    } else if (!member(part, "image_url").empty()) {
      add_image(member(part, "image_url"), message);
    }
  });
}

// "data:image/png;base64,AAAA"
void Viewer::add_image(std::string_view image, Message& message) {
  const std::string_view url = is_string(image) ? image : member(image, "url");
  if (!is_string(url)) return;
  Part& part = message.parts.emplace_back();
  if (!url.starts_with("\"data:")) {
    part.kind = Part::Kind::image_url;
    part.url = url;
    return;
  }
  part.kind = Part::Kind::image_data;
  std::string_view plain = url.substr(1, url.size() - 2);
  if (plain.find('\\') != std::string_view::npos) plain = keep(text_of(url));
  plain.remove_prefix(5);
  const std::size_t comma = std::min(plain.find(','), plain.size());
  part.media_type = plain.substr(0, std::min(comma, plain.find(';')));
  part.data = plain.substr(std::min(comma + 1, plain.size()));
}

void Viewer::add_tool_call(std::string_view object, Message& message) {
  ChatView::ToolCall& call = message.tool_calls.emplace_back();
  const std::string_view function = member(object, "function");
  call.id = member(object, "id");
  call.name = member(function, "name");
  call.arguments = member(function, "arguments");
}

void Viewer::add_tool(std::string_view object) {
  const std::string_view function = member(object, "function");
  view_.tools.push_back({member(function, "name"), member(function, "description"),
                         member(function, "parameters"), member(function, "strict")});
}

void Viewer::set_tool_choice(std::string_view choice) {
  if (choice == "\"none\"") view_.tool_choice = ChatView::ToolChoice::none;
  if (choice == "\"required\"") view_.tool_choice = ChatView::ToolChoice::required;
  if (choice.front() != '{') return;
  view_.tool_choice = ChatView::ToolChoice::one;
  view_.chosen_tool = member(member(choice, "function"), "name");
}

void Viewer::set_format(std::string_view format) {
  const std::string_view type = member(format, "type");
  if (type == "\"json_object\"") view_.format = ChatView::Format::json_object;
  if (type != "\"json_schema\"") return;
  view_.format = ChatView::Format::json_schema;
  const std::string_view schema = member(format, "json_schema");
  view_.schema_name = member(schema, "name");
  view_.schema = member(schema, "schema");
}

void Viewer::set_stop(std::string_view stop) {
  if (is_string(stop)) return view_.stop.push_back(stop);
  for_each_element(stop, [&](std::string_view one) {
    if (is_string(one)) view_.stop.push_back(one);
  });
}

}  // namespace

ChatView view_chat(const Row& row) {
  ChatView view;
  Viewer viewer(view);
  if (row.shape == RowShape::prompt) {
    if (!row.system.empty()) viewer.add_prompt(Message::Role::system, row.system);
    viewer.add_prompt(Message::Role::user, row.prompt);
    viewer.view_members(ascii::trim(row.text), false);
  } else {
    viewer.view_members(ascii::trim(row.body), true);
  }
  return view;
}

std::string text_of(std::string_view json_string) {
  std::string text;
  if (is_string(json_string)) append_json_unescaped(text, json_string.substr(1, json_string.size() - 2));
  return text;
}

void append_arguments(std::string& out, std::string_view arguments) {
  const std::string text = text_of(arguments);
  if (text.empty()) {
    out += "{}";
  } else if (const ReplyJson json = scan_reply(text); json.is_object()) {
    append_json_raw(out, json.text);
  } else {
    out += arguments;
  }
}

void append_list(std::string& out, const std::vector<std::string_view>& values) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    out += values[i];
  }
  out += ']';
}

}  // namespace batchrun
