// Gemini: generateContent, streamGenerateContent and their voice (https://ai.google.dev/api/generate-content,
// https://ai.google.dev/gemini-api/docs/rate-limits).
#include <fmt/format.h>

#include <iterator>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/json_view.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

std::string_view status_word(int status) {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 499:
      return "CANCELLED";
    case 503:
      return "UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
  }
}

struct Worded {
  int status;
  std::string message;
  std::string details{};  // the array's inside; "" = no details
};

std::string error_info(std::string_view reason) {
  return fmt::format(
      R"({{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{}","domain":"googleapis.com",)"
      R"("metadata":{{"service":"generativelanguage.googleapis.com"}}}})",
      reason);
}

Worded incorrect_key(const Problem& problem) {
  if (problem.variant == "leaked")
    return {403, "Your API key was reported as leaked. Please use another API key."};
  if (problem.variant == "service_blocked")
    return {403, "Requests to this API are blocked.", error_info("API_KEY_SERVICE_BLOCKED")};
  return {400,
          problem.whole_key ? fmt::format("API key not valid: {}", problem.key)
                            : "API key not valid. Please pass a valid API key.",
          error_info("API_KEY_INVALID")};
}

struct QuotaWords {
  std::string_view metric, id;
};

QuotaWords quota_words(Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_day:
      return {"generate_content_free_tier_requests", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"};
    case Dimension::tokens_per_day:
      return {"generate_content_free_tier_input_token_count",
              "GenerateContentInputTokensPerDayPerProjectPerModel-FreeTier"};
    case Dimension::tokens_per_minute:
    case Dimension::input_tokens_per_minute:
      return {"generate_content_free_tier_input_token_count",
              "GenerateContentInputTokensPerMinutePerProjectPerModel-FreeTier"};
    default:
      return {"generate_content_free_tier_requests", "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"};
  }
}

// With QuotaFailure, and RetryInfo where a delay is known.
Worded exceeded(const Problem& problem, Dimension dimension, double limit) {
  const QuotaWords words = quota_words(dimension);
  Worded w{429, "You exceeded your current quota, please check your plan and billing details."};
  if (!problem.retry_delay.empty()) w.message += fmt::format(" Please retry in {}s.", problem.retry_delay);
  w.details = fmt::format(
      R"({{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{)"
      R"("quotaMetric":"generativelanguage.googleapis.com/{}","quotaId":"{}","quotaDimensions":)"
      R"({{"location":"global","model":"{}"}},"quotaValue":"{:.0f}"}}]}},)"
      R"({{"@type":"type.googleapis.com/google.rpc.Help","links":[{{"description":"Learn more about Gemini API )"
      R"(quotas","url":"https://ai.google.dev/gemini-api/docs/rate-limits"}}]}})",
      words.metric, words.id, problem.model, limit);
  if (!problem.retry_delay.empty()) {
    w.details += fmt::format(R"(,{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{}s"}})",
                             problem.retry_delay);
  }
  return w;
}

// Variants: "per_day", "no_details", "not_offered" (a limit of 0).
Worded rate_limited(const Problem& problem) {
  if (problem.refusal) return exceeded(problem, problem.refusal->dimension, problem.refusal->limit);
  if (problem.variant == "no_details") return {429, "Resource has been exhausted (e.g. check quota)."};
  if (problem.variant == "per_day") return exceeded(problem, Dimension::requests_per_day, 20);
  if (problem.variant == "not_offered") return exceeded(problem, Dimension::requests_per_day, 0);
  return exceeded(problem, Dimension::requests_per_minute, 10);
}

