#include "io/dialects/ollama_encode.h"

#include <string>

#include "io/chat_view.h"
#include "io/dialects/native_row.h"
#include "io/dialects/request_head.h"
#include "io/json_text.h"

namespace batchrun {

namespace {

using Message = ChatView::Message;
using Part = ChatView::Part;
using Role = ChatView::Message::Role;

std::string_view name_of(Role role) {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::assistant:
      return "assistant";
    case Role::tool:
      return "tool";
  }
  return "user";
}

// A part of the row, or an empty string for one that is missing.
std::string_view given(std::string_view json) {
  return json.empty() ? "\"\"" : json;
}

// Writes the body of a chat row, member by member.
class BodyWriter {
 public:
  BodyWriter(const ChatView& chat, std::string& out) : chat_(chat), out_(out) {}

  void append_members() {
    append_messages();
    append_tools();
    append_format();
    append_think();
    append_options();
  }

 private:
  // What comes between the elements of a list.
  void append_comma(bool& first) {
    if (!first) out_ += ',';
    first = false;
  }

  void append_messages() {
    out_ += ",\"messages\":[";
    bool first = true;
    for (const Message& message : chat_.messages) {
      append_comma(first);
      append_message(message);
    }
    out_ += ']';
  }

  void append_message(const Message& message) {
    out_.append("{\"role\":\"").append(name_of(message.role)).append("\",\"content\":");
    append_text(message.parts);
    append_images(message.parts);
    append_tool_calls(message.tool_calls);
    if (const std::string_view name = function_answered(message); !name.empty())
      out_.append(",\"tool_name\":").append(name);
    out_ += '}';
  }

  void append_text(const std::vector<Part>& parts) {
    out_ += '"';
    bool first = true;
    for (const Part& part : parts) {
      if (part.kind != Part::Kind::text) continue;
      if (!first) out_ += "\\n";
      first = false;
      out_ += part.text.substr(1, part.text.size() - 2);
    }
    out_ += '"';
  }

  void append_images(const std::vector<Part>& parts) {
    bool first = true;
    for (const Part& part : parts) {
      if (part.kind != Part::Kind::image_data) continue;
      out_ += first ? ",\"images\":[" : ",";
      first = false;
      append_json_string(out_, part.data);
    }
    if (!first) out_ += ']';
  }

  void append_tool_calls(const std::vector<ChatView::ToolCall>& calls) {
    if (calls.empty()) return;
    out_ += ",\"tool_calls\":[";
    bool first = true;
    for (const ChatView::ToolCall& call : calls) {
      append_comma(first);
      out_ += '{';
      if (!call.id.empty()) out_.append("\"id\":").append(call.id).append(",");
      out_.append("\"function\":{\"name\":").append(given(call.name)).append(",\"arguments\":");
      append_arguments(out_, call.arguments);
      out_ += "}}";
    }
    out_ += ']';
  }

  // The name of the function whose call a tool's message answers; "" when there is no such call.
  std::string_view function_answered(const Message& answer) const {
    if (answer.role != Role::tool || answer.tool_call_id.empty()) return "";
    const std::string id = text_of(answer.tool_call_id);
    for (const Message& message : chat_.messages) {
      for (const ChatView::ToolCall& call : message.tool_calls) {
        if (text_of(call.id) == id) return call.name;
      }
    }
    return "";
  }

  void append_tools() {
    if (chat_.tools.empty()) return;
    out_ += ",\"tools\":[";
    bool first = true;
    for (const ChatView::Tool& tool : chat_.tools) {
      append_comma(first);
      out_.append("{\"type\":\"function\",\"function\":{\"name\":").append(given(tool.name));
      if (!tool.description.empty()) out_.append(",\"description\":").append(tool.description);
      if (!tool.parameters.empty()) out_.append(",\"parameters\":").append(tool.parameters);
      out_ += "}}";
    }
    out_ += ']';
  }

  void append_format() {
    if (chat_.format == ChatView::Format::json_object) out_ += ",\"format\":\"json\"";
    if (chat_.format != ChatView::Format::json_schema) return;
    out_.append(",\"format\":").append(chat_.schema.empty() ? "\"json\"" : chat_.schema);
  }

  void append_think() {
    const std::string_view effort = chat_.reasoning_effort;
    if (!effort.empty()) out_.append(",\"think\":").append(effort == "\"none\"" ? "false" : effort);
  }

  void append_options() {
    struct Option {
      std::string_view name, json;
    };
    const Option options[] = {
        {"num_predict", chat_.max_output_tokens},
        {"temperature", chat_.temperature},
        {"top_p", chat_.top_p},
        {"top_k", chat_.top_k},
        {"min_p", chat_.min_p},
        {"seed", chat_.seed},
        {"frequency_penalty", chat_.frequency_penalty},
        {"presence_penalty", chat_.presence_penalty},
        {"repeat_penalty", chat_.repetition_penalty},
    };
    bool first = true;
    const auto begin = [&](std::string_view name) {
      out_ += first ? ",\"options\":{\"" : ",\"";
      first = false;
      out_.append(name).append("\":");
    };
    for (const Option& option : options) {
      if (option.json.empty()) continue;
      begin(option.name);
      out_ += option.json;
    }
    if (!chat_.stop.empty()) {
      begin("stop");
      append_list(out_, chat_.stop);
    }
    if (!first) out_ += '}';
  }

  const ChatView& chat_;
  std::string& out_;
};

std::string body_of(const Row& row, std::string_view model, bool stream) {
  std::string body;
  body.reserve(row.text.size() + model.size() + 128);
  body += "{\"model\":";
  append_json_string(body, model);
  if (row.api == Api::ollama_chat) {
    append_members_without(body, row.body, {"model", "stream"});
  } else {
    const ChatView chat = view_chat(row);
    BodyWriter(chat, body).append_members();
  }
  body += stream ? ",\"stream\":true}" : ",\"stream\":false}";
  return body;
}

}  // namespace

Request encode_ollama(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                      const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.body = body_of(row, model, stream);
  request.head =
      start_head("POST", below("/api", "/chat", endpoint), stream ? accept_lines : accept_json, endpoint);
  append_json_fields(request.head, request.body.size());
  append_credential(request.head, "Authorization", "Bearer ", credential);
  request.head += "\r\n";
  return request;
}

Request encode_ollama_probe(const Endpoint& endpoint, const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.head = start_head("GET", below("/api", "/tags", endpoint), accept_json, endpoint);
  append_credential(request.head, "Authorization", "Bearer ", credential);
  request.head += "\r\n";
  return request;
}

}  // namespace batchrun
