#include "io/dialects/anthropic_encode.h"

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

constexpr std::string_view first_version = "2023-06-01";
constexpr std::string_view bearer_version = "2026-10-21";

std::string_view version_of(const Endpoint& endpoint) {
  return endpoint.api_version.empty() ? first_version : std::string_view(endpoint.api_version);
}

// A part of the row, or what stands for one that is missing.
std::string_view given(std::string_view json, std::string_view otherwise = "\"\"") {
  return json.empty() ? otherwise : json;
}

// Writes the body of a chat row, member by member.
class BodyWriter {
 public:
  BodyWriter(const ChatView& chat, std::string& out) : chat_(chat), out_(out) {}

  void append_members() {
    out_.append(",\"max_tokens\":").append(given(chat_.max_output_tokens, anthropic_default_max_tokens));
    append_system();
    append_messages();
    append_scalar("temperature", chat_.temperature);
    append_scalar("top_p", chat_.top_p);
    append_scalar("top_k", chat_.top_k);
    append_stop();
    append_tools();
    append_tool_choice();
    append_output_config();
    if (reasoning_off()) out_ += ",\"thinking\":{\"type\":\"disabled\"}";
    if (!chat_.user.empty()) out_.append(",\"metadata\":{\"user_id\":").append(chat_.user).append("}");
  }

 private:
  bool reasoning_off() const { return chat_.reasoning_effort == "\"none\""; }

  // What comes between the elements of a list.
  void append_comma(bool& first) {
    if (!first) out_ += ',';
    first = false;
  }

  void append_scalar(std::string_view name, std::string_view json) {
    if (!json.empty()) out_.append(",\"").append(name).append("\":").append(json);
  }