Worded worded(const Problem& p) {
  switch (p.trouble) {
    case Trouble::invalid:
      return {400, p.message};
    case Trouble::no_key:
      return {403,
              "Method doesn't allow unregistered callers (callers without established identity). Please use "
              "API Key "
              "or other form of API consumer identity to call this API."};
    case Trouble::incorrect_key:
      return incorrect_key(p);
    case Trouble::unknown_model:
      return {404,
              fmt::format("models/{} is not found for API version v1beta, or is not supported for "
                          "generateContent. Call ListModels to see the list of available models and their "
                          "supported methods.",
                          p.model)};
    case Trouble::unknown_url:
      return {404, "The requested URL was not found on this server."};
    case Trouble::wrong_method:
      return {405, "Method not allowed."};
    case Trouble::server_error:
      return {500,
              "An internal error has occurred. Please retry or report in "
              "https://developers.generativeai.google/guide/troubleshooting"};
    case Trouble::overloaded:
      return {503, "The model is overloaded. Please try again later."};
    case Trouble::quota_gone:
      return {429, "Your prepayment credits are depleted. Please go to AI Studio to manage your billing."};
    case Trouble::context_too_long:
      return {400, fmt::format(
                       "The input token count ({}) exceeds the maximum number of tokens allowed (1048576).",
                       p.tokens)};
    case Trouble::prompt_refused:
      return {400, "The prompt was blocked."};
    case Trouble::rate_limited:
      return rate_limited(p);
  }
  return {500, ""};
}

std::string error_json(const Problem& problem, int& status) {
  const Worded w = worded(problem);
  status = problem.status > 0 ? problem.status : w.status;
  std::string out = fmt::format(R"({{"error":{{"code":{},"message":)", status);
  append_json_string(out, w.message);
  out += fmt::format(R"(,"status":"{}")", status_word(status));
  if (!w.details.empty()) out += fmt::format(R"(,"details":[{}])", w.details);
  return out + "}}";
}

class Gemini final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    ErrorReply reply;
    reply.body = error_json(problem, reply.status);
    return reply;
  }

  // Three forms have been seen: an event (the usual one here), "bare" JSON, and JSON in an "array".
  void append_stream_error(StreamEvents& events, const Problem& problem) const override {
    std::string body = error(problem).body;
    if (problem.variant == "bare") {
      events.tail = std::move(body);
    } else if (problem.variant == "array") {
      events.tail = "[" + body + "]";
    } else {
      events.data.push_back(std::move(body));
    }
  }

  void append_reply_fields(std::string& out, std::string_view, std::string_view) const override {
    out += "vary: Origin\r\nserver: scaffolding on HTTPServer2\r\n";
  }

  void append_absurd_limit_fields(std::string&) const override {}
  void append_retry_after(std::string&, Moment) const override {}
  bool delay_is_in_body() const override { return true; }

  std::string model_list(const std::vector<std::string>& names) const override {
    std::string out = "{\"models\":[";
    for (const std::string& name : names) {
      if (&name != &names.front()) out += ',';
      out += model(name);
    }
    return out + "]}";
  }

  std::string model(std::string_view name) const override {
    std::string out = "{\"name\":";
    append_json_string(out, fmt::format("models/{}", name));
    out += ",\"displayName\":";
    append_json_string(out, name);
    return out + R"(,"version":"001","inputTokenLimit":1048576,"outputTokenLimit":65536,)"
                 R"("supportedGenerationMethods":["generateContent","countTokens"]})";
  }

  std::string_view keep_alive() const override { return ": keep-alive\r\n\r\n"; }
};

// The member in either spelling: camelCase, or snake_case, which is accepted too.
JsonView either(JsonView object, std::string_view camel, std::string_view snake) {
  const JsonView value = object[camel];
  return value.exists() ? value : object[snake];
}

// Reads a GenerateContentRequest into a call.
class Reader {
 public:
  Reader(JsonView body, Call& out) : body_(body), out_(out), prompt_(out) {}

  std::optional<Problem> read() {
    const JsonView system = either(body_, "systemInstruction", "system_instruction");
    if (system.exists()) {
      prompt_.message("system");
      read_parts(system["parts"]);
    }
    if (auto problem = read_contents()) return problem;
    prompt_.done();
    read_config(either(body_, "generationConfig", "generation_config"));
    read_tools();
    return std::nullopt;
  }

