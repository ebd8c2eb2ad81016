// POST /v1/chat/completions, and what Groq, Cerebras, Azure, OpenRouter, vLLM and Ollama's /v1 make of it.
#include <fmt/format.h>

#include <array>
#include <iterator>

#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/dialects/openai_body.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

// Where a stream says what it cost.
enum class UsagePlace : std::uint8_t {
  own_chunk_if_asked,  // without choices, before the end mark
  own_chunk_always,
  finish_chunk,
  x_groq,  // in the finish chunk, under x_groq
};

// How a flavour's answers differ from OpenAI's.
struct Style {
  Flavour flavour;
  std::string_view id_prefix = "chatcmpl-";
  std::string_view fingerprint = "fp_0123456789";  // "" = the member is missing
  UsagePlace usage = UsagePlace::own_chunk_if_asked;
  bool null_usage = false;  // the other chunks say "usage":null when usage was asked for
  bool service_tier = false, obfuscation = false, snapshots = false, time_info = false, x_groq = false;
  bool reasoning = false;        // the thought is told, in a member `reasoning`
  bool content_filters = false;  // Azure's results, and its first chunk without choices
  bool usage_details = true;     // null otherwise
};

constexpr std::array styles = {
    Style{.flavour = Flavour::openai,
          .null_usage = true,
          .service_tier = true,
          .obfuscation = true,
          .snapshots = true},
    Style{.flavour = Flavour::groq, .usage = UsagePlace::x_groq, .x_groq = true, .reasoning = true},
    Style{.flavour = Flavour::cerebras,
          .usage = UsagePlace::finish_chunk,
          .time_info = true,
          .reasoning = true},
    Style{.flavour = Flavour::azure, .null_usage = true, .snapshots = true, .content_filters = true},
    Style{.flavour = Flavour::openrouter,
          .id_prefix = "gen-",
          .fingerprint = "",
          .usage = UsagePlace::own_chunk_always,
          .reasoning = true},
    Style{.flavour = Flavour::vllm, .fingerprint = "", .reasoning = true, .usage_details = false},
    Style{.flavour = Flavour::ollama, .fingerprint = "fp_ollama", .reasoning = true, .usage_details = false},
};

const Style& style_of(Flavour flavour) {
  return speaks_chat(flavour) ? styles[static_cast<std::size_t>(flavour)] : styles[0];
}

// OpenAI answers with the dated snapshot behind an alias; other names stay as they are.
std::string_view model_snapshot(std::string_view model) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> snapshots = {{
      {"gpt-4o-mini", "gpt-4o-mini-2024-07-18"},
      {"gpt-4o", "gpt-4o-2024-08-06"},
      {"gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"},
      {"gpt-4.1", "gpt-4.1-2025-04-14"},
      {"gpt-5-mini", "gpt-5-mini-2025-08-07"},
  }};
  for (const auto& [alias, snapshot] : snapshots) {
    if (alias == model) return snapshot;
  }
  return model;
}

constexpr std::string_view safe_results =
    R"({"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},)"
    R"("sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}})";

std::string_view finish_word(const Completion& completion) {
  switch (completion.finish) {
    case Finish::stop:
    case Finish::refused:
      return "stop";
    case Finish::length:
      return "length";
    case Finish::tool_call:
      return "tool_calls";
    case Finish::filtered:
      return "content_filter";
  }
  return "stop";
}

bool known_role(std::string_view role) {
  return role == "user" || role == "system" || role == "assistant" || role == "developer" || role == "tool" ||
         role == "function";
}

// Reads a chat body into a call.
class Reader {
 public:
  Reader(JsonView body, const Target& target, Call& out)
      : body_(body), target_(target), ollama_(target.flavour == Flavour::ollama), out_(out), prompt_(out) {}

  std::optional<Problem> read() {
    if (auto problem = read_model(body_, target_.model, out_)) return problem;
    if (auto problem = read_messages()) return problem;
    if (auto problem = read_limits()) return problem;
    if (auto problem = read_stream(body_, out_)) return problem;
    if (auto problem = read_stream_options()) return problem;
    prompt_.done();
    const std::string_view effort = body_["reasoning_effort"].text();
    out_.thinks = !effort.empty() && effort != "none";
    read_tools();
    read_response_format();
    return std::nullopt;
  }

