#include "io/dialects/openai_encode.h"

#include <algorithm>
#include <array>

#include "io/dialects/native_row.h"
#include "io/dialects/request_head.h"
#include "io/json_members.h"
#include "io/json_text.h"

namespace batchrun {

namespace {

// Which of the row's members are not the provider's business.
enum class Place {
  batch_body,  // `body` of an OpenAI Batch line: batchrun's own members are outside of it
  bare_body,   // the whole row
  prompt,      // the whole row, with the prompt in words of batchrun's
};

bool set_anew(std::string_view name) {
  return name == "model" || name == "stream" || name == "stream_options";
}

bool is_own(std::string_view name, Place place) {
  constexpr std::array<std::string_view, 7> own = {"custom_id", "id",       "provider", "route",
                                                   "tags",      "metadata", "priority"};
  constexpr std::array<std::string_view, 3> prompt_words = {"prompt", "system", "messages"};
  const auto in = [name](const auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return (place != Place::batch_body && in(own)) || (place == Place::prompt && in(prompt_words));
}

bool is_dropped(std::string_view key, Place place) {
  // Spelled with escapes, a name is still the same name to the provider's parser.
  if (key.find('\\') == std::string_view::npos) return set_anew(key) || is_own(key, place);
  std::string name;
  append_json_unescaped(name, key);
  return set_anew(name) || is_own(name, place);
}

Place place_of(const Row& row) {
  if (row.shape == RowShape::prompt) return Place::prompt;
  const std::size_t start = std::min(row.text.find('{'), row.text.size());
  return row.body.data() == row.text.data() + start ? Place::bare_body : Place::batch_body;
}

void append_messages(std::string& body, const Row& row) {
  body += ",\"messages\":[";
  if (!row.system.empty()) {
    body += "{\"role\":\"system\",\"content\":";
    append_json_string(body, row.system);
    body += "},";
  }
  body += "{\"role\":\"user\",\"content\":";
  append_json_string(body, row.prompt);
  body += "}]";
}

std::string chat_body(OpenAiFlavour flavour, const Row& row, std::string_view model, bool stream) {
  const Place place = place_of(row);
  const std::string_view object = place == Place::prompt ? std::string_view(row.text) : row.body;
  std::string body;
  body.reserve(object.size() + model.size() + 128);
  body += "{\"model\":";
  append_json_string(body, model);
  if (stream) body += ",\"stream\":true";
  // Groq streams its usage unasked and does not list the option.
  if (stream && flavour != OpenAiFlavour::groq) body += ",\"stream_options\":{\"include_usage\":true}";
  if (place == Place::prompt) append_messages(body, row);
  JsonMembers members(object);
  for (std::string_view key, value; members.next(key, value);) {
    if (is_dropped(key, place)) continue;
    body.append(",\"").append(key).append("\":").append(value);
  }
  body += '}';
  return body;
}

std::string native_body(const Row& row, std::string_view model, bool stream) {
  std::string body;
  body.reserve(row.body.size() + model.size() + 64);
  body += "{\"model\":";
  append_json_string(body, model);
  if (stream) body += ",\"stream\":true";
  append_members_without(body, row.body, {"model", "stream", "stream_options"});
  body += '}';
  return body;
}

std::string_view path_of(Api api) {
  if (api == Api::responses) return "/responses";
  return api == Api::embeddings ? "/embeddings" : "/chat/completions";
}

// Who asks, and the blank line.
void end_head(std::string& head, const Endpoint& endpoint, const Credential& credential) {
  if (!endpoint.organization.empty()) append_field(head, "OpenAI-Organization", endpoint.organization);
  if (!endpoint.project.empty()) append_field(head, "OpenAI-Project", endpoint.project);
  append_credential(head, "Authorization", "Bearer ", credential);
  head += "\r\n";
}

}  // namespace

Request encode_openai(OpenAiFlavour flavour, const Row& row, std::string_view model, bool stream,
                      const Endpoint& endpoint, const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.body =
      row.api == Api::chat ? chat_body(flavour, row, model, stream) : native_body(row, model, stream);
  request.head = start_head("POST", path_of(row.api), stream ? accept_events : accept_json, endpoint);
  append_json_fields(request.head, request.body.size());
  end_head(request.head, endpoint, credential);
  return request;
}

Request encode_openai_probe(const Endpoint& endpoint, const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.head = start_head("GET", "/models", accept_json, endpoint);
  end_head(request.head, endpoint, credential);
  return request;
}

}  // namespace batchrun