 private:
  std::optional<Problem> read_contents() {
    const JsonView contents = body_["contents"];
    if (contents.size() == 0)
      return invalid_request("* GenerateContentRequest.contents: contents is not specified\n");
    for (std::size_t i = 0; i < contents.size(); ++i) {
      std::string_view role = contents[i]["role"].text();
      if (role.empty()) role = "user";
      if (role != "user" && role != "model" && role != "function")
        return invalid_request("Please use a valid role: user, model.");
      const JsonView parts = contents[i]["parts"];
      if (parts.size() == 0)
        return invalid_request(fmt::format(
            "* GenerateContentRequest.contents[{}].parts: contents.parts must not be empty.\n", i));
      const bool result = parts[0]["functionResponse"].exists() || role == "function";
      prompt_.message(result ? "tool" : role == "model" ? "assistant" : role);
      read_parts(parts);
    }
    return std::nullopt;
  }

  void read_parts(JsonView parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) prompt_.text(parts[i]["text"].text());
  }

  void read_config(JsonView config) {
    out_.max_tokens = config["maxOutputTokens"].whole();
    const JsonView thinking = config["thinkingConfig"];
    const JsonView budget = thinking["thinkingBudget"];
    out_.thinks = thinking["thinkingLevel"].exists() || (budget.exists() && budget.whole() != 0u) ||
                  thinking["includeThoughts"].is_true();
    out_.shows_thought = thinking["includeThoughts"].is_true();
    if (config["responseMimeType"].text() != "application/json") return;
    const JsonView schema =
        config["responseSchema"].exists() ? config["responseSchema"] : config["responseJsonSchema"];
    if (schema.exists()) {
      out_.json_answer = schema.sample();
    } else {
      out_.json_answer = marker_as_json(out_);
    }
  }

  void read_tools() {
    const JsonView tools = body_["tools"], calling = body_["toolConfig"]["functionCallingConfig"];
    if (prompt_.last_is_tool() || calling["mode"].text() == "NONE") return;
    const std::string_view wanted = calling["allowedFunctionNames"][0].text();
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const JsonView functions = either(tools[i], "functionDeclarations", "function_declarations");
      for (std::size_t k = 0; k < functions.size(); ++k) {
        const std::string_view name = functions[k]["name"].text();
        if (name.empty() || (!wanted.empty() && wanted != name)) continue;
        out_.tool_name = name;
        const JsonView schema = functions[k]["parametersJsonSchema"];
        out_.tool_arguments = (schema.exists() ? schema : functions[k]["parameters"]).sample();
        return;
      }
    }
  }

  JsonView body_;
  Call& out_;
  PromptReader prompt_;
};

std::string_view finish_reason(Finish finish) {
  switch (finish) {
    case Finish::stop:
    case Finish::tool_call:
      return "STOP";
    case Finish::length:
      return "MAX_TOKENS";
    case Finish::filtered:
    case Finish::refused:
      return "SAFETY";
  }
  return "STOP";
}

// One GenerateContentResponse. `parts`: the inside of the array, "" = none; `tokens`: text generated so far.
std::string response(const Answer& answer, std::string_view parts, bool last, std::uint64_t tokens) {
  const Completion& c = answer.completion;
  const Call& call = answer.call;
  std::string out = "{";
  if (c.blocked) {
    out += R"("promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},)";
  } else {
    out += R"("candidates":[{"content":{)";
    if (!parts.empty()) out.append("\"parts\":[").append(parts).append("],");
    out += R"("role":"model"},)";
    if (last) out.append("\"finishReason\":\"").append(finish_reason(c.finish)).append("\",");
    out += "\"index\":0}],";
  }
  if (answer.frame.usage) {
    auto to = std::back_inserter(out);
    fmt::format_to(to, R"("usageMetadata":{{"promptTokenCount":{},)", call.prompt_tokens);
    if (call.cached_tokens > 0) fmt::format_to(to, R"("cachedContentTokenCount":{},)", call.cached_tokens);
    if (tokens > 0) fmt::format_to(to, R"("candidatesTokenCount":{},)", tokens);
    if (c.thought_tokens > 0) fmt::format_to(to, R"("thoughtsTokenCount":{},)", c.thought_tokens);
    fmt::format_to(to,
                   R"("totalTokenCount":{},"promptTokensDetails":[{{"modality":"TEXT","tokenCount":{}}}],)"
                   R"("serviceTier":"standard"}},)",
                   call.prompt_tokens + tokens + c.thought_tokens, call.prompt_tokens);
  }
  out += "\"modelVersion\":";
  append_json_string(out, answer.frame.model);
  out.append(",\"responseId\":\"").append(answer.frame.id.substr(0, 11)).append("\"}");
  return out;
}

