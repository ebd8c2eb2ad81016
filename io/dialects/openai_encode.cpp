#include "io/dialects/openai_encode.h"

#include <algorithm>
#include <array>

#include "io/dialects/native_row.h"
#include "io/dialects/request_head.h"
#include "io/json_members.h"
#include "io/json_text.h"
#include "io/percent_encoding.h"

namespace batchrun {

namespace {

bool set_anew(std::string_view name) {
  return name == "model" || name == "stream" || name == "stream_options";
}

// Which of the row's members are not the provider's business. Those of batchrun's own are outside of a batch
// line's body.
bool is_own(std::string_view name, const Row& row) {
  constexpr std::array<std::string_view, 7> own = {"custom_id", "id",       "provider", "route",
                                                   "tags",      "metadata", "priority"};
  constexpr std::array<std::string_view, 3> prompt_words = {"prompt", "system", "messages"};
  const auto in = [name](const auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return (row.place() == BodyPlace::is_the_row && in(own)) ||
         (row.shape == RowShape::prompt && in(prompt_words));
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

// Ollama reads max_tokens only: what the row says in OpenAI's later word, which wins where it has both. Other
// servers know both words.
std::string_view renamed_limit(OpenAiFlavour flavour, std::string_view object) {
  std::string_view limit;
  if (flavour != OpenAiFlavour::ollama) return limit;
  std::string decoded;
  JsonMembers members(object);
  for (std::string_view key, value; members.next(key, value);) {
    if (value != "null" && json_unescaped(key, decoded) == "max_completion_tokens") limit = value;
  }
  return limit;
}

std::string chat_body(OpenAiFlavour flavour, const Row& row, std::string_view model, bool stream) {
  const bool is_prompt = row.shape == RowShape::prompt;
  const std::string_view object = is_prompt ? std::string_view(row.text) : row.body;
  std::string body;
  body.reserve(object.size() + model.size() + 128);
  body += "{\"model\":";
  append_json_string(body, model);
  if (stream) body += ",\"stream\":true";
  // Groq streams its usage unasked and does not list the option.
  if (stream && flavour != OpenAiFlavour::groq) body += ",\"stream_options\":{\"include_usage\":true}";
  if (is_prompt) append_messages(body, row);
  const std::string_view limit = renamed_limit(flavour, object);
  std::string decoded;
  JsonMembers members(object);
  for (std::string_view key, value; members.next(key, value);) {
    const std::string_view name = json_unescaped(key, decoded);
    if (set_anew(name) || is_own(name, row)) continue;
    if (!limit.empty() && (name == "max_tokens" || name == "max_completion_tokens")) continue;
    body.append(",\"").append(key).append("\":").append(value);
  }
  if (!limit.empty()) body.append(",\"max_tokens\":").append(limit);
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

constexpr std::string_view azure_version = "2024-10-21";

void append_version(std::string& target, bool needed, const Endpoint& endpoint) {
  if (!needed && endpoint.api_version.empty()) return;
  target += "?api-version=";
  append_percent_encoded(target, endpoint.api_version.empty() ? azure_version : endpoint.api_version);
}

std::string target_of(OpenAiFlavour flavour, Api api, std::string_view model, const Endpoint& endpoint) {
  const bool deployments = has_deployment_paths(flavour, endpoint);
  std::string target;
  if (deployments) {
    target = below("/openai", "/deployments/", endpoint);
    append_percent_encoded(target, model);
  }
  target += path_of(api);
  if (flavour == OpenAiFlavour::azure) append_version(target, deployments, endpoint);
  return target;
}

std::string models_target(OpenAiFlavour flavour, const Endpoint& endpoint) {
  if (flavour != OpenAiFlavour::azure) return "/models";
  const bool deployments = has_deployment_paths(flavour, endpoint);
  std::string target = deployments ? below("/openai", "/models", endpoint) : "/models";
  append_version(target, deployments, endpoint);
  return target;
}

// Who asks, and the blank line.
void end_head(std::string& head, OpenAiFlavour flavour, const Endpoint& endpoint,
              const Credential& credential) {
  if (!endpoint.organization.empty()) append_field(head, "OpenAI-Organization", endpoint.organization);
  if (!endpoint.project.empty()) append_field(head, "OpenAI-Project", endpoint.project);
  if (flavour == OpenAiFlavour::azure) {
    append_credential(head, "api-key", "", credential);
  } else {
    append_credential(head, "Authorization", "Bearer ", credential);
  }
  head += "\r\n";
}

}  // namespace

bool has_deployment_paths(OpenAiFlavour flavour, const Endpoint& endpoint) {
  return flavour == OpenAiFlavour::azure && !std::string_view(endpoint.base_path).ends_with("/v1");
}

Request encode_openai(OpenAiFlavour flavour, const Row& row, std::string_view model, bool stream,
                      const Endpoint& endpoint, const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.body =
      row.api == Api::chat ? chat_body(flavour, row, model, stream) : native_body(row, model, stream);
  request.head = start_head("POST", target_of(flavour, row.api, model, endpoint),
                            stream ? accept_events : accept_json, endpoint);
  append_json_fields(request.head, request.body.size());
  end_head(request.head, flavour, endpoint, credential);
  return request;
}

Request encode_openai_probe(OpenAiFlavour flavour, const Endpoint& endpoint, const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.head = start_head("GET", models_target(flavour, endpoint), accept_json, endpoint);
  end_head(request.head, flavour, endpoint, credential);
  return request;
}

}  // namespace batchrun