  void append_part(const Part& part) {
    switch (part.kind) {
      case Part::Kind::text:
        out_.append("{\"type\":\"text\",\"text\":").append(part.text).append("}");
        break;
      case Part::Kind::image_url:
        out_.append("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":")
            .append(part.url)
            .append("}}");
        break;
      case Part::Kind::image_data:
        out_ += "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":";
        append_json_string(out_, part.media_type);
        out_ += ",\"data\":";
        append_json_string(out_, part.data);
        out_ += "}}";
        break;
    }
  }

  void append_parts(const std::vector<Part>& parts) {
    if (parts.size() == 1 && parts.front().kind == Part::Kind::text) {
      out_ += parts.front().text;
      return;
    }
    out_ += '[';
    bool first = true;
    for (const Part& part : parts) {
      append_comma(first);
      append_part(part);
    }
    out_ += ']';
  }

  void append_system() {
    std::vector<Part> parts;
    for (const Message& message : chat_.messages) {
      if (message.role == Role::system) parts.insert(parts.end(), message.parts.begin(), message.parts.end());
    }
    if (parts.empty()) return;
    out_ += ",\"system\":";
    append_parts(parts);
  }

  void append_messages() {
    out_ += ",\"messages\":[";
    bool first = true;
    const std::vector<Message>& messages = chat_.messages;
    for (std::size_t i = 0; i < messages.size();) {
      if (messages[i].role == Role::system) {
        ++i;
        continue;
      }
      append_comma(first);
      if (messages[i].role == Role::tool) {
        i = append_tool_results(i);
      } else {
        append_message(messages[i++]);
      }
    }
    out_ += ']';
  }

  void append_message(const Message& message) {
    const bool assistant = message.role == Role::assistant;
    out_ += assistant ? "{\"role\":\"assistant\",\"content\":" : "{\"role\":\"user\",\"content\":";
    if (message.tool_calls.empty()) {
      append_parts(message.parts);
    } else {
      append_parts_and_calls(message);
    }
    out_ += '}';
  }

  void append_parts_and_calls(const Message& message) {
    out_ += '[';
    bool first = true;
    for (const Part& part : message.parts) {
      if (part.text == "\"\"") continue;  // beside a call OpenAI has empty text, which is refused here
      append_comma(first);
      append_part(part);
    }
    for (const ChatView::ToolCall& call : message.tool_calls) {
      append_comma(first);
      out_.append("{\"type\":\"tool_use\",\"id\":").append(given(call.id));
      out_.append(",\"name\":").append(given(call.name)).append(",\"input\":");
      append_arguments(out_, call.arguments);
      out_ += '}';
    }
    out_ += ']';
  }

  // The user message of all tool messages from `i` on; the place after them.
  std::size_t append_tool_results(std::size_t i) {
    out_ += "{\"role\":\"user\",\"content\":[";
    bool first = true;
    for (; i < chat_.messages.size() && chat_.messages[i].role == Role::tool; ++i) {
      const Message& message = chat_.messages[i];
      append_comma(first);
      out_.append("{\"type\":\"tool_result\",\"tool_use_id\":").append(given(message.tool_call_id));
      out_ += ",\"content\":";
      append_parts(message.parts);
      out_ += '}';
    }
    out_ += "]}";
    return i;
  }

  void append_stop() {
    if (chat_.stop.empty()) return;
    out_ += ",\"stop_sequences\":";
    append_list(out_, chat_.stop);
  }

  void append_tools() {
    if (chat_.tools.empty()) return;
    out_ += ",\"tools\":[";
    bool first = true;
    for (const ChatView::Tool& tool : chat_.tools) {
      append_comma(first);
      out_.append("{\"name\":").append(given(tool.name));
      append_scalar("description", tool.description);
      append_scalar("input_schema", given(tool.parameters, "{\"type\":\"object\",\"properties\":{}}"));
      if (tool.strict == "true") append_scalar("strict", tool.strict);
      out_ += '}';
    }
    out_ += ']';
  }

  // Only beside tools: without them it is refused.
  void append_tool_choice() {
    using Choice = ChatView::ToolChoice;
    const bool serial = chat_.serial_tool_calls && chat_.tool_choice != Choice::none;
    if (chat_.tools.empty() || (chat_.tool_choice == Choice::automatic && !serial)) return;
    out_ += ",\"tool_choice\":{\"type\":";
    switch (chat_.tool_choice) {
      case Choice::automatic:
        out_ += "\"auto\"";
        break;
      case Choice::none:
        out_ += "\"none\"";
        break;
      case Choice::required:
        out_ += "\"any\"";
        break;
      case Choice::one:
        out_.append("\"tool\",\"name\":").append(given(chat_.chosen_tool));
        break;
    }
    if (serial) out_ += ",\"disable_parallel_tool_use\":true";
    out_ += '}';
  }

  void append_output_config() {
    const bool effort = !chat_.reasoning_effort.empty() && !reasoning_off();
    const bool schema = chat_.format == ChatView::Format::json_schema;
    if (!effort && !schema) return;
    out_ += ",\"output_config\":{";
    if (effort) out_.append("\"effort\":").append(chat_.reasoning_effort);
    if (effort && schema) out_ += ',';
    if (schema) {
      out_.append("\"format\":{\"type\":\"json_schema\",\"schema\":").append(given(chat_.schema, "{}"));
      out_ += '}';
    }
    out_ += '}';
  }

  const ChatView& chat_;
  std::string& out_;
};

std::string body_of(const Row& row, std::string_view model, bool stream) {
  std::string body;
  body.reserve(row.text.size() + model.size() + 256);
  body += "{\"model\":";
  append_json_string(body, model);
  if (row.api == Api::anthropic_messages) {
    append_members_without(body, row.body, {"model", "stream"});
  } else {
    const ChatView chat = view_chat(row);
    BodyWriter(chat, body).append_members();
  }
  if (stream) body += ",\"stream\":true";
  body += '}';
  return body;
}

// Version, key and the blank line.
void end_head(std::string& head, const Endpoint& endpoint, const Credential& credential) {
  append_field(head, "anthropic-version", version_of(endpoint));
  if (version_of(endpoint) < bearer_version) {
    append_credential(head, "x-api-key", "", credential);
  } else {
    append_credential(head, "Authorization", "Bearer ", credential);
  }
  head += "\r\n";
}

}  // namespace

bool anthropic_takes_sampling(const Endpoint& endpoint) {
  return version_of(endpoint) < bearer_version;  // dates, written so that they sort
}

Request encode_anthropic(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                         const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.body = body_of(row, model, stream);
  request.head =
      start_head("POST", below("/v1", "/messages", endpoint), stream ? accept_events : accept_json, endpoint);
  append_json_fields(request.head, request.body.size());
  end_head(request.head, endpoint, credential);
  return request;
}

Request encode_anthropic_probe(const Endpoint& endpoint, const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.head = start_head("GET", below("/v1", "/models?limit=1", endpoint), accept_json, endpoint);
  end_head(request.head, endpoint, credential);
  return request;
}

}  // namespace batchrun