std::string text_part(std::string_view text) {
  std::string out = "{\"text\":";
  append_json_string(out, text);
  return out + "}";
}

std::string thought_part(std::string_view thought) {
  std::string out = "{\"text\":";
  append_json_string(out, thought);
  return out + ",\"thought\":true}";
}

std::string call_part(const Answer& answer) {
  std::string out = "{\"functionCall\":{\"name\":";
  append_json_string(out, answer.call.tool_name);
  return out + ",\"args\":" + answer.completion.text + "}}";
}

class Content final : public Endpoint {
 public:
  std::optional<Problem> read(const HttpRequest& request, const Target& target, Call& out) const override {
    out.model = target.model;
    out.stream = request.path().ends_with(":streamGenerateContent");
    out.one_array = out.stream && request.query("alt") != "sse";
    std::optional<Problem> problem;
    const bool parsed = with_json(request.body, [&](JsonView body) {
      problem =
          body.is_object() ? Reader(body, out).read() : invalid_request("Invalid JSON payload received.");
    });
    return parsed ? problem : invalid_request("Invalid JSON payload received. Expected an object.");
  }

  std::string_view plain_member() const override { return "candidates"; }

  void append_plain(std::string& out, const Answer& answer) const override {
    const Completion& c = answer.completion;
    std::string parts;
    if (answer.call.shows_thought && !c.thought.empty()) parts = thought_part(c.thought);
    if (!c.text.empty()) {
      if (!parts.empty()) parts += ',';
      parts += c.is_tool_call() ? call_part(answer) : text_part(c.text);
    }
    out += response(answer, parts, true, c.tokens - c.thought_tokens);
  }

  StreamForm form(const Call& call) const override {
    if (call.one_array) {
      return {.framing = StreamForm::Framing::array,
              .content_type = "application/json; charset=UTF-8",
              .content_member = "candidates"};
    }
    return {.content_type = "text/event-stream", .line_end = "\r\n", .content_member = "candidates"};
  }

  // There is no end mark, and the last chunk says how it ended.
  void make_events(StreamEvents& out, const Answer& answer, std::uint32_t chunks) const override {
    const Completion& c = answer.completion;
    if (answer.call.shows_thought && !c.thought.empty())
      out.data.push_back(response(answer, thought_part(c.thought), false, 0));
    out.first_content = out.data.size();
    if (c.is_tool_call()) {
      out.data.push_back(response(answer, call_part(answer), true, c.tokens - c.thought_tokens));
    } else {
      for_each_chunk(c, chunks, [&](std::string_view piece, std::size_t tokens, bool last) {
        out.data.push_back(response(answer, text_part(piece), last, tokens));
      });
    }
    if (out.data.size() == out.first_content) out.data.push_back(response(answer, "", true, 0));
    out.contents = out.data.size() - out.first_content;
    out.finish = out.data.size() - 1;
    out.end_mark = out.data.size();
  }
};

}  // namespace

const Dialect& gemini_dialect() {
  static const Gemini dialect;
  return dialect;
}

const Endpoint& gemini_content() {
  static const Content endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
