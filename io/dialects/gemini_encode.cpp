#include "io/dialects/gemini_encode.h"

#include "io/chat_view.h"
#include "io/dialects/native_row.h"
#include "io/dialects/request_head.h"
#include "io/json_text.h"
#include "io/percent_encoding.h"
#include "io/reply_json.h"

namespace batchrun {
namespace {

using Message = ChatView::Message;
using Part = ChatView::Part;

// Writes members of one object, with commas where they belong.
class ObjectText {
 public:
  explicit ObjectText(std::string& out) : out_(out) { out_ += '{'; }
  // Opens a member; the caller appends its value.
  std::string& member(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    return out_.append("\"").append(name).append("\":");
  }
  // Nothing when `json` is empty.
  void add(std::string_view name, std::string_view json) {
    if (!json.empty()) member(name).append(json);
  }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_comma(std::string& out) {
  if (!out.ends_with('[')) out += ',';
}

void append_part(std::string& out, const Part& part) {
  append_comma(out);
  switch (part.kind) {
    case Part::Kind::text:
    case Part::Kind::image_url:  // not honoured: no row with one gets here
      out.append("{\"text\":").append(part.kind == Part::Kind::text ? part.text : part.url).append("}");
      return;
    case Part::Kind::image_data:
      out += "{\"inlineData\":{\"mimeType\":";
      append_json_string(out, part.media_type);
      out += ",\"data\":";
      append_json_string(out, part.data);
      out += "}}";
  }
}

// Arguments as an object; text that is none is kept under a name of its own, for the model to see what it
// once wrote.
void append_args(std::string& out, std::string_view json_string) {
  const std::string text = text_of(json_string);
  if (const ReplyJson json = scan_reply(text); json.is_object()) return append_json_raw(out, json.text);
  if (text.empty()) {
    out += "{}";
  } else {
    out.append("{\"arguments\":").append(json_string).append("}");
  }
}

void append_call(std::string& out, const ChatView::ToolCall& call) {
  append_comma(out);
  out.append("{\"functionCall\":{\"name\":").append(call.name.empty() ? "\"\"" : call.name);
  out += ",\"args\":";
  append_args(out, call.arguments);
  out += "}}";
}

// The name of the call a tool's message answers: of the last one with its id. An id of no call stands for
// itself, so that the provider can say what is wrong.
std::string_view name_of_call(const ChatView& chat, std::size_t message) {
  const std::string_view id = chat.messages[message].tool_call_id;
  const std::string plain = text_of(id);
  for (std::size_t i = message; i-- > 0;) {
    for (const ChatView::ToolCall& call : chat.messages[i].tool_calls) {
      if (!call.name.empty() && text_of(call.id) == plain) return call.name;
    }
  }
  return id.empty() ? "\"\"" : id;
}

// What a tool said: its text as the output of the call, an image as a part that follows.
void append_response(std::string& out, const ChatView& chat, std::size_t message) {
  const std::vector<Part>& parts = chat.messages[message].parts;
  std::string text;
  for (const Part& part : parts) text += text_of(part.text);
  append_comma(out);
  out.append("{\"functionResponse\":{\"name\":").append(name_of_call(chat, message));
  out += ",\"response\":{\"output\":";
  append_json_string(out, text);
  out += "}}}";
  for (const Part& part : parts) {
    if (part.kind != Part::Kind::text) append_part(out, part);
  }
}

void append_contents(std::string& out, const ChatView& chat) {
  out += '[';
  for (std::size_t i = 0; i < chat.messages.size(); ++i) {
    const Message& message = chat.messages[i];
    if (message.role == Message::Role::system) continue;
    append_comma(out);
    out += message.role == Message::Role::assistant ? R"({"role":"model","parts":[)"
                                                    : R"({"role":"user","parts":[)";
    if (message.role == Message::Role::tool) {
      append_response(out, chat, i);
      for (; i + 1 < chat.messages.size() && chat.messages[i + 1].role == Message::Role::tool; ++i)
        append_response(out, chat, i + 1);
    } else {
      for (const Part& part : message.parts) append_part(out, part);
      for (const ChatView::ToolCall& call : message.tool_calls) append_call(out, call);
      if (out.ends_with('[')) out += "{\"text\":\"\"}";  // a content without parts is refused
    }
    out += "]}";
  }
  out += ']';
}

void append_system(std::string& out, const ChatView& chat) {
  out += "{\"parts\":[";
  for (const Message& message : chat.messages) {
    if (message.role != Message::Role::system) continue;
    for (const Part& part : message.parts) append_part(out, part);
  }
  out += "]}";
}

bool has_system(const ChatView& chat) {
  for (const Message& message : chat.messages) {
    if (message.role == Message::Role::system && !message.parts.empty()) return true;
  }
  return false;
}

void append_tools(std::string& out, const ChatView& chat) {
  out += "[{\"functionDeclarations\":[";
  for (const ChatView::Tool& tool : chat.tools) {
    append_comma(out);
    ObjectText declaration(out);
    declaration.add("name", tool.name);
    declaration.add("description", tool.description);
    declaration.add("parametersJsonSchema", tool.parameters);
    declaration.end();
  }
  out += "]}]";
}

void append_tool_choice(std::string& out, const ChatView& chat) {
  out += "{\"functionCallingConfig\":{\"mode\":";
  switch (chat.tool_choice) {
    case ChatView::ToolChoice::automatic:
      out += "\"AUTO\"";
      break;
    case ChatView::ToolChoice::none:
      out += "\"NONE\"";
      break;
    case ChatView::ToolChoice::required:
      out += "\"ANY\"";
      break;
    case ChatView::ToolChoice::one:
      out.append("\"ANY\",\"allowedFunctionNames\":[").append(chat.chosen_tool).append("]");
  }
  out += "}}";
}

// "" when there is nothing to say.
std::string generation_config(const ChatView& chat) {
  std::string out;
  ObjectText config(out);
  config.add("maxOutputTokens", chat.max_output_tokens);
  config.add("temperature", chat.temperature);
  config.add("topP", chat.top_p);
  config.add("topK", chat.top_k);
  config.add("seed", chat.seed);
  config.add("candidateCount", chat.choices);
  if (!chat.stop.empty()) append_list(config.member("stopSequences"), chat.stop);
  if (chat.format != ChatView::Format::text) config.add("responseMimeType", "\"application/json\"");
  if (chat.format == ChatView::Format::json_schema) config.add("responseJsonSchema", chat.schema);
  config.end();
  return out == "{}" ? "" : out;
}

std::string chat_body(const Row& row) {
  const ChatView chat = view_chat(row);
  std::string out;
  out.reserve(row.text.size() + 256);
  ObjectText body(out);
  append_contents(body.member("contents"), chat);
  if (has_system(chat)) append_system(body.member("systemInstruction"), chat);
  if (!chat.tools.empty()) append_tools(body.member("tools"), chat);
  if (chat.tool_choice != ChatView::ToolChoice::automatic)
    append_tool_choice(body.member("toolConfig"), chat);
  body.add("generationConfig", generation_config(chat));
  body.end();
  return out;
}

std::string native_body(const Row& row) {
  std::string out;
  out.reserve(row.body.size());
  append_members_without(out, row.body, {"model", "stream"});
  if (out.empty()) return "{}";
  out.front() = '{';  // in place of the first comma
  out += '}';
  return out;
}

bool names_version(std::string_view base_path) {
  return base_path.ends_with("/v1beta") || base_path.ends_with("/v1");
}

std::string models_path(const Endpoint& endpoint) {
  return names_version(endpoint.base_path) ? "/models" : "/v1beta/models";
}

std::string target_of(std::string_view model, bool stream, const Endpoint& endpoint) {
  constexpr std::string_view prefix = "models/";
  if (model.starts_with(prefix)) model.remove_prefix(prefix.size());
  std::string target = models_path(endpoint);
  target += '/';
  append_percent_encoded(target, model);
  target += stream ? ":streamGenerateContent?alt=sse" : ":generateContent";
  return target;
}

void end_head(std::string& head, const Credential& credential) {
  append_credential(head, "x-goog-api-key", "", credential);
  head += "\r\n";
}

}  // namespace

FeatureSet gemini_honours() {
  // Not among them: an image by URL (needs its media type, and a model that fetches), reasoning_effort (a
  // budget for some models and a level for others, refused by those of the other kind), service_tier (other
  // words), parallel_tool_calls false, logprobs (another form), penalties ("Penalty is not enabled for this
  // model": all from 2.5 on refuse them with 400), and what generateContent has no word for.
  static constexpr FeatureSet honoured(Feature::image_data, Feature::tools, Feature::tool_choice,
                                       Feature::json_object, Feature::json_schema, Feature::stop,
                                       Feature::stop_blank, Feature::stop_over_4,  // "up to 5" stopSequences
                                       Feature::seed, Feature::choices, Feature::temperature,
                                       Feature::temperature_over_1, Feature::top_p, Feature::top_k);
  return honoured;
}

Request encode_gemini(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                      const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.body = row.api == Api::gemini_generate ? native_body(row) : chat_body(row);
  request.head =
      start_head("POST", target_of(model, stream, endpoint), stream ? accept_events : accept_json, endpoint);
  append_json_fields(request.head, request.body.size());
  end_head(request.head, credential);
  return request;
}

Request encode_gemini_probe(const Endpoint& endpoint, const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.head = start_head("GET", models_path(endpoint) + "?pageSize=1", accept_json, endpoint);
  end_head(request.head, credential);
  return request;
}

}  // namespace batchrun