 private:
  std::optional<Problem> read_messages() {
    const JsonView messages = body_["messages"];
    if (!messages.exists()) return missing_parameter("messages");
    if (!messages.is_array()) return wrong_type("messages", "an array of objects");
    if (messages.size() == 0) return wrong_value("messages", "an array with at least one message");
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (auto problem = read_message(messages[i], i)) return problem;
    }
    return std::nullopt;
  }

  std::optional<Problem> read_message(JsonView message, std::size_t place) {
    if (!message.is_object()) return wrong_type(fmt::format("messages[{}]", place), "an object");
    const std::string_view role = message["role"].text();
    if (!known_role(role)) return wrong_value(fmt::format("messages[{}].role", place), "a supported role");
    prompt_.message(role);
    const JsonView content = message["content"];
    if (content.is_text()) {
      prompt_.text(content.text());
      return std::nullopt;
    }
    const bool may_be_null = role == "assistant" || role == "function";
    if (!content.exists() && may_be_null) return std::nullopt;
    const std::string param = fmt::format("messages[{}].content", place);
    if (!content.is_array()) return wrong_type(param, "one of a string or array of objects");
    for (std::size_t i = 0; i < content.size(); ++i) {
      if (!content[i].is_object()) return wrong_type(param, "an array of objects");
      prompt_.text(content[i]["text"].text());
    }
    return std::nullopt;
  }

  // Ollama reads neither max_completion_tokens nor n.
  std::optional<Problem> read_limits() {
    std::optional<std::uint64_t> old_name, n;
    if (ollama_) return read_count(body_, "max_tokens", 1, out_.max_tokens);
    if (auto problem = read_count(body_, "max_completion_tokens", 1, out_.max_tokens)) return problem;
    if (auto problem = read_count(body_, "max_tokens", 1, old_name)) return problem;
    if (auto problem = read_count(body_, "n", 1, n)) return problem;
    if (!out_.max_tokens) out_.max_tokens = old_name;
    if (n.value_or(1) > 128) return wrong_value("n", "a value <= 128");
    out_.choices = static_cast<std::uint32_t>(n.value_or(1));
    return std::nullopt;
  }

  std::optional<Problem> read_stream_options() {
    const JsonView options = body_["stream_options"];
    if (!options.exists()) return std::nullopt;
    if (!out_.stream) {
      return Problem{.message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                     .param = "stream_options"};
    }
    if (!options.is_object()) return wrong_type("stream_options", "an object");
    out_.include_usage = options["include_usage"].is_true();
    return std::nullopt;
  }

  // A tool is called once: after its result (a last message of role tool) the model answers with text.
  void read_tools() {
    const JsonView tools = body_["tools"], choice = ollama_ ? JsonView() : body_["tool_choice"];
    if (prompt_.last_is_tool() || choice.text() == "none") return;
    const std::string_view wanted = choice["function"]["name"].text();
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const JsonView function = tools[i]["function"];
      const std::string_view name = function["name"].text();
      if (name.empty() || (!wanted.empty() && wanted != name)) continue;
      out_.tool_name = name;
      out_.tool_arguments = function["parameters"].sample();
      return;
    }
  }

  void read_response_format() {
    const JsonView format = body_["response_format"];
    if (format["type"].text() == "json_object") out_.json_answer = marker_as_json(out_);
    if (format["type"].text() == "json_schema") out_.json_answer = format["json_schema"]["schema"].sample();
  }

  JsonView body_;
  const Target& target_;
  const bool ollama_;
  Call& out_;
  PromptReader prompt_;
};

std::string_view shown_model(const Style& style, std::string_view model) {
  return style.snapshots ? model_snapshot(model) : model;
}

void append_usage(std::string& out, const Style& style, const Answer& answer) {
  const Call& call = answer.call;
  const Completion& c = answer.completion;
  append_format(out, R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{})", call.prompt_tokens,
                c.tokens, call.prompt_tokens + c.tokens);
  if (style.x_groq)
    out += R"(,"queue_time":0.01,"prompt_time":0.001,"completion_time":0.004,"total_time":0.005)";
  if (!style.usage_details) {
    out += style.flavour == Flavour::vllm ? R"(,"prompt_tokens_details":null})" : "}";
    return;
  }
  append_format(
      out,
      R"(,"prompt_tokens_details":{{"cached_tokens":{},"audio_tokens":0}},"completion_tokens_details":)"
      R"({{"reasoning_tokens":{},"audio_tokens":0,"accepted_prediction_tokens":0,)"
      R"("rejected_prediction_tokens":0}}}})",
      call.cached_tokens, c.thought_tokens * call.choices);
}

