// generateContent and streamGenerateContent of Gemini (https://ai.google.dev/api/generate-content).
#include <fmt/format.h>

#include <iterator>

#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/json_view.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

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
    append_format(out, R"("usageMetadata":{{"promptTokenCount":{},)", call.prompt_tokens);
    if (call.cached_tokens > 0) append_format(out, R"("cachedContentTokenCount":{},)", call.cached_tokens);
    if (tokens > 0) append_format(out, R"("candidatesTokenCount":{},)", tokens);
    if (c.thought_tokens > 0) append_format(out, R"("thoughtsTokenCount":{},)", c.thought_tokens);
    append_format(out,
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

const Endpoint& gemini_content() {
  static const Content endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