void append_time_info(std::string& out, std::int64_t created) {
  append_format(
      out,
      R"(,"time_info":{{"queue_time":0.01,"prompt_time":0.001,"completion_time":0.004,"total_time":0.015,)"
      R"("created":{}}})",
      created);
}

void append_text_or_null(std::string& out, std::string_view text, bool null) {
  if (null) {
    out += "null";
  } else {
    append_json_string(out, text);
  }
}

void append_message(std::string& out, const Style& style, const Answer& answer) {
  const Completion& c = answer.completion;
  out += R"({"role":"assistant","content":)";
  append_text_or_null(out, c.text, c.is_tool_call() || c.is_refusal());
  if (style.reasoning && !c.thought.empty()) {
    out += ",\"reasoning\":";
    append_json_string(out, c.thought);
  }
  if (c.is_tool_call()) {
    append_format(out, R"(,"tool_calls":[{{"id":"call_{}","type":"function","function":{{"name":)",
                  answer.frame.id);
    append_json_string(out, answer.call.tool_name);
    out += ",\"arguments\":";
    append_json_string(out, c.text);
    out += "}}]";
  }
  out += ",\"refusal\":";
  append_text_or_null(out, c.text, !c.is_refusal());
  out += ",\"annotations\":[]}";
}

// Makes the events of one stream, all starting with the same members.
class EventWriter {
 public:
  EventWriter(StreamEvents& out, const Style& style, const Answer& answer)
      : out_(out), style_(style), answer_(answer) {
    const ReplyFrame& frame = answer.frame;
    prefix_ = fmt::format(R"({{"id":"{}{}","object":"chat.completion.chunk","created":{},"model":)",
                          style.id_prefix, frame.id, frame.created);
    append_json_string(prefix_, shown_model(style, frame.model));
    if (style.service_tier) prefix_ += R"(,"service_tier":"default")";
    if (!style.fingerprint.empty())
      append_format(prefix_, R"(,"system_fingerprint":"{}")", style.fingerprint);
    prefix_ += ",\"choices\":[";
    const bool asked = answer.call.include_usage || style.usage == UsagePlace::own_chunk_always;
    own_usage_ = frame.usage && asked && style.usage != UsagePlace::finish_chunk;
  }

  void role(std::uint32_t choice) {
    const Completion& c = answer_.completion;
    std::string delta = R"({"role":"assistant","content":)";
    delta += c.is_tool_call() || c.is_refusal() ? "null" : "\"\"";
    if (c.is_tool_call()) {
      append_format(delta,
                    R"(,"tool_calls":[{{"index":0,"id":"call_{}","type":"function","function":{{"name":)",
                    answer_.frame.id);
      append_json_string(delta, answer_.call.tool_name);
      delta += R"(,"arguments":""}}])";
    }
    delta += R"(,"refusal":null})";
    add(choice, delta, "");
  }

  void thought(std::uint32_t choice) {
    std::string delta = R"({"reasoning":)";
    append_json_string(delta, answer_.completion.thought);
    add(choice, delta + "}", "");
  }

  void content(std::uint32_t choice, std::string_view piece) {
    std::string delta;
    if (answer_.completion.is_tool_call()) {
      delta = R"({"tool_calls":[{"index":0,"function":{"arguments":)";
      append_json_string(delta, piece);
      delta += "}}]}";
    } else {
      delta = answer_.completion.is_refusal() ? R"({"refusal":)" : R"({"content":)";
      append_json_string(delta, piece);
      delta += '}';
    }
    add(choice, delta, "");
  }

  void finish(std::uint32_t choice, bool last) {
    add(choice, "{}", finish_word(answer_.completion));
    if (!last || !answer_.frame.usage) return;
    std::string& event = out_.data.back();
    event.pop_back();
    if (style_.usage == UsagePlace::x_groq) {
      append_format(event, R"(,"x_groq":{{"id":"req_{}","usage":)", answer_.frame.id);
      append_usage(event, style_, answer_);
      event += '}';
    } else if (style_.usage == UsagePlace::finish_chunk) {
      event += ",\"usage\":";
      append_usage(event, style_, answer_);
      if (style_.time_info) append_time_info(event, answer_.frame.created);
    }
    event += '}';
  }

  void usage() {
    if (!own_usage_) return;
    std::string event = prefix_ + "],\"usage\":";
    append_usage(event, style_, answer_);
    out_.data.push_back(std::move(event) + "}");
  }

 private:
  void add(std::uint32_t choice, std::string_view delta, std::string_view finish_reason) {
    std::string event;
    event.reserve(prefix_.size() + delta.size() + 160);
    event = prefix_;
    append_format(event, R"({{"index":{},"delta":{},"logprobs":null,"finish_reason":)", choice, delta);
    append_text_or_null(event, finish_reason, finish_reason.empty());
    if (style_.content_filters)
      event.append(",\"content_filter_results\":").append(finish_reason.empty() ? safe_results : "{}");
    event += "}]";
    if (style_.null_usage && own_usage_) event += ",\"usage\":null";
    if (style_.obfuscation) {
      event += R"(,"obfuscation":")";
      event.append("x7Kq9aQbT2mW", out_.data.size() % 12);
      event += '"';
    }
    if (style_.x_groq && out_.data.empty()) {
      append_format(event, R"(,"x_groq":{{"id":"req_{}"}})", answer_.frame.id);
    }
    event += '}';
    out_.data.push_back(std::move(event));
  }

  StreamEvents& out_;
  const Style& style_;
  const Answer& answer_;
  std::string prefix_;
  bool own_usage_ = false;
};

std::string azure_first_event() {
  return fmt::format(R"({{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":)"
                     R"([{{"prompt_index":0,"content_filter_results":{}}}]}})",
                     safe_results);
}

class OpenAiChat final : public Endpoint {
 public:
  std::optional<Problem> read(const HttpRequest& request, const Target& target, Call& out) const override {
    return read_openai_body(request.body, [&](JsonView body) { return Reader(body, target, out).read(); });
  }

  void append_plain(std::string& out, const Answer& answer) const override {
    const Style& style = style_of(answer.frame.flavour);
    const ReplyFrame& frame = answer.frame;
    append_format(out, R"({{"id":"{}{}","object":"chat.completion","created":{},"model":)", style.id_prefix,
                  frame.id, frame.created);
    append_json_string(out, shown_model(style, frame.model));
    out += ",\"choices\":[";
    for (std::uint32_t i = 0; i < answer.call.choices; ++i) {
      append_format(out, R"({}{{"index":{},"message":)", i ? "," : "", i);
      append_message(out, style, answer);
      append_format(out, R"(,"logprobs":null,"finish_reason":"{}")", finish_word(answer.completion));
      if (style.content_filters) out.append(",\"content_filter_results\":").append(safe_results);
      out += '}';
    }
    out += ']';
    if (frame.usage) {
      out += ",\"usage\":";
      append_usage(out, style, answer);
    }
    if (style.time_info) append_time_info(out, frame.created);
    if (style.service_tier) out += R"(,"service_tier":"default")";
    if (!style.fingerprint.empty()) append_format(out, R"(,"system_fingerprint":"{}")", style.fingerprint);
    if (style.x_groq) append_format(out, R"(,"x_groq":{{"id":"req_{}"}})", frame.id);
    if (style.content_filters) {
      out.append(R"(,"prompt_filter_results":[{"prompt_index":0,"content_filter_results":)")
          .append(safe_results)
          .append("}]");
    }
    out += '}';
  }

  void make_events(StreamEvents& out, const Answer& answer, std::uint32_t chunks) const override {
    const Style& style = style_of(answer.frame.flavour);
    const Completion& completion = answer.completion;
    const std::uint32_t choices = answer.call.choices;
    if (style.flavour == Flavour::openrouter) out.preamble = ": OPENROUTER PROCESSING\n\n";
    EventWriter writer(out, style, answer);
    for (std::uint32_t choice = 0; choice < choices; ++choice) writer.role(choice);
    if (style.reasoning && !completion.thought.empty()) {
      for (std::uint32_t choice = 0; choice < choices; ++choice) writer.thought(choice);
    }
    out.first_content = completion.is_tool_call() ? 0 : out.data.size();
    for_each_chunk(completion, chunks, [&](std::string_view piece, std::size_t, bool) {
      for (std::uint32_t choice = 0; choice < choices; ++choice) writer.content(choice, piece);
    });
    out.finish = out.data.size();
    out.contents = out.finish - out.first_content;
    for (std::uint32_t choice = 0; choice < choices; ++choice) writer.finish(choice, choice + 1 == choices);
    writer.usage();
    if (style.content_filters) {
      out.data.insert(out.data.begin(), azure_first_event());
      ++out.first_content;
      ++out.finish;
    }
    out.end_mark = out.data.size();
    out.data.emplace_back("[DONE]");
  }
};

}  // namespace

const Endpoint& openai_chat() {
  static const OpenAiChat endpoint;
  return endpoint;
}

}  // namespace batchrun::mock
